"""The list of a territory's stations, and the search by code.

The list shows the reports that stations owe, and their observers.
"""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, register_page
from observer.models import Call, Commission
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.calls import load_latest_calls
from observer.words import get_translation
from reports.desk.day.assignments import load_current_assignments
from reports.desk.day.exports import build_coverage_link
from reports.desk.day.scope import get_scope, load_ancestors
from reports.desk.words.formats import (
    CALL_OUTCOME_LABELS,
    EXPECTATION_STATE_LABELS,
    get_place_name,
    to_local_time,
)
from reports.services.schedule.board import Station, iterate_stations
from reports.services.schedule.expectations import CONFLICTING, PARTIAL, load_expectations
from reports.services.schedule.schedule import load_plan
from reports.services.schedule.station_filter import filter_stations

PAGE_SIZE = 50
MAX_STATIONS_READ = 300  # all their reports are read to find incomplete and contradictory ones
SHOW_LABELS = {
    "": _("All"),
    "silent": _("Silent"),
    "late": _("Overdue"),
    "unopened": _("Not opened"),
    "unsettled": _("Incomplete or contradictory"),
}


@register_page("stations/", name="stations", section="day", order=2)
class StationListPage(DeskView):
    """`?at=CODE`: the territory. `?show=`: one of SHOW_LABELS. `?checklist=CODE`: the checklist that is overdue."""

    permission = Permission.LOOK
    title = _("Stations")
    template_name = "desk/stations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = self.request.GET
        scope, now = get_scope(self, query.get("at", "")), timezone.now()
        show = query.get("show", "") if query.get("show", "") in SHOW_LABELS else ""
        plan = load_plan(election=self.election)
        titles = {
            code: get_translation(one.titles, order=self.election.languages) for code, one in plan.checklists.items()
        }
        stations = iterate_stations(election=self.election, scope=scope, now=now, plan=plan)
        selected = sorted(
            filter_stations(stations=stations, show=show, checklist=query.get("checklist", "")),
            key=lambda one: one.path,
        )
        unsettled: dict[int, list[str]] = {}
        too_many = show == "unsettled" and len(selected) > MAX_STATIONS_READ
        if show == "unsettled":
            unsettled = {} if too_many else self._describe_unsettled(selected, titles)
            selected = [one for one in selected if one.commission in unsettled]
        part = Paginator(selected, PAGE_SIZE).get_page(query.get("page"))
        territory = scope.commission
        for place in (ancestors := load_ancestors(self, territory)):
            place.election = self.election
        context = {
            "here": territory,
            "name": get_place_name(territory),
            "way": [(one, get_place_name(one)) for one in ancestors],
            "shows": SHOW_LABELS.items(),
            "show": show,
            "checklist": query.get("checklist", ""),
            "checklist_title": titles.get(query.get("checklist", ""), ""),
            "part": part,
            "rows": self._build_rows(list(part.object_list), titles, unsettled),
            "too_many": too_many,
            "contact": access.has_permission(self.user, Permission.CONTACT, territory),
            "export_link": build_coverage_link(self, territory, show=show, checklist=query.get("checklist", "")),
        }
        return super().get_context_data(**kwargs) | context

    def _describe_unsettled(self, stations: Sequence[Station], titles: dict[str, str]) -> dict[int, list[str]]:
        """The incomplete and contradictory reports in words, by the station's primary key."""
        assignments = load_current_assignments(self, [one.commission for one in stations], timezone.now())
        descriptions: dict[int, list[str]] = {}
        for one in load_expectations(election=self.election, assignments=assignments):
            if one.state in (PARTIAL, CONFLICTING):
                checklist_label = (
                    f"{titles.get(one.due_time.checklist) or one.due_time.checklist} {one.due_time.slot}".strip()
                )
                descriptions.setdefault(one.assignment.commission_id, []).append(
                    f"{checklist_label}: {EXPECTATION_STATE_LABELS[one.state]}"
                )
        return {key: sorted(set(lines)) for key, lines in descriptions.items()}

    def _build_rows(
        self, stations: Sequence[Station], titles: dict[str, str], unsettled: dict[int, list[str]]
    ) -> list[dict[str, Any]]:
        station_ids = [one.commission for one in stations]
        places = self.get_visible_rows(Commission).in_bulk(station_ids)
        teams = self._load_teams(station_ids)
        observer_ids = {observer.pk for team in teams.values() for observer in team}
        calls = load_latest_calls(election=self.election, observers=observer_ids)
        rows = []
        for one in stations:
            place = places[one.commission]
            place.election = self.election
            team = [
                (observer, self._describe_call(calls.get(observer.pk), place)) for observer in teams.get(place.pk, [])
            ]
            rows.append(
                {
                    "place": place,
                    "name": get_place_name(place),
                    "silent": one.silent,
                    "opened": one.opened,
                    "owes": [titles.get(code, code) for code in one.overdue],
                    "team": team,
                    "unsettled": unsettled.get(one.commission, []),
                }
            )
        return rows

    def _load_teams(self, station_ids: Sequence[int]) -> dict[int, list[Any]]:
        """The visible observers who are there now, by station.

        The keys are the stations' primary keys.
        """
        teams: dict[int, list[Any]] = {}
        for assignment in load_current_assignments(self, station_ids, timezone.now()):
            team = teams.setdefault(assignment.commission_id, [])
            team += [one for one in assignment.observers.all() if one not in team]
        return teams

    def _describe_call(self, call: Call | None, place: Commission) -> dict[str, Any] | None:
        if call is None:
            return None
        return {
            "at": to_local_time(call.at, place.zone),
            "by": call.user.get_username(),
            "outcome": CALL_OUTCOME_LABELS.get(call.outcome, ""),
        }


@register_page("stations/find/", name="station_find")
class FindStationView(DeskView):
    """Redirects from a station's code to its page; case does not matter."""

    permission = Permission.LOOK

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = self.get_visible_rows(Commission).filter(code__iexact=request.GET.get("code", "").strip()).first()
        if found is None:
            raise Http404
        return HttpResponseRedirect(self.get_page_url("station", found.pk))
