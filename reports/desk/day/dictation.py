"""The page for reports that observers dictate by phone."""

from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models import Commission, Contest, Level, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.words import get_translation
from reports.desk.day.assignments import PROTECTED_FIELDS
from reports.desk.day.scope import load_ancestors
from reports.desk.words.formats import get_place_name, to_local_time
from reports.desk.words.question_groups import build_question_groups, parse_posted_answers
from reports.models import Checklist, ChecklistVersion, Question, ViolationType
from reports.problems import Rejected
from reports.services.checklists.compiled import Form, find_form
from reports.services.intake.dictation import DictatedReport, NewerReportExists, dictate_report, find_newest_report

DATETIME_LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


class ReportHeadForm(forms.Form):
    """The fields of a dictated report that are not answers."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    newest = forms.IntegerField(min_value=0, max_value=2**62, widget=forms.HiddenInput)
    slot = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    contest = forms.ModelChoiceField(Contest.objects.none(), required=False, label=gettext_lazy("Contest"))
    observed_at = forms.DateTimeField(
        input_formats=[DATETIME_LOCAL_FORMAT, "%Y-%m-%dT%H:%M:%S"],
        label=gettext_lazy("When it was observed, by the clock there"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=DATETIME_LOCAL_FORMAT),
    )
    comment = forms.CharField(
        required=False, max_length=20_000, label=gettext_lazy("Comment"), widget=forms.Textarea(attrs={"rows": 3})
    )
    outside = forms.BooleanField(required=False, label=gettext_lazy("Away from the station, with the portable box"))


@register_page("stations/<int:pk>/dictate/<int:observer>/", name="dictate")
class DictationPage(DeskView):
    """The form of one checklist for one observer and station.

    `?checklist=CODE`: the checklist, in its newest published version; without it the page lists the checklists.
    `?slot=`: the time slot that the report is about.
    """

    permission = Permission.DICTATE
    template_name = "desk/dictate.html"
    place: Commission
    observer: Observer

    def load_rows(self) -> None:
        """Loads the station and the observer from the address. Raises Http404 where the reader may not dictate."""
        self.place = self.get_row_or_404(Commission, Permission.LOOK, pk=self.kwargs["pk"])
        self.place.election = self.election
        if not access.has_permission(self.user, Permission.DICTATE, self.place):
            raise Http404
        observers = self.get_permitted_rows(Observer).defer(*PROTECTED_FIELDS)
        found = observers.filter(pk=self.kwargs["observer"]).first()
        if found is None:
            raise Http404
        self.observer = found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.load_rows()
        if "checklist" not in request.GET:
            return self.render_to_response(self.get_context_data(checklists=self._list_checklists()))
        form = self._get_form(request.GET["checklist"])
        newest = find_newest_report(observer=self.observer, commission=self.place, checklist=form.code)
        head = ReportHeadForm(
            initial={
                "uuid": uuid4(),
                "newest": newest.sequence if newest else 0,
                "slot": request.GET.get("slot", "")[:32],
                "observed_at": to_local_time(timezone.now(), self.place.zone),
            }
        )
        return self._render_form(form, head)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.load_rows()
        form, head = self._get_form(request.GET.get("checklist", "")), ReportHeadForm(request.POST)
        head.fields["contest"].queryset = self._load_contests()  # type: ignore[attr-defined]
        if not head.is_valid():
            return self._render_form(form, head, status=422)
        try:
            outcome = dictate_report(
                dictated=self._build_report(form, head.cleaned_data),
                election=self.election,
                user=self.user,
                now=timezone.now(),
            )
        except Rejected as problem:
            return self._render_form(form, head, problem, status=422)
        except NewerReportExists as error:
            return self._render_form(form, head, newer_report=error.report, status=409)
        if outcome.problem is not None:
            return self._render_form(form, head, outcome.problem, status=409)
        message = _("Stored as a report of %(code)s, dictated to you.") % {"code": self.observer.code}
        messages.success(request, message)
        return HttpResponseRedirect(self.get_page_url("station", self.place.pk))

    def _build_report(self, form: Form, data: dict[str, Any]) -> DictatedReport:
        contest: Contest | None = data["contest"]
        return DictatedReport(
            uuid=data["uuid"],
            observer=self.observer,
            commission=self.place,
            form=form,
            observed_at=_localize(data["observed_at"], self.place.zone),
            answers=parse_posted_answers(self._load_questions(form), self.request.POST),
            slot=data["slot"],
            contest=contest.code if contest else "",
            comment=data["comment"],
            outside=data["outside"],
            newest_seen=None if "anyway" in self.request.POST else data["newest"],
        )

    def _render_form(
        self,
        form: Form,
        head: ReportHeadForm,
        problem: Rejected | None = None,
        newer_report: Any = None,
        status: int = 200,
    ) -> HttpResponse:
        contests = self._load_contests()
        head.fields["contest"].queryset = contests  # type: ignore[attr-defined]
        errors = {one.field.removeprefix("answers."): str(one.detail) for one in (problem.errors if problem else ())}
        checklist = self.get_visible_rows(Checklist).get(code=form.code)
        groups = build_question_groups(
            self._load_questions(form),
            data=self.request.POST if self.request.method == "POST" else None,
            errors=errors,
            violation_types=self.get_visible_rows(ViolationType),
            order=self.election.languages,
        )
        context = self.get_context_data(
            form=head,
            groups=groups,
            problem=problem,
            meanwhile=newer_report,
            has_contests=contests.exists(),
            checklist=get_translation(checklist.titles, order=self.election.languages) or form.code,
            version=form.number,
            met=to_local_time(newer_report.received_at, self.place.zone) if newer_report else None,
        )
        return self.render_to_response(context, status=status)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ancestors = load_ancestors(self, self.place)
        for one in ancestors:
            one.election = self.election
        title = _("Dictated by %(code)s") % {"code": self.observer.code}
        return super().get_context_data(**kwargs) | {
            "place": self.place,
            "name": get_place_name(self.place),
            "observer": self.observer,
            "title": title,
            "zone": self.place.zone,
            "way": [(one, get_place_name(one)) for one in ancestors],
        }

    def _list_checklists(self) -> list[tuple[str, str]]:
        """The published checklists for this kind of place, as (code, title)."""
        place_kind = (
            Checklist.Place.PRECINCT if self.place.level.kind == Level.Kind.PRECINCT else Checklist.Place.TERRITORIAL
        )
        rows = (
            self.get_visible_rows(Checklist)
            .filter(versions__published_at__isnull=False, place__in=[place_kind, "any"])
            .distinct()
        )
        return [(one.code, get_translation(one.titles, order=self.election.languages) or one.code) for one in rows]

    def _get_form(self, code: str) -> Form:
        """The newest published version of a checklist. Raises Http404 where there is none."""
        rows = self.get_visible_rows(ChecklistVersion).filter(checklist__code=code, published_at__isnull=False)
        newest = rows.order_by("-number").values_list("number", flat=True).first()
        form = find_form(self.election.pk, code, newest) if newest is not None else None
        if form is None:
            raise Http404
        return form

    def _load_questions(self, form: Form) -> list[Question]:
        rows = self.get_visible_rows(Question).filter(version=form.version_id).select_related("section")
        return list(rows.order_by("order", "pk"))

    def _load_contests(self) -> Any:
        return self.get_visible_rows(Contest)


def _localize(naive: datetime, zone: str) -> datetime:
    """The typed time as an aware datetime in the station's time zone."""
    return naive.replace(tzinfo=ZoneInfo(zone))
