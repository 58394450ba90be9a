"""Files on their way in: pieces that arrive in any number of requests and end as one sealed original.

The server passes a request's body on in slices (config/front.py). What arrives waits in memory, half a
megabyte at most, and *lands*: it is written to the part at its offset and synced, under the file's lock
unless the part is new, then the row's offset moves by compare-and-set. No lock and no transaction is
held while bytes flow, so a phone whose connection died silently can go on at once over a new one: the
old request, should it wake, finds the offset moved and stops. Of two at once one wins each landing and
the other learns the true offset. Whatever a crash leaves behind an offset is overwritten, because only
the row says how far the file goes; but a file that was sealed is not asked for again (`mending.py`).
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from observer.models import Observer
from reports.models import Evidence
from reports.problems import Rejected
from reports.services.background.wakeups import wake_after_commit
from reports.services.evidence.crash_recovery import upload_mended, whole_noted
from reports.services.storage.partial_uploads import LOCK, space_require
from reports.services.storage.sealed_store import seal, sync_folder
from reports.services.storage.upload_sql import row_find, row_move, row_store

LANDING = 512 * 1024  # bytes that may wait in memory
PIECE = 128 * 1024  # bytes read at once
LOCKS = 256


class OffsetMismatch(Rejected):
    """`offset_mismatch` or `already_stored`; `offset` is where the file truly stands."""

    def __init__(self, code: str, offset: int) -> None:
        words = {
            "offset_mismatch": _("The upload continues at another offset."),
            "already_stored": _("This file is stored already."),
        }
        super().__init__(code, words[code])
        self.offset = offset


def evidence_of(*, uuid: UUID, observer: Observer) -> Evidence | None:
    """The announced file of this id, if it is this observer's."""
    return row_find(uuid=uuid, observer=observer.pk)


def upload_append(
    *,
    evidence: Evidence,
    offset: int,
    stream: BinaryIO,
    length: int | None,
    now: datetime,
    total: int | None = None,
) -> int:
    """Appends what `stream` holds at `offset`; the new offset, which is the size once the file is stored.

    `length` is how many bytes the stream says it has, None where it does not say. `total` is the
    file's size where the sender tells it only now; with neither an announced size nor a total, the
    end of this stream is the end of the file. A stream that breaks off early is no error: what
    came is kept. Raises Rejected: OffsetMismatch, `too_large` (nothing of this landing is kept),
    `checksum_mismatch` (the upload is back at 0), `length_required`, `low_disk`.
    """
    evidence = upload_mended(evidence=evidence, now=now)
    if evidence.state == Evidence.State.STORED:
        raise OffsetMismatch("already_stored", evidence.offset)
    if offset != evidence.offset:
        raise OffsetMismatch("offset_mismatch", evidence.offset)
    end = _end(evidence, offset, length, total)
    space_require()
    digest = hashlib.sha256() if offset == 0 else None
    upload = _Upload(evidence, end, now, position=offset, part=evidence.part, digest=digest)
    # One byte more than fits, so that a stream without a length shows that it is too long.
    most = end - offset + 1 if length is None else length
    waiting = bytearray()
    for piece in pieces(stream, most):
        waiting += piece
        reached = upload.position + len(waiting)
        if reached > end:
            raise _too_large(end)
        if reached < end and len(waiting) >= LANDING:
            upload.land(waiting)
            waiting.clear()
    if waiting or upload.position == end:
        upload.land(waiting)
    return upload.position


def bytes_most(*, evidence: Evidence) -> int:
    """How many bytes this file may have: what was announced, and never more than its kind is allowed."""
    limit: int = settings.IMAGE_BYTES_MAX if evidence.type.startswith("image/") else settings.FILE_BYTES_MAX
    return limit if evidence.size is None else min(limit, evidence.size)


def _end(evidence: Evidence, offset: int, length: int | None, total: int | None) -> int:
    """Where this file ends, in bytes."""
    most = bytes_most(evidence=evidence)
    end = evidence.size if evidence.size is not None else total
    if end is None:
        if length is None:
            raise Rejected("length_required", _("Say how long the file is."))
        end = offset + length
    if end > most or offset + (length or 0) > end or (total is not None and total != end):
        raise _too_large(min(end, most))
    return end


def _too_large(most: int) -> Rejected:
    return Rejected("too_large", _("More bytes than announced or allowed: %(most)d.") % {"most": most})


