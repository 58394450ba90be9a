"""The SQL statements of uploads: find a file, advance it.

Every photo of an election day runs through two of them. Composing them by the ORM took longer than
writing the photo. The SQL is the same for both databases; of these columns only the time needs a
conversion.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from reports.models import Evidence

_EVIDENCE_FIELDS = ("id", "uuid", "sha256", "size", "type", "state", "offset", "part")  # in the model's order
_FIND_SQL = """
SELECT id, uuid, sha256, size, type, state, "offset", part FROM reports_evidence
WHERE uuid IN ({ids}) AND observer_id = %s
"""
_UPDATE_SQL = """
UPDATE reports_evidence SET "offset" = %s, part = %s, state = %s{more}
WHERE id = %s AND "offset" = %s AND part = %s AND state <> 'stored'
"""
_MARK_STORED_SQL = _UPDATE_SQL.format(more=", size = %s, sha256 = %s, stored_at = %s")
_ADVANCE_SQL = _UPDATE_SQL.format(more="")


def find_upload(*, uuid: UUID, observer: int) -> Evidence | None:
    """Finds one observer's file by its id.

    Loads its identity, state, offset and part; the other fields are deferred.
    """
    return next(iter(find_uploads(uuids=[uuid], observer=observer)), None)


def find_uploads(*, uuids: Sequence[UUID], observer: int) -> list[Evidence]:
    """Finds those of these files that are this observer's, loaded as by `find_upload`."""
    if not uuids:
        return []
    wrapper = connections[DEFAULT_DB_ALIAS]
    native = wrapper.features.has_native_uuid_field
    with wrapper.cursor() as cursor:
        keys = [uuid if native else uuid.hex for uuid in uuids]
        cursor.execute(_FIND_SQL.format(ids=", ".join(["%s"] * len(keys))), [*keys, observer])
        return [
            Evidence.from_db(DEFAULT_DB_ALIAS, _EVIDENCE_FIELDS, (row[0], row[1] if native else UUID(row[1]), *row[2:]))
            for row in cursor.fetchall()
        ]


def advance_upload(*, evidence: int, expected: tuple[int, str], offset: int, part: str, state: str) -> bool:
    """Moves an upload on from the expected (offset, part).

    A compare-and-set: returns False where the row has another offset or part, or is stored already.
    """
    return _run_update(_ADVANCE_SQL, [offset, part, state, evidence, *expected])


def mark_upload_stored(*, evidence: int, expected: tuple[int, str], size: int, sha256: str, now: datetime) -> bool:
    """Marks an upload as complete and sealed. Returns False as `advance_upload` does."""
    stored_at = connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(now)
    return _run_update(_MARK_STORED_SQL, [size, "", "stored", size, sha256, stored_at, evidence, *expected])


def _run_update(sql: str, values: list[Any]) -> bool:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.rowcount)
