"""GET /assignments and GET /schedule: where the observer is expected, and what is due when."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from api.conditional import conditional
from api.rest import wire
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom
from observer.models import Assignment, Commission, Device, Election, Level
from reports.models import Checklist

MOST = 2_000


def _assigned(device: Device) -> QuerySet[Assignment]:
    rows = Assignment.objects.filter(observers=device.observer_id, election=device.election_id)
    return rows.select_related("commission__level").order_by("commission__path", "pk")


class Assignments(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        answer = [
            {
                "commission": wire.commission(row.commission, device.election),
                "role": row.role,
                "from": row.starts_at,
                "until": row.ends_at,
            }
            for row in _assigned(device)[:MOST]
        ]
        return conditional(request, wire.json_answer(answer))


class Schedule(PhoneRoom):
    """A checklist that is filled once at a place is due there when its own window ends.

    Those without a window of their own have no hour; an election that gives none has no schedule.
    """

    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        election = device.election
        rows: list[dict[str, Any]] = []
        if election.windows:
            once = Checklist.objects.filter(
                election=election, repeat=Checklist.Repeat.ONCE, versions__published_at__isnull=False
            ).distinct()
            timed = [checklist for checklist in once if checklist.code in election.windows]
            places = {row.commission_id: row.commission for row in _assigned(device)[:MOST]}
            rows = [
                _due(checklist, place, election)
                for place in places.values()
                for checklist in timed
                if _fits(checklist, place)
            ]
        rows.sort(key=lambda row: (row["due"], row["commission"], row["checklist"]))
        return conditional(request, wire.json_answer(rows))


def _due(checklist: Checklist, place: Commission, election: Election) -> dict[str, Any]:
    _opens, closes = election.window(checklist.code)
    return {
        "checklist": checklist.code,
        "slot": None,
        "commission": place.code,
        "due": closes,
        "grace_minutes": 0,
    }


def _fits(checklist: Checklist, place: Commission) -> bool:
    precinct = place.level.kind == Level.Kind.PRECINCT
    return checklist.place == Checklist.Place.ANY or precinct == (checklist.place == Checklist.Place.PRECINCT)
