"""Recovery of uploads whose process was killed before storing the row.

Each such file had been sealed already. Sealing a file and storing its row are two steps that cannot be one. So
a journal entry on disk, written before the first step and removed after the second, holds the values that the
row is about to get. Its writer keeps it locked as long as it lives. An entry without a lock was left by a dead
process: if the sealed file exists, only the update of the row is missing, and it is made from the entry.
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
from reports.services.storage.upload_sql import mark_upload_stored

log = logging.getLogger("baqylau.evidence")
JOURNAL_FOLDER = "whole"  # below PARTS_DIR; one entry per uploaded file, named by the file's id
MAX_ENTRY_BYTES = 1_000


@contextmanager
def open_journal_entry(*, evidence: Evidence, expected: tuple[int, str], size: int, sha256: str) -> Iterator[None]:
    """Keeps a journal entry while the block seals and stores a file.

    `expected` is as in `mark_upload_stored`. The entry is removed when the block succeeds; otherwise it
    stays for the functions below.
    """
    path = _get_journal_folder() / str(evidence.uuid)
    handle = _open_entry_locked(path)
    try:
        entry = {"pk": evidence.pk, "offset": expected[0], "part": expected[1], "size": size, "sha256": sha256}
        data = json.dumps(entry).encode()
        # An older entry is overwritten and then cut to length. If it were truncated first, ext4 would write it
        # to disk when it is closed, which takes as long as writing the photo.
        os.pwrite(handle, data, 0)
        if os.fstat(handle).st_size > len(data):
            os.ftruncate(handle, len(data))
        yield
        path.unlink(missing_ok=True)
    finally:
        os.close(handle)  # this also releases the lock


def recover_upload(*, evidence: Evidence, now: datetime) -> Evidence:
    """Recovers one upload where needed; returns its row as it is then.

    The row becomes stored where a process died between sealing the file and storing the row. Normally this
    costs one look at the disk and nothing more. It also stores a file whose row names a part that is
    missing, if the announced content is sealed.
    """
    if evidence.state == Evidence.State.STORED:
        return evidence
    entry_path = _get_journal_folder() / str(evidence.uuid)
    if entry_path.exists():
        _replay_entry(entry_path, now)
    elif not (evidence.part and _is_part_missing(evidence.part) and _store_if_announced_is_sealed(evidence, now)):
        return evidence
    return Evidence.objects.get(pk=evidence.pk)


def recover_uploads(*, now: datetime, only: Iterable[UUID] | None = None) -> int:
    """Stores the rows of sealed files that have a journal entry.

    Returns how many; raises nothing. `only`: the ids to which it is limited.
    """
    folder = _get_journal_folder()
    recovered = 0
    paths = folder.iterdir() if only is None else (folder / str(uuid) for uuid in only)
    for entry_path in [path for path in paths if path.exists()] if folder.is_dir() else ():
        try:
            recovered += _replay_entry(entry_path, now)
        except Exception:
            log.exception("the sealed file of upload %s cannot be given to it now", entry_path.name)
    return recovered


def recover_lost_parts(*, now: datetime) -> int:
    """Stores rows whose part is missing while their file is sealed.

    These are rows without a journal entry. The sealed content must be the announced one. Returns how many.
    """
    rows = Evidence.objects.filter(state=Evidence.State.PARTIAL, size__isnull=False).exclude(sha256="")
    folder = _get_journal_folder()
    return sum(
        _is_part_missing(row.part) and not (folder / str(row.uuid)).exists() and _store_if_announced_is_sealed(row, now)
        for row in rows.only("uuid", "sha256", "size", "offset", "part").iterator()
    )


def _replay_entry(path: Path, now: datetime) -> bool:
    """Applies the journal entry of a dead process.

    It is applied only if its file is sealed. True where that changed a row.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        if not _lock_handle(handle, wait=False) or not _is_same_file(path, handle):
            return False  # its writer lives, or another process has applied the entry
        entry = _read_entry(handle)
        stored = bool(entry) and is_sealed(sha256=entry["sha256"], size=entry["size"]) and _store_row(**entry, now=now)
        path.unlink(missing_ok=True)  # if the file was not sealed, its part still exists, or it is uploaded again
        return stored
    finally:
        os.close(handle)


def _read_entry(handle: int) -> dict[str, Any]:
    """The values of an entry; empty where it is incomplete.

    An incomplete entry means that nothing was sealed after it.
    """
    with suppress(ValueError):
        entry = json.loads(os.pread(handle, MAX_ENTRY_BYTES, 0))
        if isinstance(entry, dict) and entry.keys() == {"pk", "offset", "part", "size", "sha256"}:
            return entry
    return {}


def _store_if_announced_is_sealed(evidence: Evidence, now: datetime) -> bool:
    if not evidence.sha256 or evidence.size is None or not is_sealed(sha256=evidence.sha256, size=evidence.size):
        return False
    return _store_row(
        pk=evidence.pk, offset=evidence.offset, part=evidence.part, size=evidence.size, sha256=evidence.sha256, now=now
    )


def _store_row(*, pk: int, offset: int, part: str, size: int, sha256: str, now: datetime) -> bool:
    """Marks the row as stored; False where another request changed it."""
    stored = mark_upload_stored(evidence=pk, expected=(offset, part), size=size, sha256=sha256, now=now)
    if stored:
        log.warning("evidence %d was sealed before its process died; it is stored now", pk)
        wake_after_commit("reports.process_evidence")
    return stored


def _is_part_missing(part: str) -> bool:
    return not (settings.PARTS_DIR / part).exists()


def _get_journal_folder() -> Path:
    folder: Path = settings.PARTS_DIR / JOURNAL_FOLDER
    return folder


def _open_entry_locked(path: Path) -> int:
    """Opens an entry, creating it where needed, and locks it.

    Waits for another request that is finishing the same file.
    """
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            continue
        _lock_handle(handle, wait=True)
        if _is_same_file(path, handle):
            return handle
        os.close(handle)  # the other request removed this file meanwhile, so create one that others can find


def _lock_handle(handle: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
