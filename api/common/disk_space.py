"""Check for free disk space before a report is taken.

The disk is asked at most every few seconds.
"""

import shutil
import time

from django.conf import settings
from django.utils.translation import gettext as _

from reports.problems import Rejected

CHECK_INTERVAL_SECONDS = 3.0
_last_check: tuple[float, bool] = (float("-inf"), True)


def require_disk_space() -> None:
    """Raises Rejected `low_disk` where a report might not fit any more."""
    global _last_check
    now = time.monotonic()
    if now - _last_check[0] > CHECK_INTERVAL_SECONDS:
        try:
            free = shutil.disk_usage(settings.DATA_DIR).free
        except OSError:  # the folder is not there yet: the database is on another machine
            free = settings.DISK_FREE_MIN_REPORTS
        _last_check = now, free >= settings.DISK_FREE_MIN_REPORTS
    if not _last_check[1]:
        raise Rejected("low_disk", _("The server is short of disk. Keep the report and send it again later."))


def clear_cache() -> None:
    """Makes the next call ask the disk again; for tests."""
    global _last_check
    _last_check = (float("-inf"), True)