def pieces(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """The stream's bytes up to `most`, a piece at a time; ends early where the stream does."""
    while most > 0:
        try:
            piece = stream.read(min(PIECE, most))
        except OSError:
            return  # the connection was cut
        if not piece:
            return
        most -= len(piece)
        yield piece


@dataclass
class _Upload:
    """One request's view of a file: where it stands, and the part its bytes are in."""

    evidence: Evidence
    end: int
    at: datetime
    position: int
    part: str
    digest: "hashlib._Hash | None"  # of all bytes so far; None where an earlier request brought some

    def land(self, data: bytearray) -> None:
        """Makes `data` part of the file, durably, or raises as `upload_append` and changes nothing."""
        space_require(bytes_more=len(data))
        if self.part:
            with _lock(self.evidence.uuid):
                self._continue(data)
        else:
            self._start(data)  # a part of its own: nobody to be held off
        self.position += len(data)

    def _start(self, data: bytearray) -> None:
        name = f"{self.evidence.uuid}.{secrets.token_hex(8)}"
        path = _path(name)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write(handle, name, data)
        except DatabaseError:
            raise  # the row may name it all the same; if it does not, the sweep will find it
        except BaseException:
            path.unlink(missing_ok=True)  # no row names it
            raise
        finally:
            os.close(handle)
        self.part = name

    def _continue(self, data: bytearray) -> None:
        row = Evidence.objects.only("state", "offset", "part").get(pk=self.evidence.pk)
        if row.state == Evidence.State.STORED:
            raise OffsetMismatch("already_stored", row.offset)
        if row.offset != self.position or row.part != self.part:
            raise OffsetMismatch("offset_mismatch", row.offset)
        try:
            handle = os.open(_path(self.part), os.O_RDWR)
        except FileNotFoundError:
            raise self._lost() from None
        try:
            if os.fstat(handle).st_size < self.position:
                raise self._lost()
            self._write(handle, self.part, data)
        finally:
            os.close(handle)

    def _write(self, handle: int, name: str, data: bytearray) -> None:
        after = self.position + len(data)
        view = memoryview(data)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(handle, view[written:], self.position + written)
        finally:
            view.release()
        os.ftruncate(handle, after)  # what a crash left behind the offset
        os.fsync(handle)
        if self.digest is not None:
            self.digest.update(data)
        if after == self.end:
            self._finish(name, after)
            return
        if not self.part:
            sync_folder(settings.PARTS_DIR)
        self._won(
            row_move(
                evidence=self.evidence.pk, before=self._before, offset=after, part=name, state=Evidence.State.PARTIAL
            )
        )

    def _finish(self, name: str, size: int) -> None:
        sha256 = self.digest.hexdigest() if self.digest is not None else _sha256(_path(name))
        if self.evidence.sha256 and sha256 != self.evidence.sha256.lower():
            self._reset()
            _path(name).unlink(missing_ok=True)
            raise Rejected("checksum_mismatch", _("The bytes do not have the announced hash. Send the file again."))
        sha256 = self.evidence.sha256 or sha256  # as it was announced, also in capitals
        with whole_noted(evidence=self.evidence, before=self._before, size=size, sha256=sha256):
            seal(part=_path(name), sha256=sha256)
            stored = row_store(evidence=self.evidence.pk, before=self._before, size=size, sha256=sha256, now=self.at)
        self._won(stored)
        wake_after_commit("reports.process_evidence")

    @property
    def _before(self) -> tuple[int, str]:
        return self.position, self.part

    def _won(self, moved: bool) -> None:
        """After the compare-and-set by which a landing becomes true. Raises OffsetMismatch where another won."""
        if not moved:
            row = Evidence.objects.only("state", "offset").get(pk=self.evidence.pk)
            stored = row.state == Evidence.State.STORED
            raise OffsetMismatch("already_stored" if stored else "offset_mismatch", row.offset)

    def _lost(self) -> OffsetMismatch:
        """The part is not on this disk any more, or shorter than the row says: begin again, if it is not sealed."""
        row = upload_mended(evidence=Evidence.objects.get(pk=self.evidence.pk), now=self.at)
        if row.state == Evidence.State.STORED:
            return OffsetMismatch("already_stored", row.offset)
        self._reset()
        return OffsetMismatch("offset_mismatch", 0)

    def _reset(self) -> None:
        row_move(evidence=self.evidence.pk, before=self._before, offset=0, part="", state=Evidence.State.AWAITED)


@contextmanager
def _lock(uuid: UUID) -> Iterator[None]:
    """Holds this file against every process of this machine; a crash lets go. Some files share a lock."""
    handle = os.open(settings.PARTS_DIR / f"{LOCK}{uuid.int % LOCKS:02x}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _path(name: str) -> Path:
    folder: Path = settings.PARTS_DIR
    return folder / name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
