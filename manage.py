#!/usr/bin/env python3
"""The command line of the platform; `manage.py help` lists the commands."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import process

    process.prepare_process()

    execute_from_command_line(sys.argv)
