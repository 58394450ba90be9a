"""The folder of uploads on their way: whether there is room in it, and what was left behind.

A part belongs to the row that names it. A process that is killed between making a part and its
row's next word leaves one that no row names; such parts are removed when they are a day old.
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
LOCK = "lock."  # how the names of lock files begin
ASK_EVERY = 1.0  # seconds between two questions to the disk; in between, what was written is counted
ABANDONED = timedelta(days=1)
SWEEP_EVERY = timedelta(hours=1)
SWEPT = f"{LOCK}swept"  # its time is when this folder was swept last
LOOK_AT = 500  # names compared with rows at once

_known: tuple[float, Path | None, int] = (float("-inf"), None, 0)  # when asked, of which folder, bytes free


def space_require(*, bytes_more: int = 0) -> None:
    """Raises Rejected `low_disk` where the disk must be kept for reports. Makes the folder if need be.

    `bytes_more` are about to be written.
    """
    global _known
    folder: Path = settings.PARTS_DIR
    asked, of, free = _known
    now = time.monotonic()
    if of != folder or now - asked > ASK_EVERY:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        asked, free = now, shutil.disk_usage(folder).free
    free -= bytes_more
    _known = asked, folder, free
    if free < settings.DISK_FREE_MIN_EVIDENCE:
        raise Rejected("low_disk", _("The server is short of disk. Files wait; reports are still taken."))


def parts_sweep(*, now: datetime) -> int:
    """Removes the parts that no row names and nobody has written to for a day; how many.

    Looks once an hour, whichever process asks, and otherwise returns 0 at once.
    """
    folder: Path = settings.PARTS_DIR
    if not folder.is_dir() or not _is_my_turn(folder / SWEPT, now):
        return 0
    before = (now - ABANDONED).timestamp()
    old: list[str] = []
    removed = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(LOCK) or not entry.is_file(follow_symlinks=False):
                continue
            try:
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    old.append(entry.name)
            except FileNotFoundError:
                continue  # sealed meanwhile
            if len(old) >= LOOK_AT:
                removed += _remove(folder, old)
                old.clear()
    removed += _remove(folder, old)
    if removed:
        log.info("removed %d abandoned parts of uploads", removed)
    return removed


def _is_my_turn(mark: Path, now: datetime) -> bool:
    try:
        if abs(now.timestamp() - mark.stat().st_mtime) < SWEEP_EVERY.total_seconds():
            return False
    except FileNotFoundError:
        mark.touch(mode=0o600)
    os.utime(mark, (now.timestamp(), now.timestamp()))
    return True


def _remove(folder: Path, names: list[str]) -> int:
    # A row cannot come to name one of these any more: it names a part within moments of its making.
    named = set(Evidence.objects.filter(part__in=names).values_list("part", flat=True)) if names else set()
    abandoned = [name for name in names if name not in named]
    for name in abandoned:
        (folder / name).unlink(missing_ok=True)
    return len(abandoned)
