"""The tables of one export, read from the database in chunks of rows.

They hold the rows that the permissions of the requesting user allow. All must be read within one snapshot of the
database (`storage/snapshot.py`). Observers appear by their code, never by name.
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
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.accounts.access import TerritoryScope
from observer.words import get_translation
from reports.models import Checklist, ChecklistVersion, Export, Question, Report, Summary, ViolationType
from reports.services.exports import fixed_columns
from reports.services.exports.columns import (
    LABEL_SUFFIX,
    AnswerColumn,
    Column,
    EpochSeconds,
    format_local,
    format_utc,
    make_answer_columns,
    make_row_reader,
)
from reports.services.exports.filters import COVERAGE_FILTERS, MAX_VALUE_CHARACTERS, InvalidListing, filter_rows
from reports.services.schedule.board import Station, iterate_stations, list_scheduled_checklists
from reports.services.schedule.schedule import load_plan
from reports.services.schedule.station_filter import STATION_FILTERS, filter_stations

CHUNK_ROWS = 2_000  # rows in memory at a time
Row = list[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `count` is the number of rows that `chunks` should give, as the database counted them."""

    name: str
    columns: Sequence[Column]
    count: int
    chunks: Iterator[list[Row]]


def build_tables(*, export: Export, user: User, now: datetime) -> list[Table]:
    """Builds the tables of an export, in the active language. Raises InvalidListing."""
    build_tables_of_kind = {
        Export.Kind.REPORTS: _build_report_tables,
        Export.Kind.VIOLATIONS: _build_violation_tables,
        Export.Kind.EVIDENCE: _build_evidence_tables,
        Export.Kind.COVERAGE: _build_coverage_tables,
    }[Export.Kind(export.kind)]
    return build_tables_of_kind(export, user, now)


def build_codebook(tables: Sequence[Table]) -> Table:
    """Builds the table that explains the others: a row per column, and one per code that it may hold."""
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
            rows.append([table.name, one.name, one.type, one.unit, None, one.meaning])
            rows += [[table.name, one.name, one.type, None, code, label] for code, label in one.choices]
    name, used_names = "columns", {table.name.lower() for table in tables}
    while name in used_names:  # a checklist may have this name too
        name += "_"
    return Table(name, columns, len(rows), iter([rows]))


def check_listing(*, kind: str, user: User, election: Election, filters: Mapping[str, str], now: datetime) -> None:
    """Raises InvalidListing where there is no such list for this user, or no such filter."""
    if kind == Export.Kind.COVERAGE:
        _find_stations(get_export_scope(user=user, election=election, code=filters.get("at", "")), filters, now)
    else:
        filter_rows(kind=kind, user=user, election=election, filters=filters)


def count_rows(*, kind: str, user: User, election: Election, filters: Mapping[str, str], now: datetime) -> int:
    """Counts the rows that an export would have now. Raises InvalidListing."""
    if kind == Export.Kind.COVERAGE:
        scope = get_export_scope(user=user, election=election, code=filters.get("at", ""))
        return sum(1 for _one in _find_stations(scope, filters, now))
    return filter_rows(kind=kind, user=user, election=election, filters=filters).count()


class _PlaceColumns:
    """Columns and cells that tell where a commission is.

    They hold its code and the codes of the territories above it, and their names too where `with_labels`.
    """

    def __init__(self, election: Election, with_labels: bool) -> None:
        self.levels = list(Level.objects.filter(election=election, kind=Level.Kind.TERRITORIAL).order_by("order"))
        self.with_labels = with_labels
        rows = Commission.objects.filter(election=election).order_by()
        self._labels = (
            {
                code: get_translation(names) or code
                for code, names in rows.values_list("code", "names").iterator(CHUNK_ROWS)
            }
            if with_labels
            else {}
        )
        commissions = list(rows.values_list("pk", "code", "path", "level_id", "timezone"))
        self._level_by_code = {code: level for _pk, code, _path, level, _zone in commissions}
        self._ancestors_by_path: dict[str, dict[int, str]] = {}
        zones = {zone: ZoneInfo(zone or election.timezone) for zone in {one[4] for one in commissions}}
        self.zones = {pk: zones[zone] for pk, _code, _path, _level, zone in commissions}
        self.cells = {pk: self._make_cells(code, path, level) for pk, code, path, level, _zone in commissions}

    def _make_cells(self, code: str, path: str, level: int) -> Row:
        parent_path = path[: -len(code) - 1]
        ancestors = self._ancestors_by_path.get(parent_path)
        if ancestors is None:
            ancestors = self._ancestors_by_path[parent_path] = {
                self._level_by_code[one]: one for one in parent_path.split("/")[:-1]
            }
        codes = [code, *(code if one.pk == level else ancestors.get(one.pk) for one in self.levels)]
        return codes if not self.with_labels else [*codes, *(self._labels[one] if one else None for one in codes)]

    def make_columns(self) -> list[Column]:
        codes = [Column("place", _("code of the commission"))]
        codes += [Column(f"place:{one.code}", get_translation(one.names) or one.code) for one in self.levels]
        return codes + ([Column(one.name + LABEL_SUFFIX, one.meaning) for one in codes] if self.with_labels else [])


