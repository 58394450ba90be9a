"""Uploads of a whole file in one request.

Its hash or length is not known before. The bytes are buffered in memory up to half a megabyte, then in a part
file that no row names yet, and are hashed as they arrive. When the file is complete it is stored in the same
steps as a resumable upload (`uploads.py`): synced, sealed under its hash, and one compare-and-set of its row.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.translation import gettext as _

from observer.models import Observer
from reports.models import Evidence
from reports.problems import Rejected
from reports.services.background.wakeups import wake_after_commit
from reports.services.evidence.uploads import MAX_BUFFERED_BYTES, get_max_bytes
from reports.services.storage.partial_uploads import require_free_space
from reports.services.storage.sealed_store import seal_file
from reports.services.storage.upload_sql import find_uploads, mark_upload_stored


class Spool:
    """Buffers one file that is being received.

    A context manager: what was not taken is removed at its end.
    """

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._path: Path | None = None
        self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Adds the next bytes. Raises Rejected `low_disk`, `too_large`."""
        self.size += len(data)
        if self.size > settings.FILE_BYTES_MAX:
            raise _make_too_large(settings.FILE_BYTES_MAX)
        self._digest.update(data)
        self._waiting += data
        if len(self._waiting) >= MAX_BUFFERED_BYTES:
            self._flush()

    def path(self) -> Path:
        """All that came, as a file that this spool still owns."""
        self._flush()
        assert self._path is not None
        return self._path

    def take_part(self) -> Path:
        """All that came, as a part file that the caller owns.

        It is synced.
        """
        self._flush()
        os.fsync(self._handle)
        path = self._path
        assert path is not None
        self._close()
        return path

    def discard(self) -> None:
        """Removes what came; does nothing after `take_part`."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._close()

    def _flush(self) -> None:
        require_free_space(bytes_to_write=len(self._waiting))
        if self._path is None:
            self._path = settings.PARTS_DIR / f"{uuid4()}.{secrets.token_hex(8)}"
            self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        view = memoryview(self._waiting)
        written = 0
        try:
            while written < len(view):
                written += os.write(self._handle, view[written:])
        finally:
            view.release()
        self._waiting.clear()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._path, self._handle = None, -1
        self._waiting.clear()


def load_announced_files(*, uuids: Iterable[UUID], observer: Observer) -> dict[UUID, Evidence]:
    """This observer's announced files among these ids, by id."""
    return {row.uuid: row for row in find_uploads(uuids=list(uuids), observer=observer.pk)}


def receive_file(*, evidence: Evidence, spool: Spool, now: datetime) -> None:
    """Stores what came as this file's original.

    The same bytes again change nothing. Raises Rejected: `changed_content` where the file has other bytes
    already, `checksum_mismatch` where other bytes were announced, `too_large`, `low_disk`, `unavailable` where
    another request is changing the same file. Then nothing is stored.
    """
    if _is_stored(evidence, spool.sha256):
        return
    _check_size_and_hash(evidence, spool)
    expected, size, sha256 = (evidence.offset, evidence.part), spool.size, spool.sha256
    seal_file(part=spool.take_part(), sha256=sha256)
    if mark_upload_stored(
        evidence=evidence.pk, expected=expected, size=size, sha256=evidence.sha256 or sha256, now=now
    ):
        if expected[1]:  # a part of it that came by a resumable upload
            (settings.PARTS_DIR / expected[1]).unlink(missing_ok=True)
        wake_after_commit("reports.process_evidence")
        return
    evidence.refresh_from_db(fields=["sha256", "size", "state", "offset", "part"])
    if not _is_stored(evidence, sha256):
        raise Rejected("unavailable", _("The same file is coming by another connection. Send it again in a moment."))


def _is_stored(evidence: Evidence, sha256: str) -> bool:
    """Whether these bytes are stored already.

    Raises Rejected `changed_content` where other bytes are.
    """
    if evidence.state != Evidence.State.STORED:
        return False
    if evidence.sha256.lower() != sha256:
        raise Rejected("changed_content", _("Another file was stored under this name. The stored one stands."))
    return True


def _check_size_and_hash(evidence: Evidence, spool: Spool) -> None:
    max_bytes = get_max_bytes(evidence=evidence)
    if spool.size > max_bytes:
        raise _make_too_large(max_bytes)
    if evidence.sha256 and evidence.sha256.lower() != spool.sha256:
        raise Rejected("checksum_mismatch", _("The bytes do not have the announced hash. Send the file again."))


def _make_too_large(max_bytes: int) -> Rejected:
    return Rejected("too_large", _("More bytes than announced or allowed: %(most)d.") % {"most": max_bytes})
