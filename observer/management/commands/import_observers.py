"""manage.py import_observers FILE --election SLUG"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from observer.management.imports import election_named, refusal
from observer.services.importing.observer_import import observers_import
from observer.services.spreadsheets.tables import BadTable, file_read


class Command(BaseCommand):
    help = (
        "Adds and updates observers from XLSX or CSV: name,phone,language,organisation"
        "[,code][,email][,commissions separated by ;][,role][,accreditation_number][,accredited_from][,accredited_until]. One bad line, and nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--election", metavar="SLUG", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        election, path = election_named(options["election"]), Path(options["file"])
        try:
            done = observers_import(election=election, source=file_read(path=path), file=path.name, now=timezone.now())
        except BadTable as error:
            raise refusal(error) from None
        for line, code in done.codes:
            self.stdout.write(f"line {line}: {code}")
        if done.phones:
            self.stdout.write(f"Phone replaced: {', '.join(done.phones)}")
        self.stdout.write(
            f"Observers: {done.created} new, {done.changed} changed, {done.unchanged} unchanged; {done.assigned} assigned."
        )
