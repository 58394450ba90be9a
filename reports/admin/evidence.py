import mimetypes
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.base import link, pretty
from observer.models import User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.trail import trail_add
from reports.admin.export import Exported
from reports.models import Evidence, Export
from reports.problems import Rejected
from reports.services.evidence.processing import evidence_approve, evidence_withdraw
from reports.services.storage.sealed_store import open_sealed


@admin.register(Evidence)
class EvidenceAdmin(Exported):
    """A file that a report announced. The staff sees the copy without metadata; the sealed original,
    which may say where and by whom, is a download of administrators and lawyers."""

    kind = Export.Kind.EVIDENCE
    deciding = Verb.APPROVE
    list_display = ("announced_at", "uuid", "small", "commission", "observer", "state", "flag_words", "approved_at")
    list_select_related = ("report__commission", "observer")
    list_filter = (
        "state",
        "publishable",
        ("approved_at", admin.EmptyFieldListFilter),
        "media_type",
        "report__commission__election",
    )
    search_fields = ("=uuid", "=sha256", "=report__uuid", "=observer__code")
    deferred = ("metadata", "report__body", "report__answers", "report__comment")
    actions = ("approve", "withdraw")
    fieldsets = (
        (None, {"fields": ("uuid", "picture", "report_link", "observer", "question", "violation", "publishable")}),
        (
            gettext_lazy("The file"),
            {
                "fields": (
                    "state",
                    "sha256",
                    "size",
                    "offset",
                    "type",
                    "media_type",
                    "source",
                    "captured_at",
                    "announced_at",
                    "stored_at",
                    "processed_at",
                    "original",
                )
            },
        ),
        (gettext_lazy("What was found out"), {"fields": ("flag_words", "what_it_says")}),
        (gettext_lazy("What the public sees"), {"fields": ("approved_at", "approved_by")}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/picture/", view(self.picture_view), name="reports_evidence_picture"),
            path("<int:pk>/thumbnail/", view(self.thumbnail_view), name="reports_evidence_thumbnail"),
            path("<int:pk>/original/", view(self.original_view), name="reports_evidence_original"),
            *super().get_urls(),
        ]

    def picture_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._copy(request, pk, "copy")

    def thumbnail_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._copy(request, pk, "thumbnail")

    def _copy(self, request: HttpRequest, pk: int, which: str) -> HttpResponseBase:
        """A prepared copy, approved or not, for whoever may see this evidence."""
        row = self.get_queryset(request).filter(pk=pk).first()
        name = getattr(row, which, "")
        if not name:
            return HttpResponse(status=404)
        try:
            stream: BinaryIO = (Path(settings.PUBLIC_DIR) / name).open("rb")
        except FileNotFoundError:
            return HttpResponse(status=404)
        return FileResponse(
            stream,
            content_type=mimetypes.guess_type(name)[0] or "image/jpeg",
            headers={"Cache-Control": "private, no-store"},
        )

    def original_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The sealed file, byte for byte, streamed; as a download that no browser will run."""
        row = access.reachable(request.user, Evidence, Verb.ORIGINAL).filter(pk=pk, state=Evidence.State.STORED).first()
        if row is None:
            return HttpResponse(status=404)
        trail_add(
            action="evidence.original",
            subject=f"evidence:{row.uuid}",
            now=timezone.now(),
            user=cast(User, request.user),
            election=row.report.commission.election_id if row.report else None,
        )
        return FileResponse(
            open_sealed(sha256=row.sha256),
            as_attachment=True,
            filename=f"{row.sha256}.bin",
            content_type="application/octet-stream",
            headers={"Cache-Control": "private, no-store"},
        )

    # ── what is shown ──
    def _image(self, evidence: Evidence, which: str) -> SafeString | str:
        if not getattr(evidence, which):
            return "—"
        address = reverse(f"admin:reports_evidence_{'picture' if which == 'copy' else which}", args=[evidence.pk])
        kind = "picture" if which == "copy" else "thumbnail"
        return format_html('<img src="{}" alt="{}" class="{}" loading="lazy">', address, _("photo"), kind)

    @admin.display(description=gettext_lazy("picture"))
    def picture(self, evidence: Evidence) -> SafeString | str:
        return self._image(evidence, "copy")

    @admin.display(description="")
    def small(self, evidence: Evidence) -> SafeString | str:
        return self._image(evidence, "thumbnail")

    @admin.display(description=gettext_lazy("commission"))
    def commission(self, evidence: Evidence) -> str:
        return str(evidence.report.commission) if evidence.report else "—"

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, evidence: Evidence) -> SafeString | str:
        return link(evidence.report)

    @admin.display(description=gettext_lazy("flags"))
    def flag_words(self, evidence: Evidence) -> str:
        return ", ".join(evidence.flags) or "—"

    @admin.display(description=gettext_lazy("metadata"))
    def what_it_says(self, evidence: Evidence) -> SafeString:
        return pretty(evidence.metadata)

    @admin.display(description=gettext_lazy("original"))
    def original(self, evidence: Evidence) -> SafeString | str:
        if evidence.state != Evidence.State.STORED:
            return "—"
        address = reverse("admin:reports_evidence_original", args=[evidence.pk])
        return format_html('<a href="{}">{}</a>', address, _("download the sealed original"))

    # ── what is decided ──
    @admin.action(
        description=gettext_lazy("Show to the public: no face, mark, list or number in it"), permissions=["decide"]
    )
    def approve(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._decided(request, rows, evidence_approve)

    @admin.action(description=gettext_lazy("Withdraw from the public"), permissions=["decide"])
    def withdraw(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._decided(request, rows, evidence_withdraw)

    def _decided(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Any) -> None:
        user, now = request.user, timezone.now()
        self.decide(request, rows, lambda one: verb(evidence=one, user=user, now=now), (Rejected,))
