"""The board of the day: of a territory's stations, how many are heard of, and what wants doing next.

Live and exact: what has come is asked of the reports themselves, station by station, by one index.
A board is kept for ten seconds, so that two hundred desks that look every ten seconds cost one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value

from observer.models import Assignment, Commission, Election, Level
from observer.services.accounts.access import Scope
from reports.models import ChecklistVersion, Report, Summary, Violation, ViolationType
from reports.services.schedule.schedule import Plan, plan_of
from reports.services.storage.disk import disk_free

FRESH = 10  # seconds for which a board is kept
NEWEST = 10
SEVERITIES = tuple(ViolationType.Severity.values)


@dataclass(slots=True)
class Line:
    """One territory's stations. `overdue`: by checklist, stations of which a report is late."""

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
    """One violation of an incident report on which nobody has decided yet."""

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
    at: datetime
    total: Line
    lines: list[Line]  # every territory below, in the order of the tree
    checklists: list[tuple[str, Mapping[str, str]]]  # code and titles of those with an hour, by first hour
    incidents: dict[str, int]  # open ones by severity, the worst first
    newest: list[Incident]
    disk_free: int


@dataclass(slots=True)
class Station:
    """One place to which somebody is sent, with what it owes."""

    commission: int
    path: str
    precinct: bool
    opened: bool
    silent: bool
    denied: bool
    overdue: tuple[str, ...]


def board_of(*, election: Election, scope: Scope, now: datetime) -> Board:
    """The board, at most ten seconds old. Nine queries at most, whatever the country's size."""
    kept: Board | None = cache.get(scope.key)
    if kept is not None and kept.at <= now:
        return kept
    made = _board(election, scope, now)
    cache.set(scope.key, made, FRESH)
    return made


def _board(election: Election, scope: Scope, now: datetime) -> Board:
    plan = plan_of(election=election)
    versions = versions_of(election)
    total, lines = _lines(scope)
    by_path = {line.path: line for line in (total, *lines)}
    above: dict[str, list[Line]] = {}
    for station in stations(election=election, scope=scope, now=now, plan=plan, versions=versions):
        # A precinct's lines are its parent's, unless the board is about nothing else.
        family = station.path if station.path in by_path else station.path[: station.path.rfind("/", 0, -1) + 1]
        if family not in above:
            above[family] = list(_above(family, by_path))
        for line in above[family]:
            _count(line, station)
    if scope.organisations is None:
        _denied(by_path.values())
    incidents = Incidents(election, scope, versions)
    titles = {code: checklist.titles for code, checklist in plan.checklists.items()}
    return Board(
        at=now,
        total=total,
        lines=lines,
        checklists=[(code, titles[code]) for code in planned(plan)],
        incidents=incidents.by_severity(),
        newest=incidents.newest(),
        disk_free=disk_free(),
    )


def _lines(scope: Scope) -> tuple[Line, list[Line]]:
    territories = (
        Commission.objects.under(scope.commission)
        .filter(Q(pk=scope.commission.pk) | ~Q(level__kind=Level.Kind.PRECINCT))
        .order_by("path")
        .values_list("pk", "code", "names", "path", "depth")
    )
    made = [Line(*row) for row in territories]
    return made[0], made[1:]


def _above(path: str, lines: Mapping[str, Line]) -> Iterator[Line]:
    """The lines on the way from the top to this place, itself among them."""
    end = path.find("/")
    while end >= 0:
        line = lines.get(path[: end + 1])
        if line is not None:
            yield line
        end = path.find("/", end + 1)


def _count(line: Line, station: Station) -> None:
    if station.precinct:
        line.expected += 1
        line.opened += station.opened
        line.silent += station.silent
        line.denied += station.denied
    for code in station.overdue:
        line.overdue[code] += 1


def _denied(lines: Iterable[Line]) -> None:
    """Stations that kept an observer out are in the figures, also those to which nobody was sent."""
    by_key = {line.key: line for line in lines}
    rows = Summary.objects.filter(pk__in=by_key).values_list("pk", "tally__denied")
    for key, denied in rows:
        by_key[key].denied = denied or 0


def planned(plan: Plan) -> list[str]:
    """Codes of the checklists that have an hour anywhere, by their first."""
    first: dict[str, datetime] = {}
    for kind in Level.Kind.values:
        for role in Assignment.Role.values:
            for hour in plan.hours(zone="", kind=kind, role=role):
                first[hour.checklist] = min(hour.due, first.get(hour.checklist, hour.due))
    return sorted(first, key=lambda code: (first[code], code))


# ── stations ────────────────────────────────────────────────────────────────────────────────
def versions_of(election: Election) -> dict[str, list[int]]:
    """Keys of the published versions by checklist."""
    found: dict[str, list[int]] = {}
    rows = ChecklistVersion.objects.filter(checklist__election=election, published_at__isnull=False)
    for code, key in rows.order_by("pk").values_list("checklist__code", "pk"):
        found.setdefault(code, []).append(key)
    return found


