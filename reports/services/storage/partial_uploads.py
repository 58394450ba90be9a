"""The folder of unfinished uploads: free space, and deleting abandoned parts.

A part belongs to the row that names it. A process that is killed after it made a part and before
its row names it leaves a part that no row names. Such parts are deleted when they are a day old.
"""

import logging
import os
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from reports.models import Evidence
from reports.problems import Rejected

log = logging.getLogger("baqylau.evidence")
LOCK_FILE_PREFIX = "lock."
DISK_CHECK_SECONDS = 1.0  # between two checks of the disk; in between, the bytes written are subtracted
ABANDONED_AFTER = timedelta(days=1)
SWEEP_INTERVAL = timedelta(hours=1)
SWEEP_MARK_FILE = f"{LOCK_FILE_PREFIX}swept"  # its modification time is that of the last sweep
MAX_NAMES_PER_QUERY = 500

_last_disk_check: tuple[float, Path | None, int] = (float("-inf"), None, 0)  # when, which folder, free bytes


def require_free_space(*, bytes_to_write: int = 0) -> None:
    """Raises Rejected `low_disk` where the free disk space is reserved for reports.

    Creates the folder if it is missing. `bytes_to_write` are about to be written.
    """
    global _last_disk_check
    folder: Path = settings.PARTS_DIR
    checked_at, checked_folder, free = _last_disk_check
    now = time.monotonic()
    if checked_folder != folder or now - checked_at > DISK_CHECK_SECONDS:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        checked_at, free = now, shutil.disk_usage(folder).free
    free -= bytes_to_write
    _last_disk_check = checked_at, folder, free
    if free < settings.DISK_FREE_MIN_EVIDENCE:
        raise Rejected("low_disk", _("The server is short of disk. Files wait; reports are still taken."))


def delete_abandoned_parts(*, now: datetime) -> int:
    """Deletes abandoned parts; returns how many.

    These are parts that no row names and that were not written to for a day. Sweeps once an hour among
    all processes; at any other time it returns 0 at once.
    """
    folder: Path = settings.PARTS_DIR
    if not folder.is_dir() or not _claim_sweep(folder / SWEEP_MARK_FILE, now):
        return 0
    abandoned_before = (now - ABANDONED_AFTER).timestamp()
    old: list[str] = []
    deleted = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(LOCK_FILE_PREFIX) or not entry.is_file(follow_symlinks=False):
                continue
            try:
                if entry.stat(follow_symlinks=False).st_mtime < abandoned_before:
                    old.append(entry.name)
            except FileNotFoundError:
                continue  # sealed in the meantime
            if len(old) >= MAX_NAMES_PER_QUERY:
                deleted += _delete_unreferenced(folder, old)
                old.clear()
    deleted += _delete_unreferenced(folder, old)
    if deleted:
        log.info("removed %d abandoned parts of uploads", deleted)
    return deleted


def _claim_sweep(mark: Path, now: datetime) -> bool:
    """Whether the last sweep was more than an hour ago.

    Then the mark file gets the time `now`, so that no other process sweeps too.
    """
    try:
        if abs(now.timestamp() - mark.stat().st_mtime) < SWEEP_INTERVAL.total_seconds():
            return False
    except FileNotFoundError:
        mark.touch(mode=0o600)
    os.utime(mark, (now.timestamp(), now.timestamp()))
    return True


def _delete_unreferenced(folder: Path, names: list[str]) -> int:
    """Deletes those of these parts that no row names; returns how many."""
    # No row can start to name one of these: a row names its part at once after the part is made.
    named = set(Evidence.objects.filter(part__in=names).values_list("part", flat=True)) if names else set()
    abandoned = [name for name in names if name not in named]
    for name in abandoned:
        (folder / name).unlink(missing_ok=True)
    return len(abandoned)
