"""manage.py import_observers FILE --election SLUG: imports observers from XLSX or CSV."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from observer.management.imports import get_election, make_command_error
from observer.services.importing.observer_import import import_observers
from observer.services.spreadsheets.tables import BadTable, read_file


class Command(BaseCommand):
    help = (
        "Adds and updates observers from XLSX or CSV: name,phone,language,organisation"
        "[,code][,email][,commissions separated by ;][,role][,accreditation_number][,accredited_from][,accredited_until]. One bad line, and nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--election", metavar="SLUG", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        election, path = get_election(options["election"]), Path(options["file"])
        try:
            result = import_observers(
                election=election, source=read_file(path=path), file=path.name, now=timezone.now()
            )
        except BadTable as error:
            raise make_command_error(error) from None
        for line, code in result.codes:
            self.stdout.write(f"line {line}: {code}")
        if result.phones:
            self.stdout.write(f"Phone replaced: {', '.join(result.phones)}")
        self.stdout.write(
            f"Observers: {result.created} new, {result.changed} changed, {result.unchanged} unchanged; "
            f"{result.assigned} assigned."
        )
