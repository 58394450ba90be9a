"""What is expected of an observer, where and when: assignments × checklists × the pack's hours."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from observer.models import Assignment, Commission, Election, Level, Observer
from reports.models import Checklist

MOST = 2_000  # assignments of one observer
Row = Mapping[str, Any]  # checklist, slot, day, time, grace_minutes, zone, roles: as the pack says


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """One report that is due. `due` is UTC; until `grace_minutes` later it is not late. `slot` is "" mostly."""

    due: datetime
    commission: str
    checklist: str
    slot: str
    grace_minutes: int


def assignments_of(*, observer: Observer, election: Election) -> list[Assignment]:
    """An observer's places in this election, with commission and level."""
    rows = Assignment.objects.filter(observers=observer, election=election).select_related("commission__level")
    return list(rows.order_by("commission__path", "pk")[:MOST])


def schedule_of(*, observer: Observer, election: Election) -> list[Expected]:
    """What is due, by time. Each thing once, also where two assignments ask for it."""
    published = Checklist.objects.filter(election=election, versions__published_at__isnull=False).distinct()
    return sorted(set(expected(election, list(published), assignments_of(observer=observer, election=election))))


def expected(
    election: Election, checklists: Iterable[Checklist], assignments: Iterable[Assignment]
) -> Iterator[Expected]:
    """Pure. Hours come from `election.rules["schedule"]`, which the pack brought.

    A checklist that is filled once and has no hour there is due when its own window ends; others
    without an hour are never due.
    """
    hours = _hours(election, checklists)
    for assignment in assignments:
        place = assignment.commission
        for checklist, rows in hours:
            if _fits(checklist, place):
                for row in rows:
                    due = _due(row, election, place)
                    if _within(due, assignment) and _is_for(row, assignment):
                        grace = int(row.get("grace_minutes", 0))
                        yield Expected(due, place.code, checklist.code, str(row.get("slot", "")), grace)


def _hours(election: Election, checklists: Iterable[Checklist]) -> list[tuple[Checklist, list[Row]]]:
    planned: list[Row] = election.rules.get("schedule") or []
    found: list[tuple[Checklist, list[Row]]] = []
    for checklist in checklists:
        rows = [row for row in planned if row["checklist"] == checklist.code]
        if not rows and checklist.repeat == Checklist.Repeat.ONCE and checklist.code in election.windows:
            rows = [{"ends": election.window(checklist.code)[1]}]
        found.append((checklist, rows))
    return found


def _due(row: Row, election: Election, place: Commission) -> datetime:
    if "ends" in row:
        ends: datetime = row["ends"]
        return ends.astimezone(UTC)
    return due_at(row, election.date, row.get("zone") or place.timezone or election.timezone)


def due_at(row: Row, day: date, zone: str) -> datetime:
    """The moment that a row of the schedule means on this day in this zone, in UTC."""
    local = datetime.combine(day + timedelta(days=row["day"]), time.fromisoformat(row["time"]), ZoneInfo(zone))
    return local.astimezone(UTC)


def _within(due: datetime, assignment: Assignment) -> bool:
    """Whether somebody who comes later, or has left by then, is spared."""
    return (assignment.starts_at is None or due >= assignment.starts_at) and (
        assignment.ends_at is None or due <= assignment.ends_at
    )


def _is_for(row: Row, assignment: Assignment) -> bool:
    return not row.get("roles") or assignment.role in row["roles"]


def _fits(checklist: Checklist, place: Commission) -> bool:
    precinct = place.level.kind == Level.Kind.PRECINCT
    return checklist.place == Checklist.Place.ANY or precinct == (checklist.place == Checklist.Place.PRECINCT)
