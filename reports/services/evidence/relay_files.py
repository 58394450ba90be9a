"""Files that somebody carried here: the pieces of photos in them, and the rows that say what became of each file."""

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
from observer.services.trail import trail_add
from reports.models import Evidence, RelayFile
from reports.problems import Rejected
from reports.services.evidence.uploads import OffsetMismatch, evidence_of, upload_append
from reports.services.evidence.whole_uploads import Spool
from reports.services.storage.sealed_store import seal

TRIES = 8  # while others bring the same file
KEPT = (RelayFile.State.WAITING, RelayFile.State.QUARANTINED)


def piece_take(*, observer: Observer, uuid: UUID, offset: int, data: bytes, now: datetime) -> str:
    """Adds a piece of an announced file where it continues what is here; what became of it.

    `stored`: the file is whole now; `duplicate`: it was before; `partial`: the piece is here; `gap`:
    an earlier piece is missing; `unknown`: no report announced it; `damaged`: the whole file has another
    hash than was announced, and begins anew; `too_large`. Raises Rejected `low_disk`, `unavailable`.
    """
    for _attempt in range(TRIES):
        evidence = evidence_of(uuid=uuid, observer=observer)
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
            reached = upload_append(
                evidence=evidence,
                offset=evidence.offset,
                stream=cast(BinaryIO, BytesIO(rest)),
                length=len(rest),
                now=now,
            )
            return "stored" if reached == evidence.size else "partial"
        except OffsetMismatch:
            continue  # another brought some of it meanwhile: look again
        except Rejected as problem:
            if problem.code not in ("checksum_mismatch", "too_large"):
                raise
            return "damaged" if problem.code == "checksum_mismatch" else "too_large"
    raise Rejected("unavailable", _("The same file is coming by another connection. Send it again in a moment."))


def relay_file_note(*, spool: Spool, values: dict[str, Any], now: datetime, keep: bool) -> RelayFile:
    """The row of this file, made or brought up to date; with `keep` its bytes are sealed first.

    A file that an operator accepted stays taken. Raises Rejected `low_disk` where nothing
    more is kept.
    """
    known = RelayFile.objects.filter(sha256=spool.sha256).first()
    if keep and not (known and known.sealed):
        held = RelayFile.objects.filter(state__in=KEPT).aggregate(size=Sum("size"))["size"] or 0
        if held + spool.size > settings.RELAY_KEPT_BYTES_MAX:
            raise Rejected("low_disk", _("No more files can be kept here. Tell the desk, and keep this one."))
        seal(part=spool.part(), sha256=spool.sha256)
        values["sealed"] = True
    row, new = RelayFile.objects.get_or_create(
        sha256=spool.sha256, defaults={"size": spool.size, "received_at": now, **values}
    )
    if not new:
        for name in ("state", "reason", "outcomes", "sealed", "device", "election"):
            if name in values:
                setattr(row, name, values[name])
        row.save(update_fields=["state", "reason", "outcomes", "sealed", "device", "election"])
    return row


def relay_file_settle(*, row: RelayFile, outcomes: Counter[str]) -> None:
    """Notes what became of a kept file that was taken again."""
    row.state = RelayFile.State.WAITING if waits(row.kind, outcomes) else RelayFile.State.TAKEN
    row.outcomes = dict(outcomes)
    row.save(update_fields=["state", "outcomes"])


def relay_file_accepted(*, row: RelayFile, user: Any, now: datetime) -> None:
    """An operator vouches for a quarantined file."""
    with transaction.atomic():
        row.accepted_by, row.accepted_at = user, now
        row.save(update_fields=["accepted_by", "accepted_at"])
        trail_add(action="relay.accept", subject=row, now=now, user=user, detail={"reason": row.reason})


def waiting_of(*, device: int) -> Iterable[RelayFile]:
    """Kept files of this device that wait for its reports or for earlier parts, in order."""
    return RelayFile.objects.filter(device=device, state=RelayFile.State.WAITING).order_by("made_at", "part", "pk")


def waits(kind: str, outcomes: Counter[str]) -> bool:
    """Whether pieces in a file may still find their place once other files are here."""
    return kind == RelayFile.Kind.FILES and bool(outcomes["gap"] or outcomes["unknown"])
