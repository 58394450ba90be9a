"""One station: what is expected and has come, who is there, the calls; and the call itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Assignment, Call, Commission, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.calls import (
    SAID_MAX,
    Recorded,
    call_begin,
    call_going_on,
    call_record,
    calls_about,
    calls_waiting,
)
from observer.words import in_language
from reports.desk.day.people import assignments_at, is_over
from reports.desk.day.scope import scope_of, way_to
from reports.desk.words.formats import OUTCOMES, ROLES, STANDINGS, clock, name_of, state_words
from reports.models import Checklist, Report
from reports.services.schedule.expectations import expectations

REPORTS = 30
AGAIN = (
    ("", gettext_lazy("no need")),
    ("10", gettext_lazy("in 10 minutes")),
    ("30", gettext_lazy("in half an hour")),
    ("60", gettext_lazy("in an hour")),
    ("180", gettext_lazy("in three hours")),
)


class CallForm(forms.Form):
    outcome = forms.ChoiceField(
        choices=list(OUTCOMES.items()), widget=forms.RadioSelect, label=gettext_lazy("What came of the call")
    )
    said = forms.CharField(
        required=False,
        max_length=SAID_MAX,
        label=gettext_lazy("What was said"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    again = forms.ChoiceField(required=False, choices=AGAIN, label=gettext_lazy("Call again"))


@page("stations/<int:pk>/", name="station")
class StationPage(DeskView):
    """Everything the day asks about one place. A call that the reader has begun is open on top."""

    verb = Verb.LOOK
    template_name = "desk/station.html"
    call_form: CallForm | None = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        place = station_of(self, self.kwargs["pk"])
        now = timezone.now()
        sent = assignments_at(self, [place.pk])
        way = way_to(self, place)
        for one in way:
            one.election = self.election
        context = {
            "place": place,
            "zone": place.zone,
            "address": in_language(place.address, order=self.election.languages),
            "way": [(one, name_of(one)) for one in way],
            "title": name_of(place),
            "teams": self._teams(place, sent, now),
            "reports": self._reports(place),
            "at": clock(now, place.zone),
            "calls": self._calls(place, sent),
            "call": self._call(place, now),
            "may_call": access.may(self.user, Verb.CONTACT, place),
            "may_dictate": access.may(self.user, Verb.DICTATE, place),
            "may_register": access.may(self.user, Verb.REGISTER, place),
            "may_message": access.may(self.user, Verb.MESSAGE, place),
        }
        return super().get_context_data(**kwargs) | context

    def _teams(self, place: Commission, sent: Sequence[Assignment], now: datetime) -> list[dict[str, Any]]:
        """Each assignment with what it owes; the checklists that may be dictated where nothing is due."""
        checklists = {one.code: one for one in self.visible(Checklist).filter(versions__published_at__isnull=False)}
        owed: dict[int, list[dict[str, Any]]] = {}
        for one in expectations(election=self.election, assignments=sent):
            shape, word = state_words(one, now)
            title = in_language(checklists[one.hour.checklist].titles, order=self.election.languages)
            owed.setdefault(one.assignment.pk, []).append(
                {
                    "code": one.hour.checklist,
                    "title": title or one.hour.checklist,
                    "slot": one.hour.slot,
                    "due": clock(one.hour.due, place.zone),
                    "shape": shape,
                    "word": word,
                    "report": one.reports[0] if one.reports else None,
                }
            )
        free = [
            (one.code, in_language(one.titles, order=self.election.languages) or one.code)
            for one in checklists.values()
        ]
        return [
            {
                "assignment": row,
                "role": ROLES[row.role],
                "observers": list(row.observers.all()),
                "over": is_over(row, now),
                "owed": owed.get(row.pk, []),
                "free": free,
                "until": clock(row.ends_at, place.zone) if row.ends_at else None,
                "since": clock(row.starts_at, place.zone) if row.starts_at else None,
            }
            for row in sent
        ]

    def _reports(self, place: Commission) -> list[dict[str, Any]]:
        rows = self.visible(Report).filter(commission=place).select_related("observer", "version__checklist", "author")
        rows = rows.only(
            "uuid",
            "received_at",
            "observed_at",
            "source",
            "flags",
            "rehearsal",
            "state",
            "quarantined",
            "superseded",
            "read_at",
            "slot",
            "observer__code",
            "version__checklist__titles",
            "version__checklist__code",
            "author__username",
        ).order_by("-sequence")
        return [
            {
                "row": row,
                "at": clock(row.observed_at, place.zone),
                "standing": STANDINGS[row.standing],
                "title": in_language(row.version.checklist.titles, order=self.election.languages)
                or row.version.checklist.code,
                "dictated_to": row.author.get_username() if row.author else "",
            }
            for row in rows[:REPORTS]
        ]

    def _calls(self, place: Commission, sent: Sequence[Assignment]) -> list[dict[str, Any]]:
        if not access.may(self.user, Verb.CONTACT, place):
            return []
        people = {one.pk for row in sent for one in row.observers.all()}
        return [
            {
                "row": call,
                "at": clock(call.at, place.zone),
                "by": call.user.get_username(),
                "outcome": OUTCOMES.get(call.outcome, ""),
                "again": clock(call.call_again_at, place.zone) if call.call_again_at else None,
            }
            for call in calls_about(commission=place, observers=people)
        ]

    def _call(self, place: Commission, now: datetime) -> dict[str, Any] | None:
        call = call_going_on(user=self.user, commission=place, now=now)
        if call is None or not self.reachable(Observer, Verb.CONTACT).filter(pk=call.observer_id).exists():
            return None
        speaks = dict(settings.LANGUAGES).get(call.observer.language, call.observer.language)
        dial = _dial(call.observer.phone)
        return {"row": call, "form": self.call_form or CallForm(), "dial": dial, "speaks": speaks}


def station_of(view: DeskView, pk: int) -> Commission:
    place = view.one(Commission, view.verb if view.verb == Verb.LOOK else Verb.LOOK, pk=pk)
    place.election = view.election
    return place


def _dial(phone: str) -> str:
    """The number as an address dials it: digits, and a plus before them."""
    return "".join(sign for place, sign in enumerate(phone.strip()) if sign.isdigit() or (sign == "+" and not place))


@page("stations/<int:pk>/call/<int:observer>/", name="call")
class CallBegin(DeskView):
    """Shows an observer's name and number, on record."""

    verb = Verb.CONTACT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        place = station_of(self, self.kwargs["pk"])
        observer = self.one(Observer, pk=self.kwargs["observer"])
        call_begin(observer=observer, commission=place, user=self.user, now=timezone.now())
        return HttpResponseRedirect(self.link("station", place.pk) + "#call")


