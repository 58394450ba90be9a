"""Free space where the data lie."""

import shutil
from pathlib import Path

from django.conf import settings


def disk_free() -> int:
    """Free bytes where the data lie, also before anything lies there."""
    folder = Path(settings.DATA_DIR)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
