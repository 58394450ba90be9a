"""The few SQL statements of the door, written out.

Every report of an election day runs through these; composing them anew each time cost the ORM
twice what the rest of the door costs (`benchmarks/`). They are plain SQL for both databases, and
take columns and conversions from the models, so that a new column needs no word here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

_KNOWN = """
SELECT count(*) FROM reports_report WHERE uuid IN ({ids}) OR supersedes IN ({ids})
"""
_FILES = """
SELECT count(*) FROM reports_evidence WHERE uuid IN ({ids})
"""
_PLACES = """
SELECT c.id, c.code, c.lat, c.lon, l.kind,
       EXISTS (SELECT 1 FROM observer_assignment_observers o
               JOIN observer_assignment a ON a.id = o.assignment_id
               JOIN observer_commission t ON t.id = a.commission_id
               WHERE o.observer_id = %s AND a.election_id = %s AND substr(c.path, 1, length(t.path)) = t.path),
       EXISTS (SELECT 1 FROM reports_setaside s WHERE s.observer_id = %s AND s.election_id = %s)
FROM observer_commission c JOIN observer_level l ON l.id = c.level_id
WHERE c.election_id = %s AND c.code IN ({codes})
"""


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


def reports_are_known(ids: Collection[UUID]) -> bool:
    """Whether any report has one of these ids, or waits to supersede one. Usually not, and then that was all."""
    return _are_known(_KNOWN, ids, 2)


def files_are_known(ids: Collection[UUID]) -> bool:
    """Whether any file was announced under one of these ids, by whomever. Usually not."""
    return _are_known(_FILES, ids, 1)


def _are_known(statement: str, ids: Collection[UUID], times: int) -> bool:
    if not ids:
        return False
    marks = ", ".join(["%s"] * len(ids))
    keys = [_prepare_uuid(uuid) for uuid in ids]
    with connection.cursor() as cursor:
        cursor.execute(statement.format(ids=marks), keys * times)
        return bool(cursor.fetchone()[0])


def places_named(*, election: int, observer: int, codes: Collection[str]) -> dict[str, Found]:
    """The commissions of one election with these codes, seen by one observer."""
    marks = ", ".join(["%s"] * len(codes))
    with connection.cursor() as cursor:
        cursor.execute(_PLACES.format(codes=marks), [observer, election, observer, election, election, *codes])
        return {
            code: Found(key, code, lat, lon, kind, bool(assigned), bool(aside))
            for key, code, lat, lon, kind, assigned, aside in cursor.fetchall()
        }


def rows_insert(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model and sets their keys. Like `bulk_create`, without composing the statement anew."""
    if not rows:
        return
    wrapper = connections[DEFAULT_DB_ALIAS]  # the proxy finds it anew for every attribute
    fields = _fields(type(rows[0]))
    values = [[field.get_db_prep_save(getattr(row, field.attname), wrapper) for field in fields] for row in rows]
    with wrapper.cursor() as cursor:
        if wrapper.vendor == "postgresql" and len(rows) > 1:
            # A column is one array: the statement is the same for any number of rows, and short.
            cursor.execute(_insert_arrays(type(rows[0])), [list(column) for column in zip(*values, strict=True)])
            keys = cursor.fetchall()
        else:
            keys = _insert_rows(cursor, type(rows[0]), values)
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding = False


def _insert_rows(cursor: Any, model: type[models.Model], values: Sequence[Sequence[Any]]) -> list[tuple[Any]]:
    into, marks, returning = _insert_parts(model)
    step = (connection.features.max_query_params or 60_000) // len(values[0])
    keys: list[tuple[Any]] = []
    for start in range(0, len(values), step):
        chunk = values[start : start + step]
        sql = f"{into} VALUES {', '.join([marks] * len(chunk))} {returning}"
        cursor.execute(sql, [value for row in chunk for value in row])
        keys += cursor.fetchall()
    return keys


@cache
def _insert_arrays(model: type[models.Model]) -> str:
    into, _marks, returning = _insert_parts(model)
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in _fields(model))
    return f"{into} SELECT * FROM unnest({arrays}) {returning}"  # noqa: S608


@cache
def _insert_parts(model: type[models.Model]) -> tuple[str, str, str]:
    quote = connection.ops.quote_name
    fields, key = _fields(model), model._meta.pk
    assert key is not None
    columns = ", ".join(quote(str(field.column)) for field in fields)
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns})",
        "(" + ", ".join(["%s"] * len(fields)) + ")",
        f"RETURNING {quote(str(key.column))}",
    )


@cache
def _fields(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def _prepare_uuid(uuid: UUID) -> Any:
    return uuid if connection.features.has_native_uuid_field else uuid.hex
