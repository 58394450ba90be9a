"""The board of election day: reporting stations and open incidents.

It is about one territory. The numbers are live and exact: the reports themselves are queried for each station,
by one index. A board is cached for CACHE_SECONDS, so that two hundred browsers that reload it every ten seconds
cost as much as one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value

from observer.models import Assignment, Commission, Election, Level
from observer.services.accounts.access import TerritoryScope
from reports.models import ChecklistVersion, Report, Summary, Violation, ViolationType
from reports.services.schedule.schedule import SchedulePlan, load_plan
from reports.services.storage.disk import get_free_disk_bytes

CACHE_SECONDS = 10
MAX_NEWEST_INCIDENTS = 10
SEVERITIES = tuple(ViolationType.Severity.values)


@dataclass(slots=True)
class TerritoryLine:
    """Counts of one territory's stations.

    `overdue`: stations with a late report, by checklist.
    """

    key: int
    code: str
    names: Mapping[str, str]
    path: str
    depth: int
    expected: int = 0
    opened: int = 0
    silent: int = 0
    denied: int = 0
    overdue: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Incident:
    """One violation of an incident report that is not decided yet."""

    report: int
    code: str
    severity: str
    names: Mapping[str, str]
    station: str
    station_names: Mapping[str, str]
    observer: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Board:
    """What the board shows at the time `at`; `disk_free` in bytes."""

    at: datetime
    total: TerritoryLine
    lines: list[TerritoryLine]  # every territory below, in the order of the tree
    checklists: list[tuple[str, Mapping[str, str]]]  # code and titles of those with a due time, by the first due time
    incidents: dict[str, int]  # open ones by severity, the worst first
    newest: list[Incident]
    disk_free: int


@dataclass(slots=True)
class Station:
    """One place with an assignment.

    `overdue`: codes of the checklists of which a report is late.
    """

    commission: int
    path: str
    is_precinct: bool
    opened: bool
    silent: bool
    denied: bool
    overdue: tuple[str, ...]


def get_board(*, election: Election, scope: TerritoryScope, now: datetime) -> Board:
    """The board of a scope, at most CACHE_SECONDS old.

    It takes at most nine queries, whatever the country's size.
    """
    cached: Board | None = cache.get(scope.key)
    if cached is not None and cached.at <= now:
        return cached
    board = _build_board(election, scope, now)
    cache.set(scope.key, board, CACHE_SECONDS)
    return board


def _build_board(election: Election, scope: TerritoryScope, now: datetime) -> Board:
    plan = load_plan(election=election)
    versions = load_version_keys(election)
    total, lines = _load_lines(scope)
    by_path = {line.path: line for line in (total, *lines)}
    lines_by_parent: dict[str, list[TerritoryLine]] = {}
    for station in iterate_stations(election=election, scope=scope, now=now, plan=plan, versions=versions):
        # A precinct has no line of its own, unless the board is about this precinct alone.
        parent_path = station.path if station.path in by_path else station.path[: station.path.rfind("/", 0, -1) + 1]
        if parent_path not in lines_by_parent:
            lines_by_parent[parent_path] = list(_iterate_ancestors(parent_path, by_path))
        for line in lines_by_parent[parent_path]:
            _add_station(line, station)
    if scope.organisations is None:
        _load_denied(by_path.values())
    incidents = OpenIncidents(election, scope, versions)
    titles = {code: checklist.titles for code, checklist in plan.checklists.items()}
    return Board(
        at=now,
        total=total,
        lines=lines,
        checklists=[(code, titles[code]) for code in list_scheduled_checklists(plan)],
        incidents=incidents.count_by_severity(),
        newest=incidents.load_newest(),
        disk_free=get_free_disk_bytes(),
    )


def _load_lines(scope: TerritoryScope) -> tuple[TerritoryLine, list[TerritoryLine]]:
    territories = (
        Commission.objects.in_subtree(scope.commission)
        .filter(Q(pk=scope.commission.pk) | ~Q(level__kind=Level.Kind.PRECINCT))
        .order_by("path")
        .values_list("pk", "code", "names", "path", "depth")
    )
    lines = [TerritoryLine(*row) for row in territories]
    return lines[0], lines[1:]


def _iterate_ancestors(path: str, lines: Mapping[str, TerritoryLine]) -> Iterator[TerritoryLine]:
    """The lines of this place and the territories above it.

    From the top.
    """
    end = path.find("/")
    while end >= 0:
        line = lines.get(path[: end + 1])
        if line is not None:
            yield line
        end = path.find("/", end + 1)


def _add_station(line: TerritoryLine, station: Station) -> None:
    if station.is_precinct:
        line.expected += 1
        line.opened += station.opened
        line.silent += station.silent
        line.denied += station.denied
    for code in station.overdue:
        line.overdue[code] += 1


def _load_denied(lines: Iterable[TerritoryLine]) -> None:
    """Sets `denied` from the figures, which also count stations without an assignment."""
    by_key = {line.key: line for line in lines}
    rows = Summary.objects.filter(pk__in=by_key).values_list("pk", "tally__denied")
    for key, denied in rows:
        by_key[key].denied = denied or 0


def list_scheduled_checklists(plan: SchedulePlan) -> list[str]:
    """Codes of the checklists that have a due time anywhere.

    Ordered by their first due time.
    """
    first_due: dict[str, datetime] = {}
    for kind in Level.Kind.values:
        for role in Assignment.Role.values:
            for due_time in plan.list_due_times(zone="", kind=kind, role=role):
                first_due[due_time.checklist] = min(due_time.due, first_due.get(due_time.checklist, due_time.due))
    return sorted(first_due, key=lambda code: (first_due[code], code))


# ── stations ────────────────────────────────────────────────────────────────────────────────
def load_version_keys(election: Election) -> dict[str, list[int]]:
    """Primary keys of the published versions, by checklist code."""
    keys_by_checklist: dict[str, list[int]] = {}
    rows = ChecklistVersion.objects.filter(checklist__election=election, published_at__isnull=False)
    for code, key in rows.order_by("pk").values_list("checklist__code", "pk"):
        keys_by_checklist.setdefault(code, []).append(key)
    return keys_by_checklist


def iterate_stations(
    *,
    election: Election,
    scope: TerritoryScope,
    now: datetime,
    plan: SchedulePlan | None = None,
    versions: Mapping[str, Sequence[int]] | None = None,
) -> Iterator[Station]:
    """Yields every place of the scope that has an assignment.

    Each once, in no order. One query. A station is silent when no counted report is about it, and opened when
    one on the first checklist of the day is. A report is late when its grace period is over and no counted
    report is there.
    """
    plan = plan or load_plan(election=election)
    versions = versions if versions is not None else load_version_keys(election)
    first_checklist = next(iter(list_scheduled_checklists(plan)), "")
    late_slots = _list_late_slots(plan, now)
    first_columns = {number for number, (checklist, _slot) in enumerate(late_slots) if checklist == first_checklist}
    columns: dict[str, Any] = {
        "has_report": Exists(_filter_station_reports(scope)),
        # Once the first checklist may be late, it is among the late slots below; so it is queried only once.
        "has_first": Value(False)
        if first_columns
        else Exists(_filter_station_reports(scope, versions.get(first_checklist, ()))),
        "has_denial": Value(False) if scope.organisations is None else Exists(_filter_station_denials(scope)),
    }
    for number, (checklist, slot) in enumerate(late_slots):
        columns[f"has_{number}"] = Exists(_filter_station_reports(scope, versions.get(checklist, ()), slot))
    rows = (
        filter_assignments(election, scope)
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gte=election.opens_at))
        .order_by("commission_id")
        .annotate(**columns)
        .values_list(
            "commission_id",
            "commission__path",
            "commission__level__kind",
            "commission__timezone",
            "role",
            "starts_at",
            "ends_at",
            *columns,
        )
    )
    late_reports = _LateReports(plan, now, late_slots)
    station: Station | None = None
    overdue: set[str] = set()
    for key, path, kind, zone, role, starts, ends, has_report, has_first, has_denial, *has_slot in rows.iterator(5000):
        if station is None or station.commission != key:
            if station is not None:
                station.overdue = tuple(sorted(overdue))
                yield station
            overdue = set()
            has_first = has_first or any(has_slot[number] for number in first_columns)
            station = Station(key, path, kind == Level.Kind.PRECINCT, has_first, not has_report, has_denial, ())
        for due, code, number in late_reports.list_late(zone, kind, role):
            if not has_slot[number] and (starts is None or due >= starts) and (ends is None or due <= ends):
                overdue.add(code)
    if station is not None:
        station.overdue = tuple(sorted(overdue))
        yield station


class _LateReports:
    """Due times that are over, by zone, kind and role.

    Each with the number of its `has_…` column.
    """

    def __init__(self, plan: SchedulePlan, now: datetime, late_slots: Sequence[tuple[str, str]]) -> None:
        self._plan, self._now = plan, now
        self._columns = {pair: number for number, pair in enumerate(late_slots)}
        self._known: dict[tuple[str, str, str], list[tuple[datetime, str, int]]] = {}

    def list_late(self, zone: str, kind: str, role: str) -> list[tuple[datetime, str, int]]:
        key = (zone, kind, role)
        if key not in self._known:
            self._known[key] = [
                (due_time.due, due_time.checklist, self._columns[due_time.checklist, due_time.slot])
                for due_time in self._plan.list_due_times(zone=zone, kind=kind, role=role)
                if self._now > due_time.late_after
            ]
        return self._known[key]


def filter_assignments(election: Election, scope: TerritoryScope) -> "QuerySet[Assignment]":
    rows = Assignment.objects.filter(election=election, commission__path__startswith=scope.commission.path)
    if scope.organisations is not None:
        rows = rows.filter(observers__organisation__in=scope.organisations)
    return rows


def _list_late_slots(plan: SchedulePlan, now: datetime) -> list[tuple[str, str]]:
    """Checklists and slots of which a report may be late.

    In any time zone. Computed for the election's zone and for UTC+14, where it is late first.
    """
    slots = {
        (due_time.checklist, due_time.slot)
        for kind in Level.Kind.values
        for role in Assignment.Role.values
        for zone in ("Etc/GMT-14", "")
        for due_time in plan.list_due_times(zone=zone, kind=kind, role=role)
        if now > due_time.late_after
    }
    return sorted(slots)


def _filter_station_reports(
    scope: TerritoryScope, versions: Sequence[int] | None = None, slot: str | None = None
) -> "QuerySet[Report]":
    """Counted reports about the outer assignment's place."""
    rows = Report.objects.counted().filter(commission=OuterRef("commission")).order_by()
    if versions is not None:
        rows = rows.filter(version__in=versions)
    if slot is not None:
        rows = rows.filter(slot=slot)
    if scope.organisations is not None:
        rows = rows.filter(observer__organisation__in=scope.organisations)
    return rows


