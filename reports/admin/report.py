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
from observer.admin.base import ReadOnlyAdmin, ReadOnlyInline, format_json, format_link
from observer.models import Observer, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.trail import add_trail_entry
from reports.admin.answers_table import render_answers_table
from reports.admin.export import ExportableAdmin
from reports.models import Evidence, Export, KeyRotation, Note, Refusal, Report, Unkept, Violation
from reports.problems import Rejected
from reports.services.exports.filters import REPORT_FLAGS, filter_by_flag
from reports.services.review import decisions


class DecisionReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


class FlagFilter(admin.SimpleListFilter):
    title = gettext_lazy("flag")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(flag, flag) for flag in REPORT_FLAGS]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return filter_by_flag(queryset, self.value() or "") if self.value() in REPORT_FLAGS else queryset


class ViolationInline(ReadOnlyInline):
    model = Violation
    fields = readonly_fields = ("code", "state", "case", "note", "decided_by", "decided_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("case", "decided_by")


class EvidenceInline(ReadOnlyInline):
    model = Evidence
    fields = readonly_fields = ("uuid", "question", "state", "size", "media_type", "flags", "approved_at")


class NoteInline(ReadOnlyInline):
    model = Note
    fields = readonly_fields = ("text", "at", "received_at")


@admin.register(Report)
class ReportAdmin(ExportableAdmin):
    """Received reports, which are shown and never edited.

    Decisions about them go through the service `decisions`.
    """

    kind = Export.Kind.REPORTS
    action_permission = Permission.VERIFY
    list_display = ("received_at", "checklist", "commission", "observer", "standing_label", "rehearsal", "flag_list")
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
    deferred_fields = ("body", "answers", "comment")
    inlines = (ViolationInline, EvidenceInline, NoteInline)
    actions = ("verify", "hold", "reject", "restore", "count_in_earnest", "set_rehearsal")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "uuid",
                    "sequence",
                    "checklist",
                    "commission_link",
                    "observer",
                    "contest",
                    "slot",
                    "body_link",
                )
            },
        ),
        (
            gettext_lazy("What it says"),
            {"fields": ("answers_html", "comment", "outside", "location_text", "supersedes")},
        ),
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
                    "standing_label",
                    "state",
                    "state_reason",
                    "flag_list",
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
        """Downloads the received bytes, which may name people. Writes a trail entry."""
        rows = access.get_permitted_rows(request.user, Report, Permission.ORIGINAL)
        report = get_object_or_404(
            rows.select_related("commission").only("uuid", "body", "commission__election"), pk=pk
        )
        add_trail_entry(
            action="report.body",
            subject=f"report:{report.uuid}",
            now=timezone.now(),
            user=cast(User, request.user),
            election=report.commission.election_id,
        )
        return build_body_response(report.body, f"{report.uuid}.txt")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if request.method == "GET" and response.status_code == 200 and object_id.isdigit():
            report = Report(pk=int(object_id))
            decisions.mark_report_read(report=report, now=timezone.now())
        return response

    # ── columns and fields ──
    @admin.display(description=gettext_lazy("checklist"))
    def checklist(self, report: Report) -> str:
        return f"{report.version.checklist.code} v{report.version.number}"

    @admin.display(description=gettext_lazy("commission"))
    def commission_link(self, report: Report) -> SafeString | str:
        return format_link(report.commission)

    @admin.display(description=gettext_lazy("standing"))
    def standing_label(self, report: Report) -> str:
        return report.receipt_state

    @admin.display(description=gettext_lazy("flags"))
    def flag_list(self, report: Report) -> str:
        return ", ".join(report.flags) or "—"

    @admin.display(description=gettext_lazy("answers"))
    def answers_html(self, report: Report) -> SafeString:
        return render_answers_table(report, report.version.questions.order_by("order", "pk"))

    @admin.display(description=gettext_lazy("where"))
    def location_text(self, report: Report) -> str:
        if report.lat is None or report.lon is None:
            return "—"
        accuracy = f" ± {report.accuracy:g} m" if report.accuracy is not None else ""
        return f"{report.lat}, {report.lon}{accuracy}"

    @admin.display(description=gettext_lazy("as received"))
    def body_link(self, report: Report) -> SafeString:
        address = reverse("admin:reports_report_body", args=[report.pk])
        return format_html('<a href="{}">{}</a>', address, _("download"))

    # ── actions ──
    @admin.action(description=gettext_lazy("Verify: checked, counts as verified"), permissions=["decide"])
    def verify(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_decision(request, rows, decisions.verify_report, "")

    @admin.action(description=gettext_lazy("Restore: received again, counts"), permissions=["decide"])
    def restore(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._apply_decision(request, rows, decisions.restore_report, "")

    @admin.action(description=gettext_lazy("Hold: leaves the figures until looked at"), permissions=["decide"])
    def hold(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_reason(request, rows, decisions.hold_report, _("Hold reports"))

    @admin.action(description=gettext_lazy("Reject: leaves the figures"), permissions=["decide"])
    def reject(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_reason(request, rows, decisions.reject_report, _("Reject reports"))

    @admin.action(description=gettext_lazy("Not a rehearsal: meant in earnest"), permissions=["decide"])
    def count_in_earnest(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._set_rehearsal(request, rows, False)

    @admin.action(description=gettext_lazy("A rehearsal: leaves the figures"), permissions=["decide"])
    def set_rehearsal(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        self._set_rehearsal(request, rows, True)

    def _set_rehearsal(self, request: HttpRequest, rows: "QuerySet[Any]", rehearsal: bool) -> None:
        user: Any = request.user
        now = timezone.now()
        self.run_for_each(
            request, rows, lambda one: decisions.set_rehearsal(report=one, rehearsal=rehearsal, user=user, now=now)
        )

    def _decide_with_reason(
        self, request: HttpRequest, rows: "QuerySet[Any]", decide: Any, title: str
    ) -> HttpResponse | None:
        form = DecisionReasonForm(request.POST if "answered" in request.POST else None)
        if not form.is_valid():
            return self.render_action_form(request, rows, title, form)
        self._apply_decision(request, rows, decide, form.cleaned_data["reason"])
        return None

    def _apply_decision(self, request: HttpRequest, rows: "QuerySet[Any]", decide: Any, reason: str) -> None:
        user, now = request.user, timezone.now()
        self.run_for_each(request, rows, lambda one: decide(report=one, user=user, now=now, reason=reason), (Rejected,))


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    """Submitted bodies that were refused and not stored as reports, with their bytes."""

    list_display = ("received_at", "code", "uuid", "observer", "channel", "size")
    list_select_related = ("observer",)
    list_filter = ("code", "channel")
    search_fields = ("=uuid", "=observer__code")
    deferred_fields = ("body",)
    fields = (
        "uuid",
        "observer",
        "device",
        "channel",
        "received_at",
        "code",
        "problem_json",
        "size",
        "body_sha256",
        "body_link",
    )
    inlines = (EvidenceInline,)

    def get_urls(self) -> list[URLPattern]:
        body = path("<int:pk>/body/", self.admin_site.admin_view(self.body_view), name="reports_refusal_body")
        return [body, *super().get_urls()]

    def body_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Downloads the received bytes. Writes a trail entry."""
        rows = access.get_permitted_rows(request.user, Refusal, Permission.ORIGINAL)
        refusal = get_object_or_404(rows.select_related("device"), pk=pk)
        add_trail_entry(
            action="refusal.body",
            subject=refusal,
            now=timezone.now(),
            user=cast(User, request.user),
            election=refusal.device.election_id if refusal.device else None,
        )
        return build_body_response(refusal.body, f"refusal-{pk}.txt")

    @admin.display(description=gettext_lazy("problem"))
    def problem_json(self, refusal: Refusal) -> SafeString:
        return format_json(refusal.problem)

    @admin.display(description=gettext_lazy("as received"))
    def body_link(self, refusal: Refusal) -> SafeString:
        address = reverse("admin:reports_refusal_body", args=[refusal.pk])
        return format_html('<a href="{}">{}</a>', address, _("download"))


@admin.register(Unkept)
class UnkeptAdmin(ReadOnlyAdmin):
    """How many refused bodies of each device were not kept."""

    list_display = ("last_at", "observer", "device", "bodies", "size", "first_at")
    list_select_related = ("device__observer",)
    search_fields = ("=device__observer__code",)

    @admin.display(description=gettext_lazy("observer"))
    def observer(self, unkept: Unkept) -> Observer:
        return unkept.device.observer


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "report", "at")
    list_select_related = ("report",)
    search_fields = ("=uuid", "=report__uuid")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).defer("report__body")


@admin.register(KeyRotation)
class KeyRotationAdmin(ReadOnlyAdmin):
    """The running key rotation.

    The table is empty except while the command `rotate_keys` runs.
    """

    list_display = ("started_at",)


def build_body_response(encrypted_body: bytes | memoryview, name: str) -> HttpResponse:
    """The decrypted body as a download that no browser runs. `encrypted_body`: as it is stored."""
    response = HttpResponse(crypto.decrypt_body(bytes(encrypted_body)), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
