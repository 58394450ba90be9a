"""The tables of one export: rows taken one after another from the database, by the permissions of who asked.

To be read within one moment of the database (`moments.py`). Observers are codes in them, never people.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, Organisation, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.accounts.access import Scope
from observer.words import in_language
from reports.models import Checklist, ChecklistVersion, Export, Question, Report, Summary, ViolationType
from reports.services.exports import fixed_columns as facts
from reports.services.exports.columns import (
    LABEL,
    Asked,
    Column,
    Seconds,
    answer_columns,
    answers_reader,
    local,
    moment,
)
from reports.services.exports.filters import COVERAGE, VALUE_MAX, Unlisted, rows_listed
from reports.services.schedule.board import Station, planned, stations
from reports.services.schedule.schedule import plan_of
from reports.services.schedule.station_filter import SHOWS, stations_shown

CHUNK = 2_000  # rows in memory at a time
Row = list[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """`count`: how many rows `chunks` gives, as the database said before."""

    name: str
    columns: Sequence[Column]
    count: int
    chunks: Iterator[list[Row]]


def export_tables(*, export: Export, user: User, now: datetime) -> list[Table]:
    """What is to be written, in the language that is active. Raises Unlisted where it can no longer be said."""
    made = {
        Export.Kind.REPORTS: _reports,
        Export.Kind.VIOLATIONS: _violations,
        Export.Kind.EVIDENCE: _evidence,
        Export.Kind.COVERAGE: _coverage,
    }[Export.Kind(export.kind)]
    return made(export, user, now)


def codebook(tables: Sequence[Table]) -> Table:
    """What every column of the others means: a line for each, and one for each code that it may hold."""
    columns = [
        Column("table", _("the table it belongs to")),
        Column("column", _("its name")),
        Column("type", _("type of what it holds")),
        Column("unit", _("unit, or time zone")),
        Column("code", _("a code that it may hold; empty: the line is about the column")),
        Column("meaning", _("what the column or the code means")),
    ]
    rows: list[Row] = []
    for table in tables:
        for one in table.columns:
            rows.append([table.name, one.name, one.type, one.unit, None, one.says])
            rows += [[table.name, one.name, one.type, None, code, words] for code, words in one.choices]
    name, taken = "columns", {table.name.lower() for table in tables}
    while name in taken:  # a checklist may be called anything
        name += "_"
    return Table(name, columns, len(rows), iter([rows]))


def export_check(*, kind: str, user: User, election: Election, filters: Mapping[str, str], now: datetime) -> None:
    """Raises Unlisted where there is no such list for this user, or no such filter."""
    if kind == Export.Kind.COVERAGE:
        _stations(scope_exported(user=user, election=election, code=filters.get("at", "")), filters, now)
    else:
        rows_listed(kind=kind, user=user, election=election, filters=filters)


def rows_count(*, kind: str, user: User, election: Election, filters: Mapping[str, str], now: datetime) -> int:
    """How many rows it would have now. Raises Unlisted."""
    if kind == Export.Kind.COVERAGE:
        scope = scope_exported(user=user, election=election, code=filters.get("at", ""))
        return sum(1 for _one in _stations(scope, filters, now))
    return rows_listed(kind=kind, user=user, election=election, filters=filters).count()


class _Places:
    """Where each commission is: its code and those of the territories above it, with names where they are wanted."""

    def __init__(self, election: Election, named: bool) -> None:
        self.levels = list(Level.objects.filter(election=election, kind=Level.Kind.TERRITORIAL).order_by("order"))
        self.named = named
        rows = Commission.objects.filter(election=election).order_by()
        self._names = (
            {code: in_language(names) or code for code, names in rows.values_list("code", "names").iterator(CHUNK)}
            if named
            else {}
        )
        known = list(rows.values_list("pk", "code", "path", "level_id", "timezone"))
        self._level_of = {code: level for _pk, code, _path, level, _zone in known}
        self._above: dict[str, dict[int, str]] = {}
        zones = {zone: ZoneInfo(zone or election.timezone) for zone in {one[4] for one in known}}
        self.zones = {pk: zones[zone] for pk, _code, _path, _level, zone in known}
        self.cells = {pk: self._cells(code, path, level) for pk, code, path, level, _zone in known}

    def _cells(self, code: str, path: str, level: int) -> Row:
        family = path[: -len(code) - 1]
        above = self._above.get(family)
        if above is None:
            above = self._above[family] = {self._level_of[one]: one for one in family.split("/")[:-1]}
        codes = [code, *(code if one.pk == level else above.get(one.pk) for one in self.levels)]
        return codes if not self.named else [*codes, *(self._names[one] if one else None for one in codes)]

    def columns(self) -> list[Column]:
        codes = [Column("place", _("code of the commission"))]
        codes += [Column(f"place:{one.code}", in_language(one.names) or one.code) for one in self.levels]
        return codes + ([Column(one.name + LABEL, one.says) for one in codes] if self.named else [])


def _places(export: Export) -> _Places:
    return _Places(export.election, export.labels != Export.Labels.CODES)


def _chunks(rows: "QuerySet[Any, Any]", make: Callable[..., Row]) -> Iterator[list[Row]]:
    source = rows.iterator(chunk_size=CHUNK)
    while some := list(islice(source, CHUNK)):
        yield [make(*one) for one in some]


def _organisations() -> dict[int, str]:
    return dict(Organisation.objects.order_by().values_list("pk", "code"))


def _kinds(election: Election) -> dict[str, ViolationType]:
    return {one.code: one for one in ViolationType.objects.filter(election=election).select_related("group")}


# ── reports ─────────────────────────────────────────────────────────────────────────────────
def _reports(export: Export, user: User, now: datetime) -> list[Table]:
    """One table a checklist; those without a report only where there is no other."""
    rows = rows_listed(kind=export.kind, user=user, election=export.election, filters=export.filters)
    counts: dict[int, int] = dict(rows.order_by().values_list("version").annotate(Count("pk")))
    wanted = export.filters.get("checklist")
    versions: dict[Checklist, list[ChecklistVersion]] = {}
    for one in (
        ChecklistVersion.objects.filter(checklist__election=export.election, published_at__isnull=False)
        .select_related("checklist")
        .order_by("checklist__order", "checklist__code", "-number")
    ):
        if (counts.get(one.pk) or not counts) and (wanted is None or wanted == one.checklist.code):
            versions.setdefault(one.checklist, []).append(one)
    making = _Reports(export, rows)
    tables = [making.table(checklist, own, counts) for checklist, own in versions.items()]
    if sum(table.count for table in tables) != sum(counts.values()):
        raise RuntimeError("reports on a checklist that is not published")
    return tables


class _Reports:
    """What the tables of reports share."""

    def __init__(self, export: Export, rows: "QuerySet[Report]") -> None:
        self.export, self.rows = export, rows
        self.places, self.organisations = _places(export), _organisations()
        self.contests = dict(export.election.contests.values_list("pk", "code"))
        self.violations = {code: in_language(one.names) or code for code, one in _kinds(export.election).items()}

    def table(self, checklist: Checklist, versions: Sequence[ChecklistVersion], counts: Mapping[int, int]) -> Table:
        words = self.export.words
        own = [*facts.report_first(), *self.places.columns(), *facts.report_facts()]
        last = facts.report_words() if words else []
        questions = Question.objects.filter(version__checklist=checklist, version__published_at__isnull=False)
        asked = answer_columns(
            questions=questions.order_by("-version__number", "order", "pk"),
            labels=self.export.labels,
            words=words,
            violations=self.violations,
            taken=[one.name for one in (*own, *last)],
        )
        numbers = {one.pk: one.number for one in versions}
        columns = [*own, *(one.column for one in asked), *last]
        return Table(checklist.code, columns, sum(counts.get(key, 0) for key in numbers), self._chunks(numbers, asked))

    def _chunks(self, numbers: Mapping[int, int], asked: Sequence[Asked]) -> Iterator[list[Row]]:
        fields: list[Any] = [
            "uuid",
            "sequence",
            "version_id",
            "commission_id",
            "observer__code",
            "observer__organisation_id",
            "contest_id",
            "slot",
            Seconds("observed_at"),
            Seconds("sent_at"),
            Seconds("received_at"),
            "channel",
            "source",
            "outside",
            "state",
            "rehearsal",
            "quarantined",
            "superseded",
            "supersedes",
            Cast("flags", TextField()),
            Cast("answers", TextField()),
        ]
        if self.export.words:
            fields += ["comment", "state_reason", "lat", "lon", "accuracy"]
        rows = self.rows.filter(version__in=numbers).order_by("sequence").values_list(*fields)
        answered = answers_reader(asked)
        cells, zones = self.places.cells, self.places.zones
        organisations, contests = self.organisations, self.contests
        observation, standing = frozenset(Report.OBSERVATION), frozenset(Report.STANDING)

        def made(
            uuid: Any,
            sequence: int,
            version: int,
            place: int,
            observer: str,
            organisation: int,
            contest: int | None,
            slot: str,
            observed_at: int,
            sent_at: int | None,
            received_at: int,
            channel: str,
            source: str,
            outside: bool,
            state: str,
            rehearsal: bool,
            quarantined: bool,
            superseded: bool,
            supersedes: Any,
            flags: str,
            answers: str,
            *words: Any,
        ) -> Row:
            aside = rehearsal or quarantined or superseded
            counted = not aside and state in standing and source in observation
            return [
                uuid,
                sequence,
                numbers[version],
                *cells[place],
                observer,
                organisations[organisation],
                contests.get(contest) if contest else None,
                slot,
                moment(observed_at),
                local(observed_at, zones[place]),
                moment(sent_at),
                moment(received_at),
                channel,
                source,
                +outside,
                +counted,
                state,
                +rehearsal,
                +quarantined,
                +superseded,
                supersedes,
                None if flags == "[]" else ";".join(json.loads(flags)),
                *answered(json.loads(answers)),
                *words,
            ]

        yield from _chunks(rows, made)


# ── violations ──────────────────────────────────────────────────────────────────────────────
def _violations(export: Export, user: User, now: datetime) -> list[Table]:
    rows = rows_listed(kind=export.kind, user=user, election=export.election, filters=export.filters)
    places, organisations, kinds = _places(export), _organisations(), _kinds(export.election)
    named = export.labels != Export.Labels.CODES
    fields: list[Any] = [
        "pk",
        "report__uuid",
        "code",
        "state",
        Seconds("decided_at"),
        "case_id",
        "report__commission_id",
        "report__observer__code",
        "report__observer__organisation_id",
        "report__version__checklist__code",
        "report__version__number",
        Seconds("report__observed_at"),
        Seconds("report__received_at"),
        "report__source",
        "report__state",
        "report__rehearsal",
        "report__quarantined",
        "report__superseded",
    ]

    def made(
        key: int,
        report: Any,
        code: str,
        state: str,
        decided_at: int | None,
        case: int | None,
        place: int,
        observer: str,
        organisation: int,
        checklist: str,
        version: int,
        observed_at: int,
        received_at: int,
        source: str,
        standing: str,
        rehearsal: bool,
        quarantined: bool,
        superseded: bool,
        *words: Any,
    ) -> Row:
        kind = kinds.get(code)
        aside = rehearsal or quarantined or superseded
        counts = not aside and standing in Report.STANDING and source in Report.OBSERVATION
        return [
            key,
            report,
            code,
            *([in_language(kind.names) if kind else code] if named else []),
            kind.group.code if kind else None,
            kind.severity if kind else None,
            state,
            moment(decided_at),
            case,
            *places.cells[place],
            observer,
            organisations[organisation],
            checklist,
            version,
            moment(observed_at),
            local(observed_at, places.zones[place]),
            moment(received_at),
            +counts,
            *words,
        ]

    words = ["note"] if export.words else []
    columns = facts.violation_facts(kinds, named, places.columns(), export.words)
    found = rows.order_by("pk").values_list(*fields, *words)
    return [Table("violations", columns, rows.count(), _chunks(found, made))]


# ── files ───────────────────────────────────────────────────────────────────────────────────
def _evidence(export: Export, user: User, now: datetime) -> list[Table]:
    rows = rows_listed(kind=export.kind, user=user, election=export.election, filters=export.filters)
    places, organisations = _places(export), _organisations()
    fields: list[Any] = [
        "uuid",
        "report__uuid",
        "report__commission_id",
        "observer__code",
        "observer__organisation_id",
        "report__version__checklist__code",
        "question",
        "violation",
        "state",
        "sha256",
        "size",
        "type",
        "media_type",
        "source",
        Seconds("captured_at"),
        Seconds("announced_at"),
        Seconds("stored_at"),
        "publishable",
        Seconds("approved_at"),
        "flags",
    ]

    def made(
        uuid: Any,
        report: Any,
        place: int,
        observer: str,
        organisation: int,
        checklist: str,
        question: str,
        violation: str,
        state: str,
        sha256: str,
        size: int | None,
        kind: str,
        media_type: str,
        source: str,
        captured_at: int | None,
        announced_at: int,
        stored_at: int | None,
        publishable: bool,
        approved_at: int | None,
        flags: list[str],
        *words: Any,
    ) -> Row:
        return [
            uuid,
            report,
            *places.cells[place],
            observer,
            organisations[organisation],
            checklist,
            question,
            violation,
            state,
            sha256,
            size,
            kind,
            media_type,
            source,
            moment(captured_at),
            moment(announced_at),
            moment(stored_at),
            +publishable,
            moment(approved_at),
            ";".join(flags) if flags else None,
            *words,
        ]

    words = ["lat", "lon", "accuracy"] if export.words else []
    columns = facts.evidence_facts(places.columns(), export.words)
    found = rows.order_by("pk").values_list(*fields, *words)
    return [Table("files", columns, rows.count(), _chunks(found, made))]


# ── coverage ────────────────────────────────────────────────────────────────────────────────
def scope_exported(*, user: User, election: Election, code: str) -> Scope:
    """The territory of this code, if the user may take lists out of it. Raises Unlisted."""
    place = access.visible(user, Commission, election).select_related("level").filter(code=code).first()
    if place is None or not access.may(user, Verb.EXPORT, place):
        raise Unlisted("at")
    place.election = election
    return Scope(place, access.organisations(user, Verb.EXPORT, place))


def _stations(scope: Scope, filters: Mapping[str, str], now: datetime) -> Iterator[Station]:
    show, checklist = filters.get("show", ""), filters.get("checklist", "")
    if set(filters) - COVERAGE or show not in SHOWS or len(checklist) > VALUE_MAX:
        raise Unlisted("show")
    found = stations(election=scope.commission.election, scope=scope, now=now)
    return stations_shown(found=found, show=show, checklist=checklist)


def _coverage(export: Export, user: User, now: datetime) -> list[Table]:
    """One row a place to which somebody is sent; a country's stations fit into memory."""
    election, places = export.election, _places(export)
    scope = scope_exported(user=user, election=election, code=export.filters.get("at", ""))
    found = sorted(_stations(scope, export.filters, now), key=lambda one: one.path)
    denied: set[int] = set()
    if scope.organisations is None:  # else only what the own observers told
        told = Summary.objects.filter(commission__election=election, tally__denied__gt=0)
        denied.update(told.values_list("pk", flat=True))
    plan = plan_of(election=election)
    checklists = [(code, in_language(plan.checklists[code].titles) or code) for code in planned(plan)]

    def made(one: Station) -> Row:
        late = [+(code in one.overdue) for code, _title in checklists]
        kept_out = one.denied or one.commission in denied
        return [*places.cells[one.commission], +one.precinct, +(not one.silent), +one.opened, +kept_out, *late]

    columns = facts.coverage_facts(places.columns(), checklists)
    return [Table("coverage", columns, len(found), iter([[made(one) for one in found]]))]
