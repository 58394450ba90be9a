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

from observer.admin.base import format_json, format_link
from observer.models import User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.trail import add_trail_entry
from reports.admin.export import ExportableAdmin
from reports.models import Evidence, Export
from reports.problems import Rejected
from reports.services.evidence.processing import approve_evidence, withdraw_evidence
from reports.services.storage.sealed_store import open_sealed_file


@admin.register(Evidence)
class EvidenceAdmin(ExportableAdmin):
    """A file that a report announced.

    The staff sees a copy without metadata. Only administrators and lawyers may download the sealed original, which
    may tell where and by whom it was taken.
    """

    kind = Export.Kind.EVIDENCE
    action_permission = Permission.APPROVE
    list_display = (
        "announced_at",
        "uuid",
        "thumbnail_image",
        "commission",
        "observer",
        "state",
        "flag_list",
        "approved_at",
    )
    list_select_related = ("report__commission", "observer")
    list_filter = (
        "state",
        "publishable",
        ("approved_at", admin.EmptyFieldListFilter),
        "media_type",
        "report__commission__election",
    )
    search_fields = ("=uuid", "=sha256", "=report__uuid", "=observer__code")
    deferred_fields = ("metadata", "report__body", "report__answers", "report__comment")
    actions = ("approve", "withdraw")
    fieldsets = (
        (None, {"fields": ("uuid", "copy_image", "report_link", "observer", "question", "violation", "publishable")}),
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
                    "original_link",
                )
            },
        ),
        (gettext_lazy("What was found out"), {"fields": ("flag_list", "metadata_json")}),
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
        return self._serve_copy(request, pk, "copy")

    def thumbnail_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._serve_copy(request, pk, "thumbnail")

    def _serve_copy(self, request: HttpRequest, pk: int, field: str) -> HttpResponseBase:
        """The copy or thumbnail without metadata.

        Approved or not, for every user who may see this evidence.
        """
        evidence = self.get_queryset(request).filter(pk=pk).first()
        name = getattr(evidence, field, "")
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
        """Streams the sealed original as a download that no browser runs. Writes a trail entry."""
        evidence = (
            access.get_permitted_rows(request.user, Evidence, Permission.ORIGINAL)
            .filter(pk=pk, state=Evidence.State.STORED)
            .first()
        )
        if evidence is None:
            return HttpResponse(status=404)
        add_trail_entry(
            action="evidence.original",
            subject=f"evidence:{evidence.uuid}",
            now=timezone.now(),
            user=cast(User, request.user),
            election=evidence.report.commission.election_id if evidence.report else None,
        )
        return FileResponse(
            open_sealed_file(sha256=evidence.sha256),
            as_attachment=True,
            filename=f"{evidence.sha256}.bin",
            content_type="application/octet-stream",
            headers={"Cache-Control": "private, no-store"},
        )

    # ── columns and fields ──
    def _render_image(self, evidence: Evidence, field: str) -> SafeString | str:
        if not getattr(evidence, field):
            return "—"
        address = reverse(f"admin:reports_evidence_{'picture' if field == 'copy' else field}", args=[evidence.pk])
        css_class = "picture" if field == "copy" else "thumbnail"
        return format_html('<img src="{}" alt="{}" class="{}" loading="lazy">', address, _("photo"), css_class)

    @admin.display(description=gettext_lazy("picture"))
    def copy_image(self, evidence: Evidence) -> SafeString | str:
        return self._render_image(evidence, "copy")

    @admin.display(description="")
    def thumbnail_image(self, evidence: Evidence) -> SafeString | str:
        return self._render_image(evidence, "thumbnail")

    @admin.display(description=gettext_lazy("commission"))
    def commission(self, evidence: Evidence) -> str:
        return str(evidence.report.commission) if evidence.report else "—"

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, evidence: Evidence) -> SafeString | str:
        return format_link(evidence.report)

    @admin.display(description=gettext_lazy("flags"))
    def flag_list(self, evidence: Evidence) -> str:
        return ", ".join(evidence.flags) or "—"

    @admin.display(description=gettext_lazy("metadata"))
    def metadata_json(self, evidence: Evidence) -> SafeString:
        return format_json(evidence.metadata)

    @admin.display(description=gettext_lazy("original"))
    def original_link(self, evidence: Evidence) -> SafeString | str:
        if evidence.state != Evidence.State.STORED:
            return "—"
        address = reverse("admin:reports_evidence_original", args=[evidence.pk])
        return format_html('<a href="{}">{}</a>', address, _("download the sealed original"))

    # ── actions ──
    @admin.action(
        description=gettext_lazy("Show to the public: no face, mark, list or number in it"), permissions=["decide"]
    )
    def approve(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_decision(request, rows, approve_evidence)

    @admin.action(description=gettext_lazy("Withdraw from the public"), permissions=["decide"])
    def withdraw(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_decision(request, rows, withdraw_evidence)

    def _apply_decision(self, request: HttpRequest, rows: "QuerySet[Any]", decide: Any) -> None:
        user, now = request.user, timezone.now()
        self.run_for_each(request, rows, lambda one: decide(evidence=one, user=user, now=now), (Rejected,))
