"""What every process of the platform does first."""

import logging
import os
import sys

SHARED_OUTPUT_COMMANDS = ("collectstatic", "makemigrations")  # other users read what these write


def prepare_process() -> None:
    """Makes new files readable by their owner only, and logs Python's warnings.

    Commands whose output other users read keep the usual permissions. Call it before the process writes its first
    file.
    """
    if not (sys.argv[0].endswith("manage.py") and sys.argv[1:2] and sys.argv[1] in SHARED_OUTPUT_COMMANDS):
        os.umask(0o077)
    logging.captureWarnings(True)
