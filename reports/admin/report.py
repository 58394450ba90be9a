from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer import crypto
from observer.admin.base import ReadOnly, ReadOnlyRows, link, pretty
from observer.models import Observer, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.trail import trail_add
from reports.admin.export import Exported
from reports.admin.reading import answers_table
from reports.models import Evidence, Export, KeyRotation, Note, Refusal, Report, Unkept, Violation
from reports.problems import Rejected
from reports.services.exports.filters import FLAGS, rows_flagged
from reports.services.review import decisions


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


class FlagFilter(admin.SimpleListFilter):
    title = gettext_lazy("flag")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(flag, flag) for flag in FLAGS]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return rows_flagged(queryset, self.value() or "") if self.value() in FLAGS else queryset


class ViolationRows(ReadOnlyRows):
    model = Violation
    fields = readonly_fields = ("code", "state", "case", "note", "decided_by", "decided_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("case", "decided_by")


class EvidenceRows(ReadOnlyRows):
    model = Evidence
    fields = readonly_fields = ("uuid", "question", "state", "size", "media_type", "flags", "approved_at")


class NoteRows(ReadOnlyRows):
    model = Note
    fields = readonly_fields = ("text", "at", "received_at")


@admin.register(Report)
class ReportAdmin(Exported):
    """What was received is shown and never edited; what the desk decides goes through `decisions`."""

    kind = Export.Kind.REPORTS
    deciding = Verb.VERIFY
    list_display = ("received_at", "checklist", "commission", "observer", "standing_word", "rehearsal", "flag_words")
    list_select_related = ("commission", "observer", "version__checklist")
    list_filter = (
        "commission__election",
        "version__checklist__code",
        "state",
        "rehearsal",
        "quarantined",
        "superseded",
        FlagFilter,
        "channel",
        "source",
    )
    search_fields = ("uuid",)
    search_help_text = gettext_lazy("a report's id, an observer's code or a commission's code")
    deferred = ("body", "answers", "comment")
    inlines = (ViolationRows, EvidenceRows, NoteRows)
    actions = ("verify", "hold", "reject", "restore", "count_in_earnest", "set_rehearsal")
    fieldsets = (
        (None, {"fields": ("uuid", "sequence", "checklist", "place", "observer", "contest", "slot", "as_received")}),
        (gettext_lazy("What it says"), {"fields": ("readable", "comment", "outside", "where", "supersedes")}),
        (
            gettext_lazy("When and how"),
            {
                "fields": (
                    "observed_at",
                    "sent_at",
                    "received_at",
                    "device",
                    "submitter",
                    "author",
                    "channel",
                    "source",
                    "content_sha256",
                )
            },
        ),
        (
            gettext_lazy("How it stands"),
            {
                "fields": (
                    "standing_word",
                    "state",
                    "state_reason",
                    "flag_words",
                    "rehearsal",
                    "quarantined",
                    "superseded",
                    "read_at",
                    "decided_by",
                    "decided_at",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        match = request.resolver_match
        rows = super().get_queryset(request)
        if match and match.url_name == "reports_report_change":
            rows = rows.defer(None).defer("body")
            rows = rows.select_related(
                "commission", "observer", "version__checklist", "contest", "device", "submitter", "author", "decided_by"
            )
        return rows

    def get_urls(self) -> list[URLPattern]:
        body = path("<int:pk>/body/", self.admin_site.admin_view(self.body_view), name="reports_report_body")
        return [body, *super().get_urls()]

    def body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bytes as they came: they may name people."""
        rows = access.reachable(request.user, Report, Verb.ORIGINAL)
        report = get_object_or_404(
            rows.select_related("commission").only("uuid", "body", "commission__election"), pk=pk
        )
        trail_add(
            action="report.body",
            subject=f"report:{report.uuid}",
            now=timezone.now(),
            user=cast(User, request.user),
            election=report.commission.election_id,
        )
        return body_answer(report.body, f"{report.uuid}.txt")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if request.method == "GET" and response.status_code == 200 and object_id.isdigit():
            report = Report(pk=int(object_id))
            decisions.report_read(report=report, now=timezone.now())
        return response

    # ── what is shown ──
    @admin.display(description=gettext_lazy("checklist"))
    def checklist(self, report: Report) -> str:
        return f"{report.version.checklist.code} v{report.version.number}"

    @admin.display(description=gettext_lazy("commission"))
    def place(self, report: Report) -> SafeString | str:
        return link(report.commission)

    @admin.display(description=gettext_lazy("standing"))
    def standing_word(self, report: Report) -> str:
        return report.standing

    @admin.display(description=gettext_lazy("flags"))
    def flag_words(self, report: Report) -> str:
        return ", ".join(report.flags) or "—"

    @admin.display(description=gettext_lazy("answers"))
    def readable(self, report: Report) -> SafeString:
        return answers_table(report, report.version.questions.order_by("order", "pk"))

    @admin.display(description=gettext_lazy("where"))
    def where(self, report: Report) -> str:
        if report.lat is None or report.lon is None:
            return "—"
        about = f" ± {report.accuracy:g} m" if report.accuracy is not None else ""
        return f"{report.lat}, {report.lon}{about}"

    @admin.display(description=gettext_lazy("as received"))
    def as_received(self, report: Report) -> SafeString:
        address = reverse("admin:reports_report_body", args=[report.pk])
        return format_html('<a href="{}">{}</a>', address, _("download"))

    # ── what is decided ──
    @admin.action(description=gettext_lazy("Verify: checked, counts as verified"), permissions=["decide"])
    def verify(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._decided(request, rows, decisions.report_verify, "")

    @admin.action(description=gettext_lazy("Restore: received again, counts"), permissions=["decide"])
    def restore(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._decided(request, rows, decisions.report_restore, "")

    @admin.action(description=gettext_lazy("Hold: leaves the figures until looked at"), permissions=["decide"])
    def hold(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._with_reason(request, rows, decisions.report_hold, _("Hold reports"))

    @admin.action(description=gettext_lazy("Reject: leaves the figures"), permissions=["decide"])
    def reject(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._with_reason(request, rows, decisions.report_reject, _("Reject reports"))

    @admin.action(description=gettext_lazy("Not a rehearsal: meant in earnest"), permissions=["decide"])
    def count_in_earnest(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._rehearsal(request, rows, False)

    @admin.action(description=gettext_lazy("A rehearsal: leaves the figures"), permissions=["decide"])
    def set_rehearsal(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._rehearsal(request, rows, True)

    def _rehearsal(self, request: HttpRequest, rows: "QuerySet[Any]", rehearsal: bool) -> None:
        user: Any = request.user
        now = timezone.now()
        self.decide(
            request, rows, lambda one: decisions.rehearsal_set(report=one, rehearsal=rehearsal, user=user, now=now)
        )

    def _with_reason(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Any, title: str) -> HttpResponse | None:
        form = ReasonForm(request.POST if "answered" in request.POST else None)
        if not form.is_valid():
            return self.ask(request, rows, title, form)
        self._decided(request, rows, verb, form.cleaned_data["reason"])
        return None

    def _decided(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Any, reason: str) -> None:
        user, now = request.user, timezone.now()
        self.decide(request, rows, lambda one: verb(report=one, user=user, now=now, reason=reason), (Rejected,))


@admin.register(Refusal)
class RefusalAdmin(ReadOnly):
    """Bodies that were not stored as reports, with their bytes."""

    list_display = ("received_at", "code", "uuid", "observer", "channel", "size")
    list_select_related = ("observer",)
    list_filter = ("code", "channel")
    search_fields = ("=uuid", "=observer__code")
    deferred = ("body",)
    fields = (
        "uuid",
        "observer",
        "device",
        "channel",
        "received_at",
        "code",
        "readable",
        "size",
        "body_sha256",
        "as_received",
    )
    inlines = (EvidenceRows,)

    def get_urls(self) -> list[URLPattern]:
        body = path("<int:pk>/body/", self.admin_site.admin_view(self.body_view), name="reports_refusal_body")
        return [body, *super().get_urls()]

    def body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bytes as they came."""
        rows = access.reachable(request.user, Refusal, Verb.ORIGINAL)
        refusal = get_object_or_404(rows.select_related("device"), pk=pk)
        trail_add(
            action="refusal.body",
            subject=refusal,
            now=timezone.now(),
            user=cast(User, request.user),
            election=refusal.device.election_id if refusal.device else None,
        )
        return body_answer(refusal.body, f"refusal-{pk}.txt")

    @admin.display(description=gettext_lazy("problem"))
    def readable(self, refusal: Refusal) -> SafeString:
        return pretty(refusal.problem)

    @admin.display(description=gettext_lazy("as received"))
    def as_received(self, refusal: Refusal) -> SafeString:
        address = reverse("admin:reports_refusal_body", args=[refusal.pk])
        return format_html('<a href="{}">{}</a>', address, _("download"))


@admin.register(Unkept)
class UnkeptAdmin(ReadOnly):
    """Of which devices refused bodies were not kept, and how many."""

    list_display = ("last_at", "observer", "device", "bodies", "size", "first_at")
    list_select_related = ("device__observer",)
    search_fields = ("=device__observer__code",)

    @admin.display(description=gettext_lazy("observer"))
    def observer(self, unkept: Unkept) -> Observer:
        return unkept.device.observer


@admin.register(Note)
class NoteAdmin(ReadOnly):
    list_display = ("received_at", "report", "at")
    list_select_related = ("report",)
    search_fields = ("=uuid", "=report__uuid")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).defer("report__body")


@admin.register(KeyRotation)
class KeyRotationAdmin(ReadOnly):
    """Empty but for the length of `rotate_keys`."""

    list_display = ("started_at",)


def body_answer(token: bytes | memoryview, name: str) -> HttpResponse:
    """A received body as a download that no browser will run."""
    response = HttpResponse(crypto.decrypt_body(bytes(token)), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