def _make_place_columns(export: Export) -> _PlaceColumns:
    return _PlaceColumns(export.election, export.labels != Export.Labels.CODES)


def _read_chunks(rows: "QuerySet[Any, Any]", make_row: Callable[..., Row]) -> Iterator[list[Row]]:
    source = rows.iterator(chunk_size=CHUNK_ROWS)
    while batch := list(islice(source, CHUNK_ROWS)):
        yield [make_row(*values) for values in batch]


def _load_organisation_codes() -> dict[int, str]:
    return dict(Organisation.objects.order_by().values_list("pk", "code"))


def _load_violation_types(election: Election) -> dict[str, ViolationType]:
    return {one.code: one for one in ViolationType.objects.filter(election=election).select_related("group")}


# ── reports ─────────────────────────────────────────────────────────────────────────────────
def _build_report_tables(export: Export, user: User, now: datetime) -> list[Table]:
    """Builds one table per checklist; checklists without a report only where no report is listed."""
    rows = filter_rows(kind=export.kind, user=user, election=export.election, filters=export.filters)
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
    builder = _ReportTables(export, rows)
    tables = [
        builder.build_table(checklist, checklist_versions, counts) for checklist, checklist_versions in versions.items()
    ]
    if sum(table.count for table in tables) != sum(counts.values()):
        raise RuntimeError("reports on a checklist that is not published")
    return tables


class _ReportTables:
    """Builds the tables of reports, with the data that they share."""

    def __init__(self, export: Export, rows: "QuerySet[Report]") -> None:
        self.export, self.rows = export, rows
        self.places, self.organisations = _make_place_columns(export), _load_organisation_codes()
        self.contests = dict(export.election.contests.values_list("pk", "code"))
        self.violations = {
            code: get_translation(one.names) or code for code, one in _load_violation_types(export.election).items()
        }

    def build_table(
        self, checklist: Checklist, versions: Sequence[ChecklistVersion], counts: Mapping[int, int]
    ) -> Table:
        include_free_text = self.export.words
        first_columns = [
            *fixed_columns.make_report_id_columns(),
            *self.places.make_columns(),
            *fixed_columns.make_report_columns(),
        ]
        last_columns = fixed_columns.make_report_text_columns() if include_free_text else []
        questions = Question.objects.filter(version__checklist=checklist, version__published_at__isnull=False)
        answer_columns = make_answer_columns(
            questions=questions.order_by("-version__number", "order", "pk"),
            labels=self.export.labels,
            include_free_text=include_free_text,
            violations=self.violations,
            used_names=[one.name for one in (*first_columns, *last_columns)],
        )
        numbers = {one.pk: one.number for one in versions}
        columns = [*first_columns, *(one.column for one in answer_columns), *last_columns]
        return Table(
            checklist.code,
            columns,
            sum(counts.get(key, 0) for key in numbers),
            self._read_report_chunks(numbers, answer_columns),
        )

    def _read_report_chunks(
        self, numbers: Mapping[int, int], answer_columns: Sequence[AnswerColumn]
    ) -> Iterator[list[Row]]:
        fields: list[Any] = [
            "uuid",
            "sequence",
            "version_id",
            "commission_id",
            "observer__code",
            "observer__organisation_id",
            "contest_id",
            "slot",
            EpochSeconds("observed_at"),
            EpochSeconds("sent_at"),
            EpochSeconds("received_at"),
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
        read_answers = make_row_reader(answer_columns)
        cells, zones = self.places.cells, self.places.zones
        organisations, contests = self.organisations, self.contests
        observation_sources, eligible_states = frozenset(Report.OBSERVATION_SOURCES), frozenset(Report.ELIGIBLE_STATES)

        def make_row(
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
            *free_text: Any,
        ) -> Row:
            is_set_aside = rehearsal or quarantined or superseded
            is_counted = not is_set_aside and state in eligible_states and source in observation_sources
            return [
                uuid,
                sequence,
                numbers[version],
                *cells[place],
                observer,
                organisations[organisation],
                contests.get(contest) if contest else None,
                slot,
                format_utc(observed_at),
                format_local(observed_at, zones[place]),
                format_utc(sent_at),
                format_utc(received_at),
                channel,
                source,
                +outside,
                +is_counted,
                state,
                +rehearsal,
                +quarantined,
                +superseded,
                supersedes,
                None if flags == "[]" else ";".join(json.loads(flags)),
                *read_answers(json.loads(answers)),
                *free_text,
            ]

        yield from _read_chunks(rows, make_row)


# ── violations ──────────────────────────────────────────────────────────────────────────────
def _build_violation_tables(export: Export, user: User, now: datetime) -> list[Table]:
    rows = filter_rows(kind=export.kind, user=user, election=export.election, filters=export.filters)
    places, organisations, kinds = (
        _make_place_columns(export),
        _load_organisation_codes(),
        _load_violation_types(export.election),
    )
    with_labels = export.labels != Export.Labels.CODES
    fields: list[Any] = [
        "pk",
        "report__uuid",
        "code",
        "state",
        EpochSeconds("decided_at"),
        "case_id",
        "report__commission_id",
        "report__observer__code",
        "report__observer__organisation_id",
        "report__version__checklist__code",
        "report__version__number",
        EpochSeconds("report__observed_at"),
        EpochSeconds("report__received_at"),
        "report__source",
        "report__state",
        "report__rehearsal",
        "report__quarantined",
        "report__superseded",
    ]

    def make_row(
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
        report_state: str,
        rehearsal: bool,
        quarantined: bool,
        superseded: bool,
        *free_text: Any,
    ) -> Row:
        kind = kinds.get(code)
        is_set_aside = rehearsal or quarantined or superseded
        is_counted = (
            not is_set_aside and report_state in Report.ELIGIBLE_STATES and source in Report.OBSERVATION_SOURCES
        )
        return [
            key,
            report,
            code,
            *([get_translation(kind.names) if kind else code] if with_labels else []),
            kind.group.code if kind else None,
            kind.severity if kind else None,
            state,
            format_utc(decided_at),
            case,
            *places.cells[place],
            observer,
            organisations[organisation],
            checklist,
            version,
            format_utc(observed_at),
            format_local(observed_at, places.zones[place]),
            format_utc(received_at),
            +is_counted,
            *free_text,
        ]

    free_text = ["note"] if export.words else []
    columns = fixed_columns.make_violation_columns(kinds, with_labels, places.make_columns(), export.words)
    found = rows.order_by("pk").values_list(*fields, *free_text)
    return [Table("violations", columns, rows.count(), _read_chunks(found, make_row))]


# ── files ───────────────────────────────────────────────────────────────────────────────────
def _build_evidence_tables(export: Export, user: User, now: datetime) -> list[Table]:
    rows = filter_rows(kind=export.kind, user=user, election=export.election, filters=export.filters)
    places, organisations = _make_place_columns(export), _load_organisation_codes()
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
        EpochSeconds("captured_at"),
        EpochSeconds("announced_at"),
        EpochSeconds("stored_at"),
        "publishable",
        EpochSeconds("approved_at"),
        "flags",
    ]

    def make_row(
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
        *free_text: Any,
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
            format_utc(captured_at),
            format_utc(announced_at),
            format_utc(stored_at),
            +publishable,
            format_utc(approved_at),
            ";".join(flags) if flags else None,
            *free_text,
        ]

    free_text = ["lat", "lon", "accuracy"] if export.words else []
    columns = fixed_columns.make_evidence_columns(places.make_columns(), export.words)
    found = rows.order_by("pk").values_list(*fields, *free_text)
    return [Table("files", columns, rows.count(), _read_chunks(found, make_row))]


