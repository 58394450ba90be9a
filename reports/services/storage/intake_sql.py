"""The SQL statements of intake: one lookup and one insert.

Every report of an election day runs through these statements. When the ORM composed them anew each
time, that took twice as long as the rest of intake, and the round trip of a statement takes as long
as running it (`docs/decisions/0006-serving.md`). So there are two statements for a report. Columns
and conversions are taken from the models, so that a new column needs no change here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from reports.models import Report

_LOOKUP_SQL = """
SELECT known.reports, known.files, place.*
FROM (SELECT EXISTS (SELECT 1 FROM reports_report WHERE uuid {ids})
             OR EXISTS (SELECT 1 FROM reports_report WHERE supersedes {ids}) AS reports,
             EXISTS (SELECT 1 FROM reports_evidence WHERE uuid {files}) AS files) known
LEFT JOIN (
    SELECT c.id, c.code, c.lat, c.lon, l.kind,
           EXISTS (SELECT 1 FROM observer_assignment_observers o
                   JOIN observer_assignment a ON a.id = o.assignment_id
                   JOIN observer_commission t ON t.id = a.commission_id
                   WHERE o.observer_id = %s AND a.election_id = %s AND substr(c.path, 1, length(t.path)) = t.path)
               AS assigned,
           EXISTS (SELECT 1 FROM reports_setaside s WHERE s.observer_id = %s AND s.election_id = %s) AS aside
    FROM observer_commission c JOIN observer_level l ON l.id = c.level_id
    WHERE c.election_id = %s AND c.code {codes}
) place ON 1 = 1
"""
_FILES_KNOWN_SQL = """
SELECT EXISTS (SELECT 1 FROM reports_evidence WHERE uuid {ids})
"""


# psycopg accepts their values unchanged. Asking each field to convert each value took longer than the insert.
_FIELDS_WITHOUT_CONVERSION = (
    models.BinaryField,
    models.BooleanField,
    models.CharField,
    models.DateTimeField,
    models.ForeignKey,
    models.TextField,
    models.UUIDField,
)


@dataclass(frozen=True, slots=True)
class IntakeCommission:
    """A commission, as far as intake needs it for one observer.

    `is_assigned`: the observer is assigned to it or to a commission above it. `is_set_aside`: the
    observer's reports of this election are set aside.
    """

    id: int
    code: str
    lat: float | None
    lon: float | None
    kind: str
    is_assigned: bool
    is_set_aside: bool


@dataclass(frozen=True, slots=True)
class IntakeLookup:
    """Which of the named reports, files and commissions are stored.

    Usually no report and no file is known, and then no other query is needed.
    """

    has_known_reports: bool  # a report has one of these ids, or waits to supersede one
    has_known_files: bool  # a file was announced under one of these ids, by any observer
    commissions: dict[str, IntakeCommission]  # by code


def load_intake_lookup(
    *, election: int, observer: int, codes: Collection[str], ids: Collection[UUID], files: Collection[UUID]
) -> IntakeLookup:
    """Looks up report ids, file ids and commission codes in one statement.

    `ids` are those of reports, `files` those of files, `codes` those of the election's commissions.
    `election` and `observer` are keys.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    keys, file_keys = _convert_uuids(ids, wrapper), _convert_uuids(files, wrapper)
    named, named_values = _build_membership_test(keys, wrapper)
    announced, announced_values = _build_membership_test(file_keys, wrapper)
    coded, coded_values = _build_membership_test(list(codes), wrapper)
    sql = _LOOKUP_SQL.format(ids=named, files=announced, codes=coded)
    values = [*named_values, *named_values, *announced_values, *[observer, election] * 2, election, *coded_values]
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    commissions = {
        code: IntakeCommission(key, code, lat, lon, kind, bool(assigned), bool(aside))
        for _reports, _files, key, code, lat, lon, kind, assigned, aside in rows
        if key is not None
    }
    return IntakeLookup(bool(rows[0][0]), bool(rows[0][1]), commissions)


