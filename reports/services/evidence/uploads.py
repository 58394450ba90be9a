"""Resumable uploads: bytes of many requests become one sealed file.

The server passes on a request's body in slices (config/rsgi.py). They are buffered in memory, up to
MAX_BUFFERED_BYTES, and then written: to the part file at the offset, under the file's lock unless the part
is new, and synced; then the row's offset is moved by compare-and-set. No lock and no transaction is held
while bytes arrive, so a phone whose connection died silently can continue at once over a new one: the old
request finds that the offset has moved and stops. Of two requests at once, one succeeds with each write and
the other is told the right offset. Bytes that a crash leaves after the offset are overwritten, because only
the row says how long the file is. A file that was sealed is not requested again (`crash_recovery.py`).
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
from reports.services.evidence.crash_recovery import open_journal_entry, recover_upload
from reports.services.storage.partial_uploads import LOCK_FILE_PREFIX, require_free_space
from reports.services.storage.sealed_store import seal_file, sync_folder
from reports.services.storage.upload_sql import advance_upload, find_upload, mark_upload_stored

MAX_BUFFERED_BYTES = 512 * 1024
READ_CHUNK_BYTES = 128 * 1024
LOCK_FILES = 256


class OffsetMismatch(Rejected):
    """`offset_mismatch` or `already_stored`; `offset` is the upload's right offset in bytes."""

    def __init__(self, code: str, offset: int) -> None:
        details = {
            "offset_mismatch": _("The upload continues at another offset."),
            "already_stored": _("This file is stored already."),
        }
        super().__init__(code, details[code])
        self.offset = offset


def find_evidence(*, uuid: UUID, observer: Observer) -> Evidence | None:
    """The announced file with this id; None where this observer has none."""
    return find_upload(uuid=uuid, observer=observer.pk)


def append_to_upload(
    *,
    evidence: Evidence,
    offset: int,
    stream: BinaryIO,
    length: int | None,
    now: datetime,
    total: int | None = None,
) -> int:
    """Appends the bytes of `stream` at `offset`; returns the new offset.

    Once the file is stored, the offset is its size. `length` is how many bytes the stream declares, None
    where it declares none. `total` is the file's size where the sender gives it only now; with neither an
    announced size nor a total, the file ends where this stream ends. A stream that ends early is no error:
    the bytes that came are kept. Raises Rejected: OffsetMismatch, `too_large` (bytes that were still in the
    buffer are dropped), `checksum_mismatch` (the upload is back at 0), `length_required`, `low_disk`.
    """
    evidence = recover_upload(evidence=evidence, now=now)
    if evidence.state == Evidence.State.STORED:
        raise OffsetMismatch("already_stored", evidence.offset)
    if offset != evidence.offset:
        raise OffsetMismatch("offset_mismatch", evidence.offset)
    end = _compute_end(evidence, offset, length, total)
    require_free_space()
    digest = hashlib.sha256() if offset == 0 else None
    upload = _Upload(evidence, end, now, position=offset, part=evidence.part, digest=digest)
    # One byte more than allowed, to notice a stream without a length that is too long.
    max_bytes = end - offset + 1 if length is None else length
    buffer = bytearray()
    for chunk in read_chunks(stream, max_bytes):
        buffer += chunk
        buffered_end = upload.position + len(buffer)
        if buffered_end > end:
            raise _make_too_large(end)
        if buffered_end < end and len(buffer) >= MAX_BUFFERED_BYTES:
            upload.write(buffer)
            buffer.clear()
    if buffer or upload.position == end:
        upload.write(buffer)
    return upload.position


def get_max_bytes(*, evidence: Evidence) -> int:
    """How many bytes this file may have.

    The announced size, limited by its kind.
    """
    limit: int = settings.IMAGE_BYTES_MAX if evidence.type.startswith("image/") else settings.FILE_BYTES_MAX
    return limit if evidence.size is None else min(limit, evidence.size)


def _compute_end(evidence: Evidence, offset: int, length: int | None, total: int | None) -> int:
    """The offset at which this file ends. Raises Rejected `length_required`, `too_large`."""
    max_bytes = get_max_bytes(evidence=evidence)
    end = evidence.size if evidence.size is not None else total
    if end is None:
        if length is None:
            raise Rejected("length_required", _("Say how long the file is."))
        end = offset + length
    if end > max_bytes or offset + (length or 0) > end or (total is not None and total != end):
        raise _make_too_large(min(end, max_bytes))
    return end


def _make_too_large(max_bytes: int) -> Rejected:
    return Rejected("too_large", _("More bytes than announced or allowed: %(most)d.") % {"most": max_bytes})


def read_chunks(stream: BinaryIO, max_bytes: int) -> Iterator[bytes]:
    """Yields the stream's bytes in chunks, at most `max_bytes`.

    Ends early where the stream does.
    """
    while max_bytes > 0:
        try:
            chunk = stream.read(min(READ_CHUNK_BYTES, max_bytes))
        except OSError:
            return  # the connection was cut
        if not chunk:
            return
        max_bytes -= len(chunk)
        yield chunk


