"""Key rotation: re-encrypts everything with the first of FIELD_KEYS, and recomputes look-ups with LOOKUP_KEY.

It can run while the platform is in use. Rows are processed in batches, each in one short transaction. Values that
already have the current key are skipped, so that an interrupted run can be started again. When a run ends without
unreadable values, the older keys may be removed.
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

BATCH_ROWS = 200
LOWEST_KEY = -(2**63)


@dataclass(slots=True)
class RotationResult:
    """What a run did.

    `values` were re-encrypted; `lookups` is the number of observers whose look-ups changed; `unreadable` lists values
    that no key opens, as model:pk; `outstanding_codes` is the number of enrolment codes that are still valid.
    """

    values: int
    lookups: int
    unreadable: list[str]
    outstanding_codes: int


@dataclass(frozen=True, slots=True)
class _EncryptedColumn:
    """A database column with encrypted values."""

    model: type[models.Model]
    name: str
    is_body: bool  # a body as received, which triggers protect from changes


def rotate_keys(*, now: datetime) -> RotationResult:
    """Re-encrypts all values and recomputes all look-ups.

    Enrolment codes cannot be converted to a new LOOKUP_KEY, because only their HMAC is stored.
    """
    result = RotationResult(0, 0, [], 0)
    for column in _find_encrypted_columns():
        last: int | None = LOWEST_KEY
        while last is not None:
            last = _rotate_batch(column, last, now, result)
    result.lookups = _reindex_lookups(excluded=set(result.unreadable))
    result.outstanding_codes = EnrolmentCode.objects.filter(used_at=None, expires_at__gt=now).count()
    return result


def _find_encrypted_columns() -> Iterator[_EncryptedColumn]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield _EncryptedColumn(model, str(field.column), is_body=False)
    for model in (Report, Refusal):
        yield _EncryptedColumn(model, "body", is_body=True)


def _rotate_batch(column: _EncryptedColumn, after: int, now: datetime, result: RotationResult) -> int | None:
    """Re-encrypts one batch of rows whose key is greater than `after`.

    Returns the last key of the batch, or None if no rows are left. Adds to `result`.
    """
    quote = connection.ops.quote_name
    table, key = quote(column.model._meta.db_table), quote(str(column.model._meta.pk.column))
    name = quote(column.name)
    locked = "FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite has one write lock for all
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {name} FROM {table} WHERE {key} > %s ORDER BY {key} LIMIT {BATCH_ROWS} {locked}",  # noqa: S608
            [after],
        )
        rows = cursor.fetchall()
        updates = []
        for pk, stored in rows:
            token = stored.encode() if isinstance(stored, str) else bytes(stored or b"")
            if not token or _is_current(token):
                continue
            try:
                rotated = crypto.rotate_token(token)
            except crypto.DecryptionError:
                result.unreadable.append(f"{column.model._meta.label}:{pk}")
                continue
            updates.append((rotated if column.is_body else rotated.decode(), pk))
        if updates:
            guard = KeyRotation.objects.create(started_at=now) if column.is_body else None
            cursor.executemany(f"UPDATE {table} SET {name} = %s WHERE {key} = %s", updates)  # noqa: S608
            if guard:
                guard.delete()
            result.values += len(updates)
    return int(rows[-1][0]) if len(rows) == BATCH_ROWS else None


def _is_current(token: bytes) -> bool:
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(token)
    except InvalidToken:
        return False
    return True


def _reindex_lookups(*, excluded: set[str]) -> int:
    """Recomputes look-ups of phones and e-mails with LOOKUP_KEY; returns how many observers changed."""
    changed = 0
    all_keys = Observer.objects.order_by("pk").values_list("pk", flat=True)
    keys = [pk for pk in all_keys if f"{Observer._meta.label}:{pk}" not in excluded]
    for start in range(0, len(keys), BATCH_ROWS):
        with transaction.atomic():
            batch = Observer.objects.filter(pk__in=keys[start : start + BATCH_ROWS]).order_by("pk")
            if connection.features.has_select_for_update:
                batch = batch.select_for_update()
            stale = []
            for observer in batch:
                before = (observer.phone_lookup, observer.email_lookup)
                observer.update_contact_lookups()
                if (observer.phone_lookup, observer.email_lookup) != before:
                    stale.append(observer)
            Observer.objects.bulk_update(stale, ["phone_lookup", "email_lookup"])
            changed += len(stale)
    return changed
