"""The few SQL statements of the door, written out.

Every report of an election day runs through these; composing them anew each time cost the ORM
twice what the rest of the door costs, and each statement costs as much again in going to and fro
as in running (`docs/decisions/0006-serving.md`). So there are two for a report: one looks, one
inserts. Columns and conversions are taken from the models, so that a new column needs no word here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from reports.models import Report

_LOOK = """
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
_FILES = """
SELECT EXISTS (SELECT 1 FROM reports_evidence WHERE uuid {ids})
"""


# psycopg takes their values as they are: asking each field what it makes of each took longer than the insert.
_PLAIN = (
    models.BinaryField,
    models.BooleanField,
    models.CharField,
    models.DateTimeField,
    models.ForeignKey,
    models.TextField,
    models.UUIDField,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A commission as the door needs it: `assigned` to the asking observer there or above, who may be set `aside`."""

    id: int
    code: str
    lat: float | None
    lon: float | None
    kind: str
    assigned: bool
    aside: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """What is stored of that which an observer names. Usually no report and no file is known, and then that was all."""

    reports_are_known: bool  # one has one of these ids, or waits to supersede one
    files_are_known: bool  # one was announced under one of these ids, by whomever
    places: dict[str, Found]


def look(
    *, election: int, observer: int, codes: Collection[str], ids: Collection[UUID], files: Collection[UUID]
) -> Looked:
    """Whether any of these ids is known, and the election's commissions with these codes, seen by one observer."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    keys, file_keys = _uuids(ids, wrapper), _uuids(files, wrapper)
    named, named_values = _among(keys, wrapper)
    announced, announced_values = _among(file_keys, wrapper)
    coded, coded_values = _among(list(codes), wrapper)
    sql = _LOOK.format(ids=named, files=announced, codes=coded)
    values = [*named_values, *named_values, *announced_values, *[observer, election] * 2, election, *coded_values]
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    places = {
        code: Found(key, code, lat, lon, kind, bool(assigned), bool(aside))
        for _reports, _files, key, code, lat, lon, kind, assigned, aside in rows
        if key is not None
    }
    return Looked(bool(rows[0][0]), bool(rows[0][1]), places)


def files_are_known(ids: Collection[UUID]) -> bool:
    """Whether any file was announced under one of these ids, by whomever. Usually not."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    named, values = _among(_uuids(ids, wrapper), wrapper)
    with wrapper.cursor() as cursor:
        cursor.execute(_FILES.format(ids=named), values)
        return bool(cursor.fetchone()[0])


def _among(values: list[Any], wrapper: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
    """What follows a column that shall have one of these values, and its parameters."""
    if not values:
        return "= NULL", []  # which nothing is
    if len(values) == 1:
        return "= %s", values
    if wrapper.vendor == "postgresql":
        return "= ANY(%b)", [values]  # the same statement for any number
    return f"IN ({', '.join(['%s'] * len(values))})", values


def _uuids(ids: Collection[UUID], wrapper: BaseDatabaseWrapper) -> list[Any]:
    return list(ids) if wrapper.features.has_native_uuid_field else [uuid.hex for uuid in ids]


def reports_insert(reports: Sequence[Report], *hanging: Sequence[models.Model]) -> None:
    """Inserts reports and rows of other models that may belong to one of them, on PostgreSQL in one statement.

    The reports get their keys; what hangs on them does not.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    others = [rows for rows in hanging if rows]
    if wrapper.vendor != "postgresql":
        rows_insert(reports)
        for rows in others:
            for field in [one.field for one in _columns(type(rows[0])) if one.belongs]:
                for row in rows:
                    setattr(row, field.attname, getattr(row, field.name).pk)
            rows_insert(rows)
        return
    sql = _at_once(*((type(rows[0]), len(rows) > 1) for rows in (reports, *others)))
    values = _parameters(wrapper, reports)
    for rows in others:
        values += _parameters(wrapper, rows, by_uuid=True)
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        keys = dict(cursor.fetchall())
    for report in reports:
        _inserted(report, keys[report.uuid])


def rows_insert(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model and sets their keys. Like `bulk_create`, without composing the statement anew."""
    if not rows:
        return
    wrapper = connections[DEFAULT_DB_ALIAS]
    model = type(rows[0])
    with wrapper.cursor() as cursor:
        if wrapper.vendor == "postgresql":
            cursor.execute(_one_kind(model, len(rows) > 1), _parameters(wrapper, rows))
            keys = cursor.fetchall()
        else:
            keys = _insert_values(cursor, model, [one.values(rows, wrapper) for one in _columns(model)])
    for row, (key,) in zip(rows, keys, strict=True):
        _inserted(row, key)


def _inserted(row: models.Model, key: Any) -> None:
    row.pk = key
    row._state.adding = False


def _insert_values(cursor: Any, model: type[models.Model], columns: Sequence[Sequence[Any]]) -> list[tuple[Any]]:
    """SQLite's way: rows of placeholders, as many at once as it takes."""
    marks = f"({', '.join(['%s'] * len(columns))})"
    step = (connections[DEFAULT_DB_ALIAS].features.max_query_params or 60_000) // len(columns)
    rows = list(zip(*columns, strict=True))
    keys: list[tuple[Any]] = []
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        sql = f"{_into(model)} VALUES {', '.join([marks] * len(chunk))} RETURNING {_key(model)}"
        cursor.execute(sql, [value for row in chunk for value in row])
        keys += cursor.fetchall()
    return keys


@cache
def _at_once(*parts: tuple[type[models.Model], bool]) -> str:
    """PostgreSQL's way: one statement for rows of several models, each with whether they are many.

    The first are reports. A row that belongs to one names it by its uuid, for it has no key yet.
    """
    (reports, are_many), *others = parts
    sql = f"WITH new AS ({_into(reports)} {_given(reports, are_many)} RETURNING sequence, uuid)"
    for number, (model, are_many) in enumerate(others):
        columns = ["new.sequence" if one.belongs else f"given.{one.quoted}" for one in _columns(model)]
        link = next((f"JOIN new ON new.uuid = given.{one.quoted}" for one in _columns(model) if one.belongs), "")
        given = _given(model, are_many, by_uuid=True)
        sql += f", t{number} AS ({_into(model)} SELECT {', '.join(columns)} FROM ({given}) given {link})"  # noqa: S608
    return f"{sql} SELECT uuid, sequence FROM new"  # noqa: S608


@cache
def _one_kind(model: type[models.Model], are_many: bool) -> str:
    return f"{_into(model)} {_given(model, are_many)} RETURNING {_key(model)}"


def _given(model: type[models.Model], are_many: bool, *, by_uuid: bool = False) -> str:
    """A query that gives the rows of the parameters: a value a column, or an array a column where they are many.

    So the statement is the same for any number of rows, and short. Arrays go in binary: as text,
    escaping them took a third of a batch's time. `by_uuid` where rows name their report by its uuid.
    """
    columns = _columns(model)
    types = ["uuid" if by_uuid and one.belongs else one.type for one in columns]
    if are_many:
        arrays = ", ".join(f"%b::{each}[]" for each in types)
        return f"SELECT * FROM unnest({arrays}) AS given({', '.join(one.quoted for one in columns)})"  # noqa: S608
    return "SELECT " + ", ".join(f"%s::{each} AS {one.quoted}" for one, each in zip(columns, types, strict=True))


def _parameters(wrapper: BaseDatabaseWrapper, rows: Sequence[models.Model], *, by_uuid: bool = False) -> list[Any]:
    """What `_given` asks for."""
    of_each = [
        [getattr(row, one.field.name).uuid for row in rows] if by_uuid and one.belongs else one.values(rows, wrapper)
        for one in _columns(type(rows[0]))
    ]
    return of_each if len(rows) > 1 else [values[0] for values in of_each]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a model on this database."""

    field: Any
    quoted: str
    type: str
    belongs: bool  # it is the key of a report
    as_it_is: bool  # its values go to the database as they are

    def values(self, rows: Sequence[models.Model], wrapper: BaseDatabaseWrapper) -> list[Any]:
        given = [getattr(row, self.field.attname) for row in rows]
        return given if self.as_it_is else [self.field.get_db_prep_save(value, wrapper) for value in given]


@cache
def _columns(model: type[models.Model]) -> tuple[_Column, ...]:
    wrapper = connections[DEFAULT_DB_ALIAS]
    return tuple(
        _Column(
            field=field,
            quoted=wrapper.ops.quote_name(str(field.column)),
            # Without its length: a cast would cut a text that is too long, an insert refuses it.
            type=str(field.db_type(wrapper)).partition("(")[0],
            belongs=field.related_model is Report,
            as_it_is=wrapper.vendor == "postgresql" and isinstance(field, _PLAIN),
        )
        for field in model._meta.concrete_fields
        if field.related_model is Report or not field.primary_key
    )


@cache
def _into(model: type[models.Model]) -> str:
    table = connections[DEFAULT_DB_ALIAS].ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(one.quoted for one in _columns(model))})"


@cache
def _key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(str(model._meta.pk.column))
