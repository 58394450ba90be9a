"""Files that were sealed in the moment their process was killed: their rows are given their last word.

Sealing a file and storing its row are two steps, and nobody can take both at once. So a note on
disk, written before the first and removed after the second, says what the row is about to become.
Its writer holds it locked for as long as it lives: a note that nobody holds was left by a dead
process, and if the sealed file is there, all that is missing is the statement in the note.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from reports.models import Evidence
from reports.services.background.wakeups import wake_after_commit
from reports.services.storage.sealed_store import is_sealed
from reports.services.storage.upload_sql import row_store

log = logging.getLogger("baqylau.evidence")
NOTES = "whole"  # a folder below PARTS_DIR; one note a file, named by its id
NOTE_BYTES = 1_000


@contextmanager
def whole_noted(*, evidence: Evidence, before: tuple[int, str], size: int, sha256: str) -> Iterator[None]:
    """Says, while the block seals this file and stores its row, what it is about. `before` is as in `row_store`.

    The note goes if the block ends well; if it does not, whoever comes next finds it.
    """
    path = _folder() / str(evidence.uuid)
    handle = _open_locked(path)
    try:
        told = {"pk": evidence.pk, "offset": before[0], "part": before[1], "size": size, "sha256": sha256}
        note = json.dumps(told).encode()
        # Written over an older one and then cut: a file that was emptied first is put on disk by ext4 when it
        # is closed, which takes as long as the photo.
        os.pwrite(handle, note, 0)
        if os.fstat(handle).st_size > len(note):
            os.ftruncate(handle, len(note))
        yield
        path.unlink(missing_ok=True)
    finally:
        os.close(handle)  # and lets go


def upload_mended(*, evidence: Evidence, now: datetime) -> Evidence:
    """The file as it truly stands: stored, where a process died between sealing it and saying so.

    Costs a look at the disk, and nothing more, where all is well. Also stores a file whose part is
    gone though its row names one, if what was announced lies sealed.
    """
    if evidence.state == Evidence.State.STORED:
        return evidence
    note = _folder() / str(evidence.uuid)
    if note.exists():
        _replay(note, now)
    elif not (evidence.part and _is_lost(evidence.part) and _stored_as_announced(evidence, now)):
        return evidence
    return Evidence.objects.get(pk=evidence.pk)


def uploads_mend(*, now: datetime, only: Iterable[UUID] | None = None) -> int:
    """Stores the rows of all files, or those in `only`, that lie sealed and noted; how many. Raises nothing."""
    folder = _folder()
    mended = 0
    wanted = folder.iterdir() if only is None else (folder / str(uuid) for uuid in only)
    for note in [path for path in wanted if path.exists()] if folder.is_dir() else ():
        try:
            mended += _replay(note, now)
        except Exception:
            log.exception("the sealed file of upload %s cannot be given to it now", note.name)
    return mended


def uploads_mend_lost(*, now: datetime) -> int:
    """Stores the rows, not noted, whose parts are gone while what they announced lies sealed; how many."""
    rows = Evidence.objects.filter(state=Evidence.State.PARTIAL, size__isnull=False).exclude(sha256="")
    return sum(
        _is_lost(row.part) and not (_folder() / str(row.uuid)).exists() and _stored_as_announced(row, now)
        for row in rows.only("uuid", "sha256", "size", "offset", "part").iterator()
    )


def _replay(note: Path, now: datetime) -> bool:
    """Makes the statement of a note whose writer is dead, if its file lies sealed; True where that changed a row."""
    try:
        handle = os.open(note, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        if not _locked(handle, wait=False) or not _is_there(note, handle):
            return False  # its writer lives, or somebody else was quicker
        told = _read(handle)
        done = bool(told) and is_sealed(sha256=told["sha256"], size=told["size"]) and _store(**told, now=now)
        note.unlink(missing_ok=True)  # if it was not sealed, its part is still there, or it comes again
        return done
    finally:
        os.close(handle)


def _read(handle: int) -> dict[str, Any]:
    """What the note says; empty where it broke off, which means that nothing was sealed after it."""
    with suppress(ValueError):
        told = json.loads(os.pread(handle, NOTE_BYTES, 0))
        if isinstance(told, dict) and told.keys() == {"pk", "offset", "part", "size", "sha256"}:
            return told
    return {}


def _stored_as_announced(evidence: Evidence, now: datetime) -> bool:
    if not evidence.sha256 or evidence.size is None or not is_sealed(sha256=evidence.sha256, size=evidence.size):
        return False
    return _store(
        pk=evidence.pk, offset=evidence.offset, part=evidence.part, size=evidence.size, sha256=evidence.sha256, now=now
    )


def _store(*, pk: int, offset: int, part: str, size: int, sha256: str, now: datetime) -> bool:
    """False where the row stands elsewhere by now: somebody went on."""
    stored = row_store(evidence=pk, before=(offset, part), size=size, sha256=sha256, now=now)
    if stored:
        log.warning("evidence %d was sealed before its process died; it is stored now", pk)
        wake_after_commit("reports.process_evidence")
    return stored


def _is_lost(part: str) -> bool:
    return not (settings.PARTS_DIR / part).exists()


def _folder() -> Path:
    folder: Path = settings.PARTS_DIR / NOTES
    return folder


def _open_locked(path: Path) -> int:
    """The note, made if need be and locked. Waits for another request that finishes the same file."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            continue
        _locked(handle, wait=True)
        if _is_there(path, handle):
            return handle
        os.close(handle)  # the other removed it when it was done: ours must be one that can be found


def _locked(handle: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_there(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