# ── coverage ────────────────────────────────────────────────────────────────────────────────
def get_export_scope(*, user: User, election: Election, code: str) -> TerritoryScope:
    """Finds the territory with this code, if the user may export lists of it. Raises InvalidListing."""
    place = access.get_visible_rows(user, Commission, election).select_related("level").filter(code=code).first()
    if place is None or not access.has_permission(user, Permission.EXPORT, place):
        raise InvalidListing("at")
    place.election = election
    return TerritoryScope(place, access.get_organisation_ids(user, Permission.EXPORT, place))


def _find_stations(scope: TerritoryScope, filters: Mapping[str, str], now: datetime) -> Iterator[Station]:
    show, checklist = filters.get("show", ""), filters.get("checklist", "")
    if set(filters) - COVERAGE_FILTERS or show not in STATION_FILTERS or len(checklist) > MAX_VALUE_CHARACTERS:
        raise InvalidListing("show")
    found = iterate_stations(election=scope.commission.election, scope=scope, now=now)
    return filter_stations(stations=found, show=show, checklist=checklist)


def _build_coverage_tables(export: Export, user: User, now: datetime) -> list[Table]:
    """Builds the table of coverage: one row per station that has an observer assigned.

    The stations of a whole country fit into memory.
    """
    election, places = export.election, _make_place_columns(export)
    scope = get_export_scope(user=user, election=election, code=export.filters.get("at", ""))
    found = sorted(_find_stations(scope, export.filters, now), key=lambda one: one.path)
    denied: set[int] = set()
    if scope.organisations is None:  # else only what the organisation's own observers reported
        denied_summaries = Summary.objects.filter(commission__election=election, tally__denied__gt=0)
        denied.update(denied_summaries.values_list("pk", flat=True))
    plan = load_plan(election=election)
    checklists = [
        (code, get_translation(plan.checklists[code].titles) or code) for code in list_scheduled_checklists(plan)
    ]

    def make_row(one: Station) -> Row:
        late = [+(code in one.overdue) for code, _title in checklists]
        kept_out = one.denied or one.commission in denied
        return [*places.cells[one.commission], +one.is_precinct, +(not one.silent), +one.opened, +kept_out, *late]

    columns = fixed_columns.make_coverage_columns(places.make_columns(), checklists)
    return [Table("coverage", columns, len(found), iter([[make_row(one) for one in found]]))]
