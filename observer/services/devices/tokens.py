"""Who speaks: a token's device with its observer and election, read as fast as one row can be.

Every request of a phone begins here. The statement is composed once; composing it anew by the ORM
took longer than all the rest of recognising a phone. Columns and conversions come from the models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from observer.models import Device, Election, Observer

# All that a request needs of its sender. Nothing encrypted is among it, so that no key is touched
# on the way of a report; any other field costs whoever reads it a query of its own.
_NEEDED: dict[type[Model], set[str]] = {
    Device: {"id", "observer_id", "election_id", "name", "device_id", "token_hash", "last_used_at", "revoked_at"},
    Observer: {"id", "code", "language", "organisation_id"},
    Election: {"id", "slug", "timezone", "languages", "state", "publication", "opens_at", "closes_at", "windows"},
}
# In the order of the model's columns, as `Model.from_db` wants them.
_FIELDS = {
    model: tuple(field.attname for field in model._meta.concrete_fields if field.attname in needed)
    for model, needed in _NEEDED.items()
}
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class _Statement:
    sql: str
    converters: tuple[tuple[int, Callable[..., Any], Any], ...]  # place in the row, function, expression


def sender_find(*, token_hash: str) -> Device | None:
    """The device with this token's hash, its observer and election loaded; None where there is none."""
    connection = connections[DEFAULT_DB_ALIAS]
    statement = _statement(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [token_hash])
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for place, convert, expression in statement.converters:
        row[place] = convert(row[place], expression, connection)
    device, row = _made(Device, row)
    device.observer, row = _made(Observer, row)
    device.election, row = _made(Election, row)
    return device


def _made(model: type[M], row: list[Any]) -> tuple[M, list[Any]]:
    """An instance from the first columns of the row, and the others."""
    names = _FIELDS[model]
    return model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)]), row[len(names) :]


@cache
def _statement(vendor: str) -> _Statement:
    connection = connections[DEFAULT_DB_ALIAS]
    columns: list[str] = []
    converters: list[tuple[int, Callable[..., Any], Any]] = []
    for model, names in _FIELDS.items():
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
