"""The two statements of an upload, written out: find the file, move it on.

Every photo of an election day runs through both; composing them by the ORM cost more than writing
the photo. Plain SQL for both databases; none of these columns needs a conversion but the time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from reports.models import Evidence

_FIELDS = ("id", "uuid", "sha256", "size", "type", "state", "offset", "part")  # in the model's order
_FIND = """
SELECT id, uuid, sha256, size, type, state, "offset", part FROM reports_evidence
WHERE uuid IN ({ids}) AND observer_id = %s
"""
_MOVE = """
UPDATE reports_evidence SET "offset" = %s, part = %s, state = %s{more}
WHERE id = %s AND "offset" = %s AND part = %s AND state <> 'stored'
"""
_STORED = _MOVE.format(more=", size = %s, sha256 = %s, stored_at = %s")
_MOVED = _MOVE.format(more="")


def row_find(*, uuid: UUID, observer: int) -> Evidence | None:
    """The file with this id, if it is this observer's: identity, state, offset and part; the rest is deferred."""
    return next(iter(rows_find(uuids=[uuid], observer=observer)), None)


def rows_find(*, uuids: Sequence[UUID], observer: int) -> list[Evidence]:
    """Those of these files that are this observer's, as `row_find` gives them."""
    if not uuids:
        return []
    wrapper = connections[DEFAULT_DB_ALIAS]
    native = wrapper.features.has_native_uuid_field
    with wrapper.cursor() as cursor:
        keys = [uuid if native else uuid.hex for uuid in uuids]
        cursor.execute(_FIND.format(ids=", ".join(["%s"] * len(keys))), [*keys, observer])
        return [
            Evidence.from_db(DEFAULT_DB_ALIAS, _FIELDS, (row[0], row[1] if native else UUID(row[1]), *row[2:]))
            for row in cursor.fetchall()
        ]


def row_move(*, evidence: int, before: tuple[int, str], offset: int, part: str, state: str) -> bool:
    """Compare-and-set from (offset, part) `before`; False where the row stands elsewhere or is stored."""
    return _move(_MOVED, [offset, part, state, evidence, *before])


def row_store(*, evidence: int, before: tuple[int, str], size: int, sha256: str, now: datetime) -> bool:
    """The last move: the file is whole and sealed. False as `row_move`."""
    stored_at = connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(now)
    return _move(_STORED, [size, "", "stored", size, sha256, stored_at, evidence, *before])


def _move(sql: str, values: list[Any]) -> bool:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.rowcount)
