"""Files that come whole in one request, before anybody knows their hash or length.

What arrives waits in memory up to half a megabyte, then in a part of its own that no row names yet;
it is hashed on the way. Once it is whole it becomes one file's original by the same custody as an
upload in pieces (`services/uploads.py`): synced, sealed under its hash, one compare-and-set.
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
from reports.services.evidence.uploads import LANDING, bytes_most
from reports.services.storage.partial_uploads import space_require
from reports.services.storage.sealed_store import seal
from reports.services.storage.upload_sql import row_store, rows_find


class Spool:
    """One file on its way in. A context: whatever was not received for good when it ends is removed."""

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
        """Takes the next bytes. Raises Rejected `low_disk`, `too_large`."""
        self.size += len(data)
        if self.size > settings.FILE_BYTES_MAX:
            raise _too_large(settings.FILE_BYTES_MAX)
        self._digest.update(data)
        self._waiting += data
        if len(self._waiting) >= LANDING:
            self._flush()

    def path(self) -> Path:
        """All that came, as a file that stays this spool's: for reading."""
        self._flush()
        assert self._path is not None
        return self._path

    def part(self) -> Path:
        """All that came, synced, as a part; it belongs to the caller from now on."""
        self._flush()
        os.fsync(self._handle)
        path = self._path
        assert path is not None
        self._close()
        return path

    def discard(self) -> None:
        """Forgets what came; nothing happens where `part` was given away."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._close()

    def _flush(self) -> None:
        space_require(bytes_more=len(self._waiting))
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


def files_of(*, uuids: Iterable[UUID], observer: Observer) -> dict[UUID, Evidence]:
    """The announced files with these ids, if they are this observer's."""
    return {row.uuid: row for row in rows_find(uuids=list(uuids), observer=observer.pk)}


def file_receive(*, evidence: Evidence, spool: Spool, now: datetime) -> None:
    """Makes what came this file's original. The same bytes again change nothing.

    Raises Rejected: `changed_content` where the file has other bytes already, `checksum_mismatch`
    where others were announced, `too_large`, `low_disk`. Then nothing is stored.
    """
    if _is_stored(evidence, spool.sha256):
        return
    _check(evidence, spool)
    before, size, sha256 = (evidence.offset, evidence.part), spool.size, spool.sha256
    seal(part=spool.part(), sha256=sha256)
    if row_store(evidence=evidence.pk, before=before, size=size, sha256=evidence.sha256 or sha256, now=now):
        if before[1]:  # pieces of it, which came by another way
            (settings.PARTS_DIR / before[1]).unlink(missing_ok=True)
        wake_after_commit("reports.process_evidence")
        return
    evidence.refresh_from_db(fields=["sha256", "size", "state", "offset", "part"])
    if not _is_stored(evidence, sha256):
        raise Rejected("unavailable", _("The same file is coming by another connection. Send it again in a moment."))


def _is_stored(evidence: Evidence, sha256: str) -> bool:
    """Whether these bytes are stored already. Raises Rejected `changed_content` where others are."""
    if evidence.state != Evidence.State.STORED:
        return False
    if evidence.sha256.lower() != sha256:
        raise Rejected("changed_content", _("Another file was stored under this name. The stored one stands."))
    return True


def _check(evidence: Evidence, spool: Spool) -> None:
    most = bytes_most(evidence=evidence)
    if spool.size > most:
        raise _too_large(most)
    if evidence.sha256 and evidence.sha256.lower() != spool.sha256:
        raise Rejected("checksum_mismatch", _("The bytes do not have the announced hash. Send the file again."))


def _too_large(most: int) -> Rejected:
    return Rejected("too_large", _("More bytes than announced or allowed: %(most)d.") % {"most": most})
