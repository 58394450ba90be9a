"""Bringing everything that is encrypted under the first of FIELD_KEYS, and look-ups under LOOKUP_KEY.

Works while the platform does: rows are taken some hundreds at a time, each batch one short
transaction, and one that was done before is passed over, so that a run may be broken off and begun
again. Once a run ends without anything unreadable, the older keys may be forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from observer import crypto
from observer.models import EnrolmentCode, Observer
from observer.models.fields import EncryptedTextField
from reports.models import KeyRotation, Refusal, Report

BATCH = 200
BEFORE_ALL = -(2**63)


@dataclass(slots=True)
class Rotated:
    """`values`: columns re-encrypted; `lookups`: observers whose look-ups changed; `unreadable`: model:pk."""

    values: int
    lookups: int
    unreadable: list[str]
    outstanding_codes: int


@dataclass(frozen=True, slots=True)
class _Column:
    model: type[models.Model]
    name: str
    sealed: bool  # a received body, which triggers guard


def keys_rotate(*, now: datetime) -> Rotated:
    """Re-encrypts and re-indexes everything. Enrolment codes cannot be re-indexed: only their HMAC is known."""
    result = Rotated(0, 0, [], 0)
    for column in _columns():
        last: int | None = BEFORE_ALL
        while last is not None:
            last = _rotate_batch(column, last, now, result)
    result.lookups = _reindex(without=set(result.unreadable))
    result.outstanding_codes = EnrolmentCode.objects.filter(used_at=None, expires_at__gt=now).count()
    return result


def _columns() -> Iterator[_Column]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield _Column(model, str(field.column), sealed=False)
    for model in (Report, Refusal):
        yield _Column(model, "body", sealed=True)


def _rotate_batch(column: _Column, after: int, now: datetime, result: Rotated) -> int | None:
    """Does one batch of rows whose key is greater than `after`; the last key, or None where none is left."""
    quote = connection.ops.quote_name
    table, key = quote(column.model._meta.db_table), quote(str(column.model._meta.pk.column))
    name = quote(column.name)
    locked = "FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite holds the one write lock
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {name} FROM {table} WHERE {key} > %s ORDER BY {key} LIMIT {BATCH} {locked}",  # noqa: S608
            [after],
        )
        rows = cursor.fetchall()
        fresh = []
        for pk, stored in rows:
            token = stored.encode() if isinstance(stored, str) else bytes(stored or b"")
            if not token or _is_current(token):
                continue
            try:
                turned = crypto.rotate(token)
            except crypto.Unreadable:
                result.unreadable.append(f"{column.model._meta.label}:{pk}")
                continue
            fresh.append((turned if column.sealed else turned.decode(), pk))
        if fresh:
            guard = KeyRotation.objects.create(started_at=now) if column.sealed else None
            cursor.executemany(f"UPDATE {table} SET {name} = %s WHERE {key} = %s", fresh)  # noqa: S608
            if guard:
                guard.delete()
            result.values += len(fresh)
    return int(rows[-1][0]) if len(rows) == BATCH else None


def _is_current(token: bytes) -> bool:
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(token)
    except InvalidToken:
        return False
    return True


def _reindex(*, without: set[str]) -> int:
    """Observers whose look-ups did not fit their plain values under the present LOOKUP_KEY."""
    changed = 0
    every = Observer.objects.order_by("pk").values_list("pk", flat=True)
    keys = [pk for pk in every if f"{Observer._meta.label}:{pk}" not in without]
    for start in range(0, len(keys), BATCH):
        with transaction.atomic():
            batch = Observer.objects.filter(pk__in=keys[start : start + BATCH]).order_by("pk")
            if connection.features.has_select_for_update:
                batch = batch.select_for_update()
            stale = []
            for observer in batch:
                before = (observer.phone_lookup, observer.email_lookup)
                observer.index_contacts()
                if (observer.phone_lookup, observer.email_lookup) != before:
                    stale.append(observer)
            Observer.objects.bulk_update(stale, ["phone_lookup", "email_lookup"])
            changed += len(stale)
    return changed
