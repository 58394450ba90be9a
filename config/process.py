"""What a process of the platform does before it writes its first file."""

import logging
import os
import sys

FOR_OTHERS = ("collectstatic", "makemigrations")  # commands that write what other users read


def begin() -> None:
    """From here on, what this process writes is its own user's; what libraries warn of is a line of the log."""
    if not (sys.argv[0].endswith("manage.py") and sys.argv[1:2] and sys.argv[1] in FOR_OTHERS):
        os.umask(0o077)
    logging.captureWarnings(True)
