"""Which reports are expected of an observer, where and when.

They follow from the assignments, the checklists and the due times of the election pack. The phone
(`build_schedule`) and the desk (`expectations.py`, `board.py`) use the same computation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from observer.models import Assignment, Commission, Election, Level, Observer
from reports.models import Checklist

MAX_ASSIGNMENTS = 2_000  # of one observer
ScheduleRow = Mapping[str, Any]  # checklist, slot, day, time, grace_minutes, zone, roles: as in the pack


@dataclass(frozen=True, slots=True, order=True)
class ExpectedReport:
    """One report that is due at a commission.

    `due` is in UTC; the report is late from `grace_minutes` later. `slot` is usually "".
    """

    due: datetime
    commission: str
    checklist: str
    slot: str
    grace_minutes: int


@dataclass(frozen=True, slots=True, order=True)
class DueTime:
    """One report that is due at places of one kind.

    The places are in one zone. `due` is in UTC.
    """

    due: datetime
    checklist: str
    slot: str
    grace_minutes: int

    @property
    def late_after(self) -> datetime:
        return self.due + timedelta(minutes=self.grace_minutes)


class SchedulePlan:
    """The due times of one election.

    Those of a zone are computed once, however many places are in it. They come from
    `election.rules["schedule"]`, which is set by the pack. A checklist that is filled in once and has no row
    there is due when its own window ends; other checklists without a row are never due.
    """

    def __init__(self, election: Election, checklists: Iterable[Checklist]) -> None:
        self.election = election
        self.checklists = {checklist.code: checklist for checklist in checklists}
        self._rows = _collect_rows(election, self.checklists.values())
        self._due_times: dict[tuple[str, str, str], list[DueTime]] = {}

    def list_due_times(
        self, *, zone: str, kind: str, role: str, starts_at: datetime | None = None, ends_at: datetime | None = None
    ) -> list[DueTime]:
        """What is due, by time, at places of a kind.

        `zone`: that of the place, "" for the election's own. `role`: that of the observer there. `zone`: "" is
        the election's own. `starts_at`, `ends_at`: the bounds of the assignment; what is due before or after it
        is left out.
        """
        key = (zone, kind, role)
        if key not in self._due_times:
            self._due_times[key] = sorted(set(self._compute_due_times(zone or self.election.timezone, kind, role)))
        return [
            due_time
            for due_time in self._due_times[key]
            if (starts_at is None or due_time.due >= starts_at) and (ends_at is None or due_time.due <= ends_at)
        ]

    def _compute_due_times(self, zone: str, kind: str, role: str) -> Iterator[DueTime]:
        for checklist, rows in self._rows:
            if not _fits_place(checklist, kind):
                continue
            for row in rows:
                if not row.get("roles") or role in row["roles"]:
                    due = _compute_row_due(row, self.election, zone)
                    yield DueTime(due, checklist.code, str(row.get("slot", "")), int(row.get("grace_minutes", 0)))


def load_plan(*, election: Election) -> SchedulePlan:
    """The due times of the election's published checklists.

    In the order of the checklists.
    """
    published = Checklist.objects.filter(election=election, versions__published_at__isnull=False).distinct()
    return SchedulePlan(election, published)


def load_assignments(*, observer: Observer, election: Election) -> list[Assignment]:
    """An observer's assignments in this election, with commission and level."""
    rows = Assignment.objects.filter(observers=observer, election=election).select_related("commission__level")
    return list(rows.order_by("commission__path", "pk")[:MAX_ASSIGNMENTS])


def build_schedule(*, observer: Observer, election: Election) -> list[ExpectedReport]:
    """The reports that are due from an observer, by time.

    Each once, even where two assignments require it.
    """
    return sorted(
        set(
            iterate_expected_reports(
                load_plan(election=election), load_assignments(observer=observer, election=election)
            )
        )
    )


def iterate_expected_reports(plan: SchedulePlan, assignments: Iterable[Assignment]) -> Iterator[ExpectedReport]:
    """The reports that are due for these assignments. Pure.

    Their commissions and levels are loaded.
    """
    for assignment in assignments:
        commission: Commission = assignment.commission
        for due_time in plan.list_due_times(
            zone=commission.timezone,
            kind=commission.level.kind,
            role=assignment.role,
            starts_at=assignment.starts_at,
            ends_at=assignment.ends_at,
        ):
            yield ExpectedReport(
                due_time.due, commission.code, due_time.checklist, due_time.slot, due_time.grace_minutes
            )


def _collect_rows(election: Election, checklists: Iterable[Checklist]) -> list[tuple[Checklist, list[ScheduleRow]]]:
    schedule_rows: list[ScheduleRow] = election.rules.get("schedule") or []
    rows_by_checklist: list[tuple[Checklist, list[ScheduleRow]]] = []
    for checklist in checklists:
        rows = [row for row in schedule_rows if row["checklist"] == checklist.code]
        if not rows and checklist.repeat == Checklist.Repeat.ONCE and checklist.code in election.windows:
            rows = [{"ends": election.get_window(checklist.code)[1]}]
        rows_by_checklist.append((checklist, rows))
    return rows_by_checklist


def _compute_row_due(row: ScheduleRow, election: Election, zone: str) -> datetime:
    if "ends" in row:
        ends: datetime = row["ends"]
        return ends.astimezone(UTC)
    return compute_due_at(row, election.date, row.get("zone") or zone)


def compute_due_at(row: ScheduleRow, day: date, zone: str) -> datetime:
    """The time in UTC at which a schedule row is due.

    `day`: the day of the election; `zone`: the time zone of the place.
    """
    local = datetime.combine(day + timedelta(days=row["day"]), time.fromisoformat(row["time"]), ZoneInfo(zone))
    return local.astimezone(UTC)


def _fits_place(checklist: Checklist, kind: str) -> bool:
    is_precinct = kind == Level.Kind.PRECINCT
    return checklist.place == Checklist.Place.ANY or is_precinct == (checklist.place == Checklist.Place.PRECINCT)
