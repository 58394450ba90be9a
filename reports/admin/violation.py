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

from observer.admin.base import Desk, ReadOnlyRows, link
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.admin.export import Exported
from reports.models import Case, Export, Violation, ViolationGroup, ViolationType
from reports.problems import Rejected
from reports.services.review.decisions import violation_decide

State = Violation.State


class DecisionForm(forms.Form):
    case = forms.ModelChoiceField(
        Case.objects.none(),
        required=False,
        label=gettext_lazy("Case"),
        help_text=gettext_lazy("the event it belongs to, where another report told of it too"),
    )
    note = forms.CharField(required=False, label=gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(Violation)
class ViolationAdmin(Exported):
    """What reports say, one row a report and code; the desk decides what it found out."""

    kind = Export.Kind.VIOLATIONS
    deciding = Verb.VERIFY
    list_display = ("code", "state", "commission", "observer", "case", "decided_at")
    list_select_related = ("report__commission", "report__observer", "case")
    list_filter = ("report__commission__election", "state")
    search_fields = ("=code", "=report__uuid", "=report__commission__code")
    fields = ("code", "state", "report_link", "commission", "observer", "case_link", "note", "decided_by", "decided_at")
    deferred = ("report__body", "report__answers", "report__comment")
    actions = ("confirm", "refute", "solve", "pass_on", "reopen")

    @admin.display(description=gettext_lazy("commission"))
    def commission(self, violation: Violation) -> str:
        return str(violation.report.commission)

    @admin.display(description=gettext_lazy("observer"))
    def observer(self, violation: Violation) -> str:
        return violation.report.observer.code

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, violation: Violation) -> SafeString | str:
        return link(violation.report)

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, violation: Violation) -> SafeString | str:
        """The case; for whoever may open one, the way to it."""
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
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.may_open = access.may(request.user, Verb.CASES, found.report.commission)
        return found

    @admin.action(description=gettext_lazy("Confirm"), permissions=["decide"])
    def confirm(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decided(request, rows, State.CONFIRMED, _("Confirm violations"))

    @admin.action(description=gettext_lazy("Refute"), permissions=["decide"])
    def refute(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decided(request, rows, State.REFUTED, _("Refute violations"))

    @admin.action(description=gettext_lazy("Solved on the spot"), permissions=["decide"])
    def solve(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decided(request, rows, State.SOLVED, _("Solved on the spot"))

    @admin.action(description=gettext_lazy("Passed on"), permissions=["decide"])
    def pass_on(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decided(request, rows, State.PASSED_ON, _("Passed on"))

    @admin.action(description=gettext_lazy("Reported, nothing decided"), permissions=["decide"])
    def reopen(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._decided(request, rows, State.REPORTED, _("Take the decision back"))

    def _decided(self, request: HttpRequest, rows: "QuerySet[Any]", state: str, title: str) -> HttpResponse | None:
        form = DecisionForm(request.POST if "answered" in request.POST else None)
        places = self.decidable(request, rows).values("report__commission")
        form.fields["case"].queryset = Case.objects.filter(commission__in=places)  # type: ignore[attr-defined]
        if not form.is_valid():
            return self.ask(request, rows, title, form)
        user: Any = request.user
        given, now = form.cleaned_data, timezone.now()
        self.decide(
            request,
            rows,
            lambda one: violation_decide(
                violation=one, state=state, user=user, now=now, case=given["case"], note=given["note"]
            ),
            (Rejected,),
        )
        return None


class ViolationRows(ReadOnlyRows):
    model = Violation
    fields = readonly_fields = ("code", "state", "report", "note", "decided_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("report").defer("report__body")


@admin.register(Case)
class CaseAdmin(Desk):
    """One event. Which violations belong to it is decided at the violations."""

    writing = Verb.CASES
    can_delete = False
    list_display = ("__str__", "commission", "created_at")
    list_select_related = ("commission",)
    list_filter = ("commission__election",)
    search_fields = ("title", "=commission__code")
    autocomplete_fields = ("commission",)
    fields = ("commission", "title", "created_at")
    inlines = (ViolationRows,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A case that moved would take its confirmed count along, unnoticed by both places' figures.
        return ("created_at",) if obj is None else ("commission", "created_at")

    def save_model(self, request: HttpRequest, obj: Case, form: Any, change: bool) -> None:
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(ViolationGroup)
class ViolationGroupAdmin(Desk):
    writing = Verb.SETUP
    can_delete = False
    list_display = ("code", "__str__", "election", "order")
    list_select_related = ("election",)
    list_filter = ("election",)
    search_fields = ("code",)
    autocomplete_fields = ("election",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("election", "code") if obj else ()


@admin.register(ViolationType)
class ViolationTypeAdmin(Desk):
    """A code keeps its meaning: once reports have raised it, what figures are made of is read-only."""

    writing = Verb.SETUP
    can_delete = False
    list_display = ("code", "__str__", "group", "severity", "denies_access", "election")
    list_select_related = ("group", "election")
    list_filter = ("election", "severity", "group__code")
    search_fields = ("code",)
    autocomplete_fields = ("election", "group")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        raised = Violation.objects.filter(code=obj.code, report__commission__election=obj.election_id).exists()
        return ("election", "code", *(("group", "severity", "denies_access") if raised else ()))