@page("calls/<int:pk>/", name="called")
class Called(StationPage):
    """What came of one's own call."""

    verb = Verb.CONTACT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        call = self.one(Call, pk=self.kwargs["pk"], user=self.user)
        form, now = CallForm(request.POST), timezone.now()
        if not form.is_valid():
            self.call_form, self.kwargs = form, self.kwargs | {"pk": call.commission_id}
            return self.render_to_response(self.get_context_data(), status=422)
        again = form.cleaned_data["again"]
        try:
            call_record(
                call=call,
                outcome=form.cleaned_data["outcome"],
                said=form.cleaned_data["said"],
                now=now,
                call_again_at=now.replace(second=0, microsecond=0) + timedelta(minutes=int(again)) if again else None,
            )
            messages.success(request, _("Written into the call log."))
        except Recorded:
            messages.error(request, _("What came of this call was written down before. Call again to add to it."))
        return HttpResponseRedirect(self.link("station", call.commission_id))


@page("calls/", name="calls", section="day", order=3)
class CallsWaiting(DeskView):
    """Those who were to be called again by now."""

    verb = Verb.CONTACT
    title = gettext_lazy("Call again")
    template_name = "desk/calls.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        here = scope_of(self, self.request.GET.get("at", "")).commission
        own = self.reachable(Call)
        rows = []
        for call in calls_waiting(commission=here, now=timezone.now()).filter(pk__in=own.values("pk"))[:200]:
            call.commission.election = self.election
            zone = call.commission.zone
            rows.append(
                {
                    "call": call,
                    "name": name_of(call.commission),
                    "outcome": OUTCOMES.get(call.outcome, ""),
                    "at": clock(call.at, zone),
                    "again": clock(call.call_again_at or call.at, zone),
                    "by": call.user.get_username(),
                }
            )
        return super().get_context_data(**kwargs) | {"rows": rows, "here": here, "name": name_of(here)}
