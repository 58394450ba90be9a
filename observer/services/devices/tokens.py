"""Finding the device of a token by one prepared query.

The query loads the device's observer and election too.
Every request of a phone begins with this query. Its SQL is built once for each kind of database: building it by the
ORM for each request took longer than all other work of recognising a phone. Columns and conversions come from the
models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from observer.models import Device, Election, Observer

# The fields that requests need. None of them is encrypted, so receiving a report needs no decryption.
# Reading any other field costs another query.
_LOADED_FIELDS: dict[type[Model], set[str]] = {
    Device: {"id", "observer_id", "election_id", "name", "device_id", "token_hash", "last_used_at", "revoked_at"},
    Observer: {"id", "code", "language", "organisation_id"},
    Election: {"id", "slug", "timezone", "languages", "state", "publication", "opens_at", "closes_at", "windows"},
}
# In the order of the model's columns, as `Model.from_db` expects them.
_COLUMN_NAMES = {
    model: tuple(field.attname for field in model._meta.concrete_fields if field.attname in loaded)
    for model, loaded in _LOADED_FIELDS.items()
}
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class _Statement:
    sql: str
    converters: tuple[tuple[int, Callable[..., Any], Any], ...]  # place in the row, function, expression


def find_device_by_token_hash(*, token_hash: str) -> Device | None:
    """The device with this token hash, or None.

    Its observer and election are loaded.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    statement = _build_statement(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [token_hash])
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for place, convert, expression in statement.converters:
        row[place] = convert(row[place], expression, connection)
    device, row = _build_instance(Device, row)
    device.observer, row = _build_instance(Observer, row)
    device.election, row = _build_instance(Election, row)
    return device


def _build_instance(model: type[M], row: list[Any]) -> tuple[M, list[Any]]:
    """Builds an instance from the first columns of the row.

    Returns it and the remaining columns.
    """
    names = _COLUMN_NAMES[model]
    return model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)]), row[len(names) :]


@cache
def _build_statement(vendor: str) -> _Statement:
    connection = connections[DEFAULT_DB_ALIAS]
    columns: list[str] = []
    converters: list[tuple[int, Callable[..., Any], Any]] = []
    for model, names in _COLUMN_NAMES.items():
        table = model._meta.db_table
        fields = {field.attname: field for field in model._meta.concrete_fields}
        for name in names:
            expression = fields[name].get_col(table)
            for convert in (
                *connection.ops.get_db_converters(expression),
                *expression.get_db_converters(connection),
            ):
                converters.append((len(columns), convert, expression))
            columns.append(f'"{table}"."{fields[name].column}"')
    sql = (
        f"SELECT {', '.join(columns)} FROM observer_device "  # noqa: S608
        "JOIN observer_observer ON observer_observer.id = observer_device.observer_id "
        "JOIN observer_election ON observer_election.id = observer_device.election_id "
        "WHERE observer_device.token_hash = %s"
    )
    return _Statement(sql, tuple(converters))
