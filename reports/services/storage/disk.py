"""Free space on the data disk."""

import shutil
from pathlib import Path

from django.conf import settings


def get_free_disk_bytes() -> int:
    """Returns the free bytes on the disk of `DATA_DIR`.

    Where the folder does not exist yet, its nearest existing parent is measured.
    """
    folder = Path(settings.DATA_DIR)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
