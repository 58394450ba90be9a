"""Filling in a checklist for an observer on the phone."""

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

from observer.desk.pages import DeskView, page
from observer.models import Commission, Contest, Level, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.words import in_language
from reports.desk.day.people import PROTECTED
from reports.desk.day.scope import way_to
from reports.desk.words.formats import clock, name_of
from reports.desk.words.question_groups import answers_posted, groups_of
from reports.models import Checklist, ChecklistVersion, Question, ViolationType
from reports.problems import Rejected
from reports.services.checklists.compiled import Form, form_named
from reports.services.intake.dictation import Dictated, Meanwhile, newest_of, report_dictate

LOCAL = "%Y-%m-%dT%H:%M"


class HeadForm(forms.Form):
    """What is not an answer."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    newest = forms.IntegerField(min_value=0, max_value=2**62, widget=forms.HiddenInput)
    slot = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    contest = forms.ModelChoiceField(Contest.objects.none(), required=False, label=gettext_lazy("Contest"))
    observed_at = forms.DateTimeField(
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"],
        label=gettext_lazy("When it was observed, by the clock there"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )
    comment = forms.CharField(
        required=False, max_length=20_000, label=gettext_lazy("Comment"), widget=forms.Textarea(attrs={"rows": 3})
    )
    outside = forms.BooleanField(required=False, label=gettext_lazy("Away from the station, with the portable box"))


@page("stations/<int:pk>/dictate/<int:observer>/", name="dictate")
class Dictate(DeskView):
    """`?checklist=CODE` opens that one, in its newest version; `?slot=` the hour it is about."""

    verb = Verb.DICTATE
    template_name = "desk/dictate.html"
    place: Commission
    observer: Observer

    def setup_rows(self) -> None:
        self.place = self.one(Commission, Verb.LOOK, pk=self.kwargs["pk"])
        self.place.election = self.election
        if not access.may(self.user, Verb.DICTATE, self.place):
            raise Http404
        people = self.reachable(Observer).defer(*PROTECTED)
        found = people.filter(pk=self.kwargs["observer"]).first()
        if found is None:
            raise Http404
        self.observer = found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.setup_rows()
        if "checklist" not in request.GET:
            return self.render_to_response(self.get_context_data(checklists=self._checklists()))
        form = self._form(request.GET["checklist"])
        newest = newest_of(observer=self.observer, commission=self.place, checklist=form.code)
        head = HeadForm(
            initial={
                "uuid": uuid4(),
                "newest": newest.sequence if newest else 0,
                "slot": request.GET.get("slot", "")[:32],
                "observed_at": clock(timezone.now(), self.place.zone),
            }
        )
        return self._shown(form, head)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.setup_rows()
        form, head = self._form(request.GET.get("checklist", "")), HeadForm(request.POST)
        head.fields["contest"].queryset = self._contests()  # type: ignore[attr-defined]
        if not head.is_valid():
            return self._shown(form, head, status=422)
        try:
            outcome = report_dictate(
                dictated=self._dictated(form, head.cleaned_data),
                election=self.election,
                user=self.user,
                now=timezone.now(),
            )
        except Rejected as problem:
            return self._shown(form, head, problem, status=422)
        except Meanwhile as found:
            return self._shown(form, head, meanwhile=found.report, status=409)
        if outcome.problem is not None:
            return self._shown(form, head, outcome.problem, status=409)
        words = _("Stored as a report of %(code)s, dictated to you.") % {"code": self.observer.code}
        messages.success(request, words)
        return HttpResponseRedirect(self.link("station", self.place.pk))

    def _dictated(self, form: Form, said: dict[str, Any]) -> Dictated:
        contest: Contest | None = said["contest"]
        return Dictated(
            uuid=said["uuid"],
            observer=self.observer,
            commission=self.place,
            form=form,
            observed_at=_at_place(said["observed_at"], self.place.zone),
            answers=answers_posted(self._questions(form), self.request.POST),
            slot=said["slot"],
            contest=contest.code if contest else "",
            comment=said["comment"],
            outside=said["outside"],
            newest=None if "anyway" in self.request.POST else said["newest"],
        )

    def _shown(
        self, form: Form, head: HeadForm, problem: Rejected | None = None, meanwhile: Any = None, status: int = 200
    ) -> HttpResponse:
        contests = self._contests()
        head.fields["contest"].queryset = contests  # type: ignore[attr-defined]
        wrong = {one.field.removeprefix("answers."): str(one.detail) for one in (problem.errors if problem else ())}
        checklist = self.visible(Checklist).get(code=form.code)
        groups = groups_of(
            self._questions(form),
            data=self.request.POST if self.request.method == "POST" else None,
            errors=wrong,
            violations=self.visible(ViolationType),
            order=self.election.languages,
        )
        context = self.get_context_data(
            form=head,
            groups=groups,
            problem=problem,
            meanwhile=meanwhile,
            has_contests=contests.exists(),
            checklist=in_language(checklist.titles, order=self.election.languages) or form.code,
            version=form.number,
            met=clock(meanwhile.received_at, self.place.zone) if meanwhile else None,
        )
        return self.render_to_response(context, status=status)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        way = way_to(self, self.place)
        for one in way:
            one.election = self.election
        title = _("Dictated by %(code)s") % {"code": self.observer.code}
        return super().get_context_data(**kwargs) | {
            "place": self.place,
            "name": name_of(self.place),
            "observer": self.observer,
            "title": title,
            "zone": self.place.zone,
            "way": [(one, name_of(one)) for one in way],
        }

    def _checklists(self) -> list[tuple[str, str]]:
        """Those that fit the place first."""
        fits = Checklist.Place.PRECINCT if self.place.level.kind == Level.Kind.PRECINCT else Checklist.Place.TERRITORIAL
        rows = self.visible(Checklist).filter(versions__published_at__isnull=False, place__in=[fits, "any"]).distinct()
        return [(one.code, in_language(one.titles, order=self.election.languages) or one.code) for one in rows]

    def _form(self, code: str) -> Form:
        rows = self.visible(ChecklistVersion).filter(checklist__code=code, published_at__isnull=False)
        newest = rows.order_by("-number").values_list("number", flat=True).first()
        form = form_named(self.election.pk, code, newest) if newest is not None else None
        if form is None:
            raise Http404
        return form

    def _questions(self, form: Form) -> list[Question]:
        rows = self.visible(Question).filter(version=form.version_id).select_related("section")
        return list(rows.order_by("order", "pk"))

    def _contests(self) -> Any:
        return self.visible(Contest)


def _at_place(naive: datetime, zone: str) -> datetime:
    return naive.replace(tzinfo=ZoneInfo(zone))
