"""manage.py import_commissions FILE --election SLUG"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from observer.management.imports import get_election, make_command_error
from observer.services.spreadsheets.tables import BadTable, read_file
from reports.services.elections.registry import import_commissions


class Command(BaseCommand):
    help = (
        "Adds and updates commissions from XLSX or CSV: code,parent,level,name_<lang>… "
        "[,address,lat,lon,voters,type,timezone,external_id]. Rows in any order; one bad line, and nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--election", metavar="SLUG", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        election, path = get_election(options["election"]), Path(options["file"])
        try:
            done = import_commissions(
                election=election, source=read_file(path=path), file=path.name, now=timezone.now()
            )
        except BadTable as error:
            raise make_command_error(error) from None
        self.stdout.write(f"Commissions: {done.created} new, {done.changed} changed, {done.unchanged} unchanged.")
