"""What is expected of an observer, where and when: assignments × checklists × the pack's hours.

One computation for the phone (`schedule_of`) and for the desk (`expected.py`, `board.py`).
"""

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


@dataclass(frozen=True, slots=True, order=True)
class Hour:
    """One thing that is due at places of one kind and zone. `due` is UTC."""

    due: datetime
    checklist: str
    slot: str
    grace_minutes: int

    @property
    def late_after(self) -> datetime:
        return self.due + timedelta(minutes=self.grace_minutes)


class Plan:
    """The hours of one election. A zone's are worked out once, however many places keep it.

    Hours come from `election.rules["schedule"]`, which the pack brought. A checklist that is filled
    once and has no hour there is due when its own window ends; others without an hour are never due.
    """

    def __init__(self, election: Election, checklists: Iterable[Checklist]) -> None:
        self.election = election
        self.checklists = {checklist.code: checklist for checklist in checklists}
        self._rows = _hours(election, self.checklists.values())
        self._known: dict[tuple[str, str, str], list[Hour]] = {}

    def hours(
        self, *, zone: str, kind: str, role: str, starts_at: datetime | None = None, ends_at: datetime | None = None
    ) -> list[Hour]:
        """What is due, by time, at a place that keeps `zone` ("" the election's), of one sent there in `role`.

        Whoever comes later, or has left by then, is spared.
        """
        key = (zone, kind, role)
        if key not in self._known:
            self._known[key] = sorted(set(self._worked_out(zone or self.election.timezone, kind, role)))
        return [
            hour
            for hour in self._known[key]
            if (starts_at is None or hour.due >= starts_at) and (ends_at is None or hour.due <= ends_at)
        ]

    def _worked_out(self, zone: str, kind: str, role: str) -> Iterator[Hour]:
        for checklist, rows in self._rows:
            if not _fits(checklist, kind):
                continue
            for row in rows:
                if not row.get("roles") or role in row["roles"]:
                    due = _due(row, self.election, zone)
                    yield Hour(due, checklist.code, str(row.get("slot", "")), int(row.get("grace_minutes", 0)))


def plan_of(*, election: Election) -> Plan:
    """The hours of its published checklists, in the order of the checklists."""
    published = Checklist.objects.filter(election=election, versions__published_at__isnull=False).distinct()
    return Plan(election, published)


def assignments_of(*, observer: Observer, election: Election) -> list[Assignment]:
    """An observer's places in this election, with commission and level."""
    rows = Assignment.objects.filter(observers=observer, election=election).select_related("commission__level")
    return list(rows.order_by("commission__path", "pk")[:MOST])


def schedule_of(*, observer: Observer, election: Election) -> list[Expected]:
    """What is due, by time. Each thing once, also where two assignments ask for it."""
    return sorted(set(expected(plan_of(election=election), assignments_of(observer=observer, election=election))))


def expected(plan: Plan, assignments: Iterable[Assignment]) -> Iterator[Expected]:
    """Pure. What is due at these assignments, whose commissions and levels are loaded."""
    for assignment in assignments:
        place: Commission = assignment.commission
        for hour in plan.hours(
            zone=place.timezone,
            kind=place.level.kind,
            role=assignment.role,
            starts_at=assignment.starts_at,
            ends_at=assignment.ends_at,
        ):
            yield Expected(hour.due, place.code, hour.checklist, hour.slot, hour.grace_minutes)


def _hours(election: Election, checklists: Iterable[Checklist]) -> list[tuple[Checklist, list[Row]]]:
    planned: list[Row] = election.rules.get("schedule") or []
    found: list[tuple[Checklist, list[Row]]] = []
    for checklist in checklists:
        rows = [row for row in planned if row["checklist"] == checklist.code]
        if not rows and checklist.repeat == Checklist.Repeat.ONCE and checklist.code in election.windows:
            rows = [{"ends": election.window(checklist.code)[1]}]
        found.append((checklist, rows))
    return found


def _due(row: Row, election: Election, zone: str) -> datetime:
    if "ends" in row:
        ends: datetime = row["ends"]
        return ends.astimezone(UTC)
    return due_at(row, election.date, row.get("zone") or zone)


def due_at(row: Row, day: date, zone: str) -> datetime:
    """The moment that a row of the schedule means on this day in this zone, in UTC."""
    local = datetime.combine(day + timedelta(days=row["day"]), time.fromisoformat(row["time"]), ZoneInfo(zone))
    return local.astimezone(UTC)


def _fits(checklist: Checklist, kind: str) -> bool:
    precinct = kind == Level.Kind.PRECINCT
    return checklist.place == Checklist.Place.ANY or precinct == (checklist.place == Checklist.Place.PRECINCT)