def _filter_station_denials(scope: TerritoryScope) -> "QuerySet[Violation]":
    """Violations at the outer assignment's place that denied an observer access."""
    codes = ViolationType.objects.filter(election=scope.commission.election_id, denies_access=True).values("code")
    rows = Violation.objects.filter(report__in=Report.objects.counted(), code__in=codes)
    return rows.filter(
        report__commission=OuterRef("commission"), report__observer__organisation__in=scope.organisations or ()
    ).exclude(state=Violation.State.REFUTED)


# ── incidents ───────────────────────────────────────────────────────────────────────────────
class OpenIncidents:
    """Violations in incident reports of a scope that are not decided yet."""

    def __init__(self, election: Election, scope: TerritoryScope, versions: Mapping[str, Sequence[int]]) -> None:
        codes = election.checklists.filter(repeat="any").values_list("code", flat=True)
        incident_versions = [key for code in codes for key in versions.get(code, ())]
        reports = Report.objects.counted().filter(
            version__in=incident_versions, commission__in=Commission.objects.in_subtree(scope.commission)
        )
        if scope.organisations is not None:
            reports = reports.filter(observer__organisation__in=scope.organisations)
        self.rows = Violation.objects.filter(report__in=reports, state=Violation.State.REPORTED)
        self.types = {row.code: row for row in ViolationType.objects.filter(election=election)}

    def count_by_severity(self) -> dict[str, int]:
        counts = dict.fromkeys(SEVERITIES, 0)
        for code, count in self.rows.order_by().values_list("code").annotate(Count("pk")):
            if code in self.types:
                counts[self.types[code].severity] += count
        return counts

    def load_newest(self) -> list[Incident]:
        rows = self.rows.select_related("report__commission", "report__observer").order_by("-report_id", "code")
        rows = rows.only(
            "code",
            "report__received_at",
            "report__commission__code",
            "report__commission__names",
            "report__observer__code",
        )
        return [self._build_incident(row) for row in rows[:MAX_NEWEST_INCIDENTS]]

    def _build_incident(self, row: Violation) -> Incident:
        kind, report = self.types.get(row.code), row.report
        return Incident(
            report=report.pk,
            code=row.code,
            severity=kind.severity if kind else "",
            names=kind.names if kind else {},
            station=report.commission.code,
            station_names=report.commission.names,
            observer=report.observer.code,
            received_at=report.received_at,
        )
