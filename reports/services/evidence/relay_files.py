"""Relay files: their pieces of photos, and their rows.

A row records what became of a file.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from observer.models import Observer
from observer.services.trail import add_trail_entry
from reports.models import Evidence, RelayFile
from reports.problems import Rejected
from reports.services.evidence.uploads import OffsetMismatch, append_to_upload, find_evidence
from reports.services.evidence.whole_uploads import Spool
from reports.services.storage.sealed_store import seal_file

MAX_ATTEMPTS = 8  # to add a piece while other requests upload the same file
KEPT_STATES = (RelayFile.State.WAITING, RelayFile.State.QUARANTINED)


def add_piece(*, observer: Observer, uuid: UUID, offset: int, data: bytes, now: datetime) -> str:
    """Adds a piece to an announced file; returns the result.

    The piece must continue what is here. `stored`: the file is complete now; `duplicate`: it was complete
    before; `partial`: the piece is here; `gap`: an earlier piece is missing; `unknown`: no report announced the
    file; `damaged`: the complete file has another hash than was announced, and starts again; `too_large`.
    Raises Rejected `low_disk`, `unavailable`.
    """
    for _attempt in range(MAX_ATTEMPTS):
        evidence = find_evidence(uuid=uuid, observer=observer)
        if evidence is None or evidence.size is None:
            return "unknown"
        if evidence.state == Evidence.State.STORED:
            return "duplicate"
        if offset > evidence.offset:
            return "gap"
        rest = data[evidence.offset - offset :]
        if not rest:
            return "partial"
        try:
            new_offset = append_to_upload(
                evidence=evidence,
                offset=evidence.offset,
                stream=cast(BinaryIO, BytesIO(rest)),
                length=len(rest),
                now=now,
            )
            return "stored" if new_offset == evidence.size else "partial"
        except OffsetMismatch:
            continue  # another request added bytes meanwhile
        except Rejected as problem:
            if problem.code not in ("checksum_mismatch", "too_large"):
                raise
            return "damaged" if problem.code == "checksum_mismatch" else "too_large"
    raise Rejected("unavailable", _("The same file is coming by another connection. Send it again in a moment."))


def record_relay_file(*, spool: Spool, values: dict[str, Any], now: datetime, keep: bool) -> RelayFile:
    """Creates or updates the row of a relay file.

    With `keep` its bytes are sealed first. `values`: the fields to set. What an operator has accepted stays
    accepted. Raises Rejected `low_disk` where no more files are kept.
    """
    known = RelayFile.objects.filter(sha256=spool.sha256).first()
    if keep and not (known and known.sealed):
        kept_bytes = RelayFile.objects.filter(state__in=KEPT_STATES).aggregate(size=Sum("size"))["size"] or 0
        if kept_bytes + spool.size > settings.RELAY_KEPT_BYTES_MAX:
            raise Rejected("low_disk", _("No more files can be kept here. Tell the desk, and keep this one."))
        seal_file(part=spool.take_part(), sha256=spool.sha256)
        values["sealed"] = True
    row, is_new = RelayFile.objects.get_or_create(
        sha256=spool.sha256, defaults={"size": spool.size, "received_at": now, **values}
    )
    if not is_new:
        for name in ("state", "reason", "outcomes", "sealed", "device", "election"):
            if name in values:
                setattr(row, name, values[name])
        row.save(update_fields=["state", "reason", "outcomes", "sealed", "device", "election"])
    return row


def update_relay_file(*, row: RelayFile, outcomes: Counter[str]) -> None:
    """Records the outcomes of a kept file that was processed again."""
    row.state = RelayFile.State.WAITING if is_waiting(row.kind, outcomes) else RelayFile.State.TAKEN
    row.outcomes = dict(outcomes)
    row.save(update_fields=["state", "outcomes"])


def mark_relay_file_accepted(*, row: RelayFile, user: Any, now: datetime) -> None:
    """Records that an operator accepts a quarantined file."""
    with transaction.atomic():
        row.accepted_by, row.accepted_at = user, now
        row.save(update_fields=["accepted_by", "accepted_at"])
        add_trail_entry(action="relay.accept", subject=row, now=now, user=user, detail={"reason": row.reason})


def filter_waiting_files(*, device: int) -> Iterable[RelayFile]:
    """This device's kept files that still wait, in order.

    They wait for its reports or for earlier parts.
    """
    return RelayFile.objects.filter(device=device, state=RelayFile.State.WAITING).order_by("made_at", "part", "pk")


def is_waiting(kind: str, outcomes: Counter[str]) -> bool:
    """Whether pieces in a file may be added later.

    They may where other files must come first.
    """
    return kind == RelayFile.Kind.FILES and bool(outcomes["gap"] or outcomes["unknown"])