def stations(
    *,
    election: Election,
    scope: Scope,
    now: datetime,
    plan: Plan | None = None,
    versions: Mapping[str, Sequence[int]] | None = None,
) -> Iterator[Station]:
    """Every place of the scope to which somebody is sent, once, in no order. One query.

    A station is silent when no counted report tells of it, opened when one on the first checklist
    of the day does. Late is what no counted report has met when its grace is over.
    """
    plan = plan or plan_of(election=election)
    versions = versions if versions is not None else versions_of(election)
    first = next(iter(planned(plan)), "")
    asked = _asked(plan, now)
    begins = {number for number, (checklist, _slot) in enumerate(asked) if checklist == first}
    columns: dict[str, Any] = {
        "spoke": Exists(_reports(scope)),
        # Asked once: when its hour is over, among what may be late.
        "began": Value(False) if begins else Exists(_reports(scope, versions.get(first, ()))),
        "kept_out": Value(False) if scope.organisations is None else Exists(_denials(scope)),
    }
    for number, (checklist, slot) in enumerate(asked):
        columns[f"has_{number}"] = Exists(_reports(scope, versions.get(checklist, ()), slot))
    rows = (
        assignments_in(election, scope)
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
    late = _Late(plan, now, asked)
    station: Station | None = None
    owed: set[str] = set()
    for key, path, kind, zone, role, starts, ends, spoke, began, kept_out, *has in rows.iterator(5000):
        if station is None or station.commission != key:
            if station is not None:
                station.overdue = tuple(sorted(owed))
                yield station
            owed = set()
            began = began or any(has[number] for number in begins)
            station = Station(key, path, kind == Level.Kind.PRECINCT, began, not spoke, kept_out, ())
        for due, code, number in late.hours(zone, kind, role):
            if not has[number] and (starts is None or due >= starts) and (ends is None or due <= ends):
                owed.add(code)
    if station is not None:
        station.overdue = tuple(sorted(owed))
        yield station


class _Late:
    """What may be late by now at a place of some zone and kind, each with its column among those asked."""

    def __init__(self, plan: Plan, now: datetime, asked: Sequence[tuple[str, str]]) -> None:
        self._plan, self._at = plan, now
        self._columns = {pair: number for number, pair in enumerate(asked)}
        self._known: dict[tuple[str, str, str], list[tuple[datetime, str, int]]] = {}

    def hours(self, zone: str, kind: str, role: str) -> list[tuple[datetime, str, int]]:
        key = (zone, kind, role)
        if key not in self._known:
            self._known[key] = [
                (hour.due, hour.checklist, self._columns[hour.checklist, hour.slot])
                for hour in self._plan.hours(zone=zone, kind=kind, role=role)
                if self._at > hour.late_after
            ]
        return self._known[key]


def assignments_in(election: Election, scope: Scope) -> "QuerySet[Assignment]":
    rows = Assignment.objects.filter(election=election, commission__path__startswith=scope.commission.path)
    if scope.organisations is not None:
        rows = rows.filter(observers__organisation__in=scope.organisations)
    return rows


def _asked(plan: Plan, now: datetime) -> list[tuple[str, str]]:
    """Checklists and slots of which a report may be late by now, in the earliest zone on Earth."""
    found = {
        (hour.checklist, hour.slot)
        for kind in Level.Kind.values
        for role in Assignment.Role.values
        for zone in ("Etc/GMT-14", "")
        for hour in plan.hours(zone=zone, kind=kind, role=role)
        if now > hour.late_after
    }
    return sorted(found)


def _reports(scope: Scope, versions: Sequence[int] | None = None, slot: str | None = None) -> "QuerySet[Report]":
    """Counted reports about the outer assignment's place."""
    rows = Report.objects.counted().filter(commission=OuterRef("commission")).order_by()
    if versions is not None:
        rows = rows.filter(version__in=versions)
    if slot is not None:
        rows = rows.filter(slot=slot)
    if scope.organisations is not None:
        rows = rows.filter(observer__organisation__in=scope.organisations)
    return rows


def _denials(scope: Scope) -> "QuerySet[Violation]":
    """Violations at the outer assignment's place by which an observer was kept out."""
    codes = ViolationType.objects.filter(election=scope.commission.election_id, denies_access=True).values("code")
    rows = Violation.objects.filter(report__in=Report.objects.counted(), code__in=codes)
    return rows.filter(
        report__commission=OuterRef("commission"), report__observer__organisation__in=scope.organisations or ()
    ).exclude(state=Violation.State.REFUTED)


# ── incidents ───────────────────────────────────────────────────────────────────────────────
class Incidents:
    """Violations told by incident reports of a scope, on which nobody has decided yet."""

    def __init__(self, election: Election, scope: Scope, versions: Mapping[str, Sequence[int]]) -> None:
        codes = election.checklists.filter(repeat="any").values_list("code", flat=True)
        of_incidents = [key for code in codes for key in versions.get(code, ())]
        reports = Report.objects.counted().filter(
            version__in=of_incidents, commission__in=Commission.objects.under(scope.commission)
        )
        if scope.organisations is not None:
            reports = reports.filter(observer__organisation__in=scope.organisations)
        self.rows = Violation.objects.filter(report__in=reports, state=Violation.State.REPORTED)
        self.types = {row.code: row for row in ViolationType.objects.filter(election=election)}

    def by_severity(self) -> dict[str, int]:
        found = dict.fromkeys(SEVERITIES, 0)
        for code, n in self.rows.order_by().values_list("code").annotate(Count("pk")):
            if code in self.types:
                found[self.types[code].severity] += n
        return found

    def newest(self) -> list[Incident]:
        rows = self.rows.select_related("report__commission", "report__observer").order_by("-report_id", "code")
        rows = rows.only(
            "code",
            "report__received_at",
            "report__commission__code",
            "report__commission__names",
            "report__observer__code",
        )
        return [self._incident(row) for row in rows[:NEWEST]]

    def _incident(self, row: Violation) -> Incident:
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