def is_any_file_known(ids: Collection[UUID]) -> bool:
    """Whether any observer announced a file under one of these ids.

    Usually false.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    named, values = _build_membership_test(_convert_uuids(ids, wrapper), wrapper)
    with wrapper.cursor() as cursor:
        cursor.execute(_FILES_KNOWN_SQL.format(ids=named), values)
        return bool(cursor.fetchone()[0])


def _build_membership_test(values: list[Any], wrapper: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
    """Builds the SQL that tests a column for these values.

    It follows the column. Returns it with its parameters.
    """
    if not values:
        return "= NULL", []  # never true
    if len(values) == 1:
        return "= %s", values
    if wrapper.vendor == "postgresql":
        return "= ANY(%b)", [values]  # the statement is the same for any number of values
    return f"IN ({', '.join(['%s'] * len(values))})", values


def _convert_uuids(ids: Collection[UUID], wrapper: BaseDatabaseWrapper) -> list[Any]:
    """Returns the ids as this database stores them."""
    return list(ids) if wrapper.features.has_native_uuid_field else [uuid.hex for uuid in ids]


def insert_reports(reports: Sequence[Report], *dependents: Sequence[models.Model]) -> None:
    """Inserts reports with the rows that depend on them.

    On PostgreSQL this is one statement. A dependent row may belong to one of the reports. The
    reports get their keys; the dependent rows do not.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    others = [rows for rows in dependents if rows]
    if wrapper.vendor != "postgresql":
        insert_rows(reports)
        for rows in others:
            for field in [one.field for one in _get_columns(type(rows[0])) if one.is_report_key]:
                for row in rows:
                    setattr(row, field.attname, getattr(row, field.name).pk)
            insert_rows(rows)
        return
    sql = _build_combined_insert(*((type(rows[0]), len(rows) > 1) for rows in (reports, *others)))
    values = _collect_parameters(wrapper, reports)
    for rows in others:
        values += _collect_parameters(wrapper, rows, by_uuid=True)
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        keys = dict(cursor.fetchall())
    for report in reports:
        _set_inserted_key(report, keys[report.uuid])


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model and sets their keys.

    Like `bulk_create`, but the statement is composed once and cached.
    """
    if not rows:
        return
    wrapper = connections[DEFAULT_DB_ALIAS]
    model = type(rows[0])
    with wrapper.cursor() as cursor:
        if wrapper.vendor == "postgresql":
            cursor.execute(_build_insert(model, len(rows) > 1), _collect_parameters(wrapper, rows))
            keys = cursor.fetchall()
        else:
            keys = _insert_in_chunks(cursor, model, [one.collect_values(rows, wrapper) for one in _get_columns(model)])
    for row, (key,) in zip(rows, keys, strict=True):
        _set_inserted_key(row, key)


def _set_inserted_key(row: models.Model, key: Any) -> None:
    row.pk = key
    row._state.adding = False


def _insert_in_chunks(cursor: Any, model: type[models.Model], columns: Sequence[Sequence[Any]]) -> list[tuple[Any]]:
    """Inserts rows on SQLite; returns their keys.

    Each statement has as many rows as SQLite accepts.
    """
    placeholders = f"({', '.join(['%s'] * len(columns))})"
    rows_per_statement = (connections[DEFAULT_DB_ALIAS].features.max_query_params or 60_000) // len(columns)
    rows = list(zip(*columns, strict=True))
    keys: list[tuple[Any]] = []
    for start in range(0, len(rows), rows_per_statement):
        chunk = rows[start : start + rows_per_statement]
        sql = f"{_build_insert_head(model)} VALUES {', '.join([placeholders] * len(chunk))} RETURNING {_quote_primary_key(model)}"
        cursor.execute(sql, [value for row in chunk for value in row])
        keys += cursor.fetchall()
    return keys


@cache
def _build_combined_insert(*parts: tuple[type[models.Model], bool]) -> str:
    """Builds PostgreSQL's one statement for rows of several models.

    Each part is a model and whether there are many rows of it. The first part is the reports. A row
    that belongs to a report names it by its uuid, because the report has no key yet.
    """
    (reports, are_many), *others = parts
    sql = f"WITH new AS ({_build_insert_head(reports)} {_build_rows_query(reports, are_many)} RETURNING sequence, uuid)"
    for number, (model, are_many) in enumerate(others):
        columns = ["new.sequence" if one.is_report_key else f"given.{one.quoted}" for one in _get_columns(model)]
        link = next(
            (f"JOIN new ON new.uuid = given.{one.quoted}" for one in _get_columns(model) if one.is_report_key), ""
        )
        given = _build_rows_query(model, are_many, by_uuid=True)
        sql += f", t{number} AS ({_build_insert_head(model)} SELECT {', '.join(columns)} FROM ({given}) given {link})"  # noqa: S608
    return f"{sql} SELECT uuid, sequence FROM new"  # noqa: S608


@cache
def _build_insert(model: type[models.Model], are_many: bool) -> str:
    return f"{_build_insert_head(model)} {_build_rows_query(model, are_many)} RETURNING {_quote_primary_key(model)}"


def _build_rows_query(model: type[models.Model], are_many: bool, *, by_uuid: bool = False) -> str:
    """Builds a query that returns the parameters as rows.

    Each column takes one value, or one array where there are many rows. So the statement is short
    and the same for any number of rows. Arrays are sent in binary: as text, escaping them took a
    third of a batch's time. `by_uuid`: rows name their report by its uuid.
    """
    columns = _get_columns(model)
    types = ["uuid" if by_uuid and one.is_report_key else one.type for one in columns]
    if are_many:
        arrays = ", ".join(f"%b::{type_}[]" for type_ in types)
        return f"SELECT * FROM unnest({arrays}) AS given({', '.join(one.quoted for one in columns)})"  # noqa: S608
    return "SELECT " + ", ".join(f"%s::{type_} AS {one.quoted}" for one, type_ in zip(columns, types, strict=True))


def _collect_parameters(
    wrapper: BaseDatabaseWrapper, rows: Sequence[models.Model], *, by_uuid: bool = False
) -> list[Any]:
    """Collects the parameters of `_build_rows_query`."""
    columns = [
        [getattr(row, one.field.name).uuid for row in rows]
        if by_uuid and one.is_report_key
        else one.collect_values(rows, wrapper)
        for one in _get_columns(type(rows[0]))
    ]
    return columns if len(rows) > 1 else [values[0] for values in columns]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a model on this database."""

    field: Any
    quoted: str
    type: str
    is_report_key: bool
    is_passed_unchanged: bool  # its values need no conversion

    def collect_values(self, rows: Sequence[models.Model], wrapper: BaseDatabaseWrapper) -> list[Any]:
        given = [getattr(row, self.field.attname) for row in rows]
        return given if self.is_passed_unchanged else [self.field.get_db_prep_save(value, wrapper) for value in given]


@cache
def _get_columns(model: type[models.Model]) -> tuple[_Column, ...]:
    wrapper = connections[DEFAULT_DB_ALIAS]
    return tuple(
        _Column(
            field=field,
            quoted=wrapper.ops.quote_name(str(field.column)),
            # Without its length: a cast would cut a text that is too long, an insert refuses the text.
            type=str(field.db_type(wrapper)).partition("(")[0],
            is_report_key=field.related_model is Report,
            is_passed_unchanged=wrapper.vendor == "postgresql" and isinstance(field, _FIELDS_WITHOUT_CONVERSION),
        )
        for field in model._meta.concrete_fields
        if field.related_model is Report or not field.primary_key
    )


@cache
def _build_insert_head(model: type[models.Model]) -> str:
    table = connections[DEFAULT_DB_ALIAS].ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(one.quoted for one in _get_columns(model))})"


@cache
def _quote_primary_key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(str(model._meta.pk.column))
