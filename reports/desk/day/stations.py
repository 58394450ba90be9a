"""The stations of a territory by what they owe, and the way from a silent one to its observer."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, page
from observer.models import Call, Commission
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.calls import calls_latest
from observer.words import in_language
from reports.desk.day.exports import coverage_link
from reports.desk.day.people import assignments_now
from reports.desk.day.scope import scope_of, way_to
from reports.desk.words.formats import OUTCOMES, STATES, clock, name_of
from reports.services.schedule.board import Station, stations
from reports.services.schedule.expectations import CONFLICTING, PARTIAL, expectations
from reports.services.schedule.schedule import plan_of
from reports.services.schedule.station_filter import stations_shown

ON_A_PAGE = 50
READ_MOST = 300  # stations whose every report is read to say whether they are whole and agree
SHOWS = {
    "": _("All"),
    "silent": _("Silent"),
    "late": _("Overdue"),
    "unopened": _("Not opened"),
    "unsettled": _("Incomplete or contradictory"),
}


@page("stations/", name="stations", section="day", order=2)
class Stations(DeskView):
    """`?at=CODE` the territory; `?show=` one of SHOWS; `?checklist=CODE` which is overdue."""

    verb = Verb.LOOK
    title = _("Stations")
    template_name = "desk/stations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        scope, now = scope_of(self, asked.get("at", "")), timezone.now()
        show = asked.get("show", "") if asked.get("show", "") in SHOWS else ""
        plan = plan_of(election=self.election)
        titles = {code: in_language(one.titles, order=self.election.languages) for code, one in plan.checklists.items()}
        found = stations(election=self.election, scope=scope, now=now, plan=plan)
        chosen = sorted(
            stations_shown(found=found, show=show, checklist=asked.get("checklist", "")), key=lambda one: one.path
        )
        unsettled: dict[int, list[str]] = {}
        too_many = show == "unsettled" and len(chosen) > READ_MOST
        if show == "unsettled":
            unsettled = {} if too_many else self._unsettled(chosen, titles)
            chosen = [one for one in chosen if one.commission in unsettled]
        part = Paginator(chosen, ON_A_PAGE).get_page(asked.get("page"))
        here = scope.commission
        for place in (way := way_to(self, here)):
            place.election = self.election
        context = {
            "here": here,
            "name": name_of(here),
            "way": [(one, name_of(one)) for one in way],
            "shows": SHOWS.items(),
            "show": show,
            "checklist": asked.get("checklist", ""),
            "checklist_title": titles.get(asked.get("checklist", ""), ""),
            "part": part,
            "rows": self._rows(list(part.object_list), titles, unsettled),
            "too_many": too_many,
            "contact": access.may(self.user, Verb.CONTACT, here),
            "export_link": coverage_link(self, here, show=show, checklist=asked.get("checklist", "")),
        }
        return super().get_context_data(**kwargs) | context

    def _unsettled(self, some: Sequence[Station], titles: dict[str, str]) -> dict[int, list[str]]:
        """What came incomplete or contradicts another, in words, by station."""
        sent = assignments_now(self, [one.commission for one in some], timezone.now())
        found: dict[int, list[str]] = {}
        for one in expectations(election=self.election, assignments=sent):
            if one.state in (PARTIAL, CONFLICTING):
                words = f"{titles.get(one.hour.checklist) or one.hour.checklist} {one.hour.slot}".strip()
                found.setdefault(one.assignment.commission_id, []).append(f"{words}: {STATES[one.state]}")
        return {key: sorted(set(words)) for key, words in found.items()}

    def _rows(
        self, some: Sequence[Station], titles: dict[str, str], unsettled: dict[int, list[str]]
    ) -> list[dict[str, Any]]:
        keys = [one.commission for one in some]
        places = self.visible(Commission).in_bulk(keys)
        teams = self._teams(keys)
        people = {observer.pk for team in teams.values() for observer in team}
        calls = calls_latest(election=self.election, observers=people)
        rows = []
        for one in some:
            place = places[one.commission]
            place.election = self.election
            team = [(observer, self._call(calls.get(observer.pk), place)) for observer in teams.get(place.pk, [])]
            rows.append(
                {
                    "place": place,
                    "name": name_of(place),
                    "silent": one.silent,
                    "opened": one.opened,
                    "owes": [titles.get(code, code) for code in one.overdue],
                    "team": team,
                    "unsettled": unsettled.get(one.commission, []),
                }
            )
        return rows

    def _teams(self, keys: Sequence[int]) -> dict[int, list[Any]]:
        """Who is there now, by station, as far as the reader may know."""
        found: dict[int, list[Any]] = {}
        for row in assignments_now(self, keys, timezone.now()):
            team = found.setdefault(row.commission_id, [])
            team += [one for one in row.observers.all() if one not in team]
        return found

    def _call(self, call: Call | None, place: Commission) -> dict[str, Any] | None:
        if call is None:
            return None
        return {
            "at": clock(call.at, place.zone),
            "by": call.user.get_username(),
            "outcome": OUTCOMES.get(call.outcome, ""),
        }


@page("stations/find/", name="station_find")
class StationFind(DeskView):
    """From a code to its page."""

    verb = Verb.LOOK

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = self.visible(Commission).filter(code__iexact=request.GET.get("code", "").strip()).first()
        if found is None:
            raise Http404
        return HttpResponseRedirect(self.link("station", found.pk))