@dataclass
class _Upload:
    """One request's view of an upload: its offset and part file."""

    evidence: Evidence
    end: int
    now: datetime
    position: int
    part: str
    digest: "hashlib._Hash | None"  # of all bytes so far; None where an earlier request brought some

    def write(self, data: bytearray) -> None:
        """Writes `data` durably to the file.

        Or raises as `append_to_upload` and changes nothing.
        """
        require_free_space(bytes_to_write=len(data))
        if self.part:
            with _lock_file(self.evidence.uuid):
                self._append_to_part(data)
        else:
            self._create_part(data)  # nobody else knows a new part, so it needs no lock
        self.position += len(data)

    def _create_part(self, data: bytearray) -> None:
        name = f"{self.evidence.uuid}.{secrets.token_hex(8)}"
        path = _get_part_path(name)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write_part(handle, name, data)
        except DatabaseError:
            raise  # the row may name it nevertheless; if it does not, `delete_abandoned_parts` removes it
        except BaseException:
            path.unlink(missing_ok=True)  # no row names it
            raise
        finally:
            os.close(handle)
        self.part = name

    def _append_to_part(self, data: bytearray) -> None:
        row = Evidence.objects.only("state", "offset", "part").get(pk=self.evidence.pk)
        if row.state == Evidence.State.STORED:
            raise OffsetMismatch("already_stored", row.offset)
        if row.offset != self.position or row.part != self.part:
            raise OffsetMismatch("offset_mismatch", row.offset)
        try:
            handle = os.open(_get_part_path(self.part), os.O_RDWR)
        except FileNotFoundError:
            raise self._recover_or_reset() from None
        try:
            if os.fstat(handle).st_size < self.position:
                raise self._recover_or_reset()
            self._write_part(handle, self.part, data)
        finally:
            os.close(handle)

    def _write_part(self, handle: int, name: str, data: bytearray) -> None:
        end_offset = self.position + len(data)
        view = memoryview(data)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(handle, view[written:], self.position + written)
        finally:
            view.release()
        os.ftruncate(handle, end_offset)  # removes bytes that a crash left after the offset
        os.fsync(handle)
        if self.digest is not None:
            self.digest.update(data)
        if end_offset == self.end:
            self._seal_and_store(name, end_offset)
            return
        if not self.part:
            sync_folder(settings.PARTS_DIR)
        self._raise_if_outdated(
            advance_upload(
                evidence=self.evidence.pk,
                expected=self._expected,
                offset=end_offset,
                part=name,
                state=Evidence.State.PARTIAL,
            )
        )

    def _seal_and_store(self, name: str, size: int) -> None:
        sha256 = self.digest.hexdigest() if self.digest is not None else _hash_file(_get_part_path(name))
        if self.evidence.sha256 and sha256 != self.evidence.sha256.lower():
            self._reset()
            _get_part_path(name).unlink(missing_ok=True)
            raise Rejected("checksum_mismatch", _("The bytes do not have the announced hash. Send the file again."))
        sha256 = self.evidence.sha256 or sha256  # spelt as it was announced, even in capitals
        with open_journal_entry(evidence=self.evidence, expected=self._expected, size=size, sha256=sha256):
            seal_file(part=_get_part_path(name), sha256=sha256)
            stored = mark_upload_stored(
                evidence=self.evidence.pk, expected=self._expected, size=size, sha256=sha256, now=self.now
            )
        self._raise_if_outdated(stored)
        wake_after_commit("reports.process_evidence")

    @property
    def _expected(self) -> tuple[int, str]:
        return self.position, self.part

    def _raise_if_outdated(self, moved: bool) -> None:
        """Raises OffsetMismatch where another request was faster.

        Called with the result of the compare-and-set of a write.
        """
        if not moved:
            row = Evidence.objects.only("state", "offset").get(pk=self.evidence.pk)
            stored = row.state == Evidence.State.STORED
            raise OffsetMismatch("already_stored" if stored else "offset_mismatch", row.offset)

    def _recover_or_reset(self) -> OffsetMismatch:
        """Handles a part that is missing or too short.

        Too short means shorter than its row says. Returns what to raise. The upload is reset to 0 unless its
        file is sealed.
        """
        row = recover_upload(evidence=Evidence.objects.get(pk=self.evidence.pk), now=self.now)
        if row.state == Evidence.State.STORED:
            return OffsetMismatch("already_stored", row.offset)
        self._reset()
        return OffsetMismatch("offset_mismatch", 0)

    def _reset(self) -> None:
        advance_upload(
            evidence=self.evidence.pk, expected=self._expected, offset=0, part="", state=Evidence.State.AWAITED
        )


@contextmanager
def _lock_file(uuid: UUID) -> Iterator[None]:
    """Locks this file for all processes of this machine.

    A crash releases the lock. Some files share one.
    """
    handle = os.open(
        settings.PARTS_DIR / f"{LOCK_FILE_PREFIX}{uuid.int % LOCK_FILES:02x}", os.O_RDWR | os.O_CREAT, 0o600
    )
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _get_part_path(name: str) -> Path:
    folder: Path = settings.PARTS_DIR
    return folder / name


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
