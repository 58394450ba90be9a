"""manage.py import_checklist DIR|FILE.csv|FILE.xlsx --election SLUG"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from observer.management.imports import get_election, make_command_error
from observer.services.spreadsheets.tables import BadTable
from reports.services.checklists.publishing import import_checklists


class Command(BaseCommand):
    help = (
        "Publishes checklists: a folder with index.csv and a <code>.csv for each, or one <code>.csv as a new "
        "version of a checklist that the election has, or an XLSForm (its pictures and sounds in <FILE>-media). "
        "One bad line, and nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="DIR|FILE.csv|FILE.xlsx", type=Path)
        parser.add_argument("--election", metavar="SLUG", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        election = get_election(options["election"])
        try:
            done = import_checklists(election=election, path=Path(options["path"]), now=timezone.now())
        except BadTable as error:
            raise make_command_error(error) from None
        for version in done.new:
            self.stdout.write(f"{version.checklist.code}: version {version.number} published")
        for code in done.unchanged:
            self.stdout.write(f"{code}: unchanged")
