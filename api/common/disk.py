"""Whether there is room for a report, asked of the disk at most once in a few seconds."""

import shutil
import time

from django.conf import settings
from django.utils.translation import gettext as _

from reports.problems import Rejected

ASK_EVERY = 3.0  # seconds
_last: tuple[float, bool] = (float("-inf"), True)


def room_require() -> None:
    """Raises Rejected `low_disk` where a report might not fit any more."""
    global _last
    now = time.monotonic()
    if now - _last[0] > ASK_EVERY:
        try:
            free = shutil.disk_usage(settings.DATA_DIR).free
        except OSError:  # no such folder yet: a database elsewhere
            free = settings.DISK_FREE_MIN_REPORTS
        _last = now, free >= settings.DISK_FREE_MIN_REPORTS
    if not _last[1]:
        raise Rejected("low_disk", _("The server is short of disk. Keep the report and send it again later."))


def forget() -> None:
    """Asks anew next time; for tests."""
    global _last
    _last = (float("-inf"), True)
