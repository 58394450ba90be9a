from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.base import DeskAdmin, ReadOnlyInline, format_link
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.admin.export import ExportableAdmin
from reports.models import Case, Export, Violation, ViolationGroup, ViolationType
from reports.problems import Rejected
from reports.services.review.decisions import decide_violation

ViolationState = Violation.State


class ViolationDecisionForm(forms.Form):
    case = forms.ModelChoiceField(
        Case.objects.none(),
        required=False,
        label=gettext_lazy("Case"),
        help_text=gettext_lazy("the event it belongs to, where another report told of it too"),
    )
    note = forms.CharField(required=False, label=gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(Violation)
class ViolationAdmin(ExportableAdmin):
    """Reported violations, one row per report and code; the desk decides about each."""

    kind = Export.Kind.VIOLATIONS
    action_permission = Permission.VERIFY
    list_display = ("code", "state", "commission", "observer", "case", "decided_at")
    list_select_related = ("report__commission", "report__observer", "case")
    list_filter = ("report__commission__election", "state")
    search_fields = ("=code", "=report__uuid", "=report__commission__code")
    fields = ("code", "state", "report_link", "commission", "observer", "case_link", "note", "decided_by", "decided_at")
    deferred_fields = ("report__body", "report__answers", "report__comment")
    actions = ("confirm", "refute", "solve", "pass_on", "reopen")

    @admin.display(description=gettext_lazy("commission"))
    def commission(self, violation: Violation) -> str:
        return str(violation.report.commission)

    @admin.display(description=gettext_lazy("observer"))
    def observer(self, violation: Violation) -> str:
        return violation.report.observer.code

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, violation: Violation) -> SafeString | str:
        return format_link(violation.report)

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, violation: Violation) -> SafeString | str:
        """A link to the case.

        Without a case it is a link that opens one, for users who may.
        """
        slug = violation.report.commission.election.slug
        if violation.case is not None:
            return format_html(
                '<a href="{}">{}</a>', reverse("desk:case", args=[slug, violation.case_id]), violation.case
            )
        if not violation.may_open:  # type: ignore[attr-defined]
            return "—"
        address = f"{reverse('desk:case_new', args=[slug])}?violation={violation.pk}"
        return format_html('<a href="{}">{}</a>', address, _("Open a case"))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        violation = super().get_object(request, object_id, from_field)
        if violation is not None:
            violation.may_open = access.has_permission(request.user, Permission.CASES, violation.report.commission)
        return violation

    @admin.action(description=gettext_lazy("Confirm"), permissions=["decide"])
    def confirm(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_form(request, rows, ViolationState.CONFIRMED, _("Confirm violations"))

    @admin.action(description=gettext_lazy("Refute"), permissions=["decide"])
    def refute(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_form(request, rows, ViolationState.REFUTED, _("Refute violations"))

    @admin.action(description=gettext_lazy("Solved on the spot"), permissions=["decide"])
    def solve(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_form(request, rows, ViolationState.SOLVED, _("Solved on the spot"))

    @admin.action(description=gettext_lazy("Passed on"), permissions=["decide"])
    def pass_on(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_form(request, rows, ViolationState.PASSED_ON, _("Passed on"))

    @admin.action(description=gettext_lazy("Reported, nothing decided"), permissions=["decide"])
    def reopen(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decide_with_form(request, rows, ViolationState.REPORTED, _("Take the decision back"))

    def _decide_with_form(
        self, request: HttpRequest, rows: "QuerySet[Any]", state: str, title: str
    ) -> HttpResponse | None:
        form = ViolationDecisionForm(request.POST if "answered" in request.POST else None)
        places = self.filter_actionable(request, rows).values("report__commission")
        form.fields["case"].queryset = Case.objects.filter(commission__in=places)  # type: ignore[attr-defined]
        if not form.is_valid():
            return self.render_action_form(request, rows, title, form)
        user: Any = request.user
        data, now = form.cleaned_data, timezone.now()
        self.run_for_each(
            request,
            rows,
            lambda one: decide_violation(
                violation=one, state=state, user=user, now=now, case=data["case"], note=data["note"]
            ),
            (Rejected,),
        )
        return None


class ViolationInline(ReadOnlyInline):
    model = Violation
    fields = readonly_fields = ("code", "state", "report", "note", "decided_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("report").defer("report__body")


@admin.register(Case)
class CaseAdmin(DeskAdmin):
    """A case: one event. Violations are added to it on the page of violations."""

    edit_permission = Permission.CASES
    can_delete = False
    list_display = ("__str__", "commission", "created_at")
    list_select_related = ("commission",)
    list_filter = ("commission__election",)
    search_fields = ("title", "=commission__code")
    autocomplete_fields = ("commission",)
    fields = ("commission", "title", "created_at")
    inlines = (ViolationInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # If a case moved, its confirmed count would move too, but the figures of the two places would not be recomputed.
        return ("created_at",) if obj is None else ("commission", "created_at")

    def save_model(self, request: HttpRequest, obj: Case, form: Any, change: bool) -> None:
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(ViolationGroup)
class ViolationGroupAdmin(DeskAdmin):
    edit_permission = Permission.SETUP
    can_delete = False
    list_display = ("code", "__str__", "election", "order")
    list_select_related = ("election",)
    list_filter = ("election",)
    search_fields = ("code",)
    autocomplete_fields = ("election",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("election", "code") if obj else ()


@admin.register(ViolationType)
class ViolationTypeAdmin(DeskAdmin):
    """The violation codes of an election.

    A code never changes its meaning: once reports use it, the fields that figures depend on are read-only.
    """

    edit_permission = Permission.SETUP
    can_delete = False
    list_display = ("code", "__str__", "group", "severity", "denies_access", "election")
    list_select_related = ("group", "election")
    list_filter = ("election", "severity", "group__code")
    search_fields = ("code",)
    autocomplete_fields = ("election", "group")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        is_used = Violation.objects.filter(code=obj.code, report__commission__election=obj.election_id).exists()
        return ("election", "code", *(("group", "severity", "denies_access") if is_used else ()))
