"""manage.py export_site: one release as a folder of plain files, for any web host or a memory stick."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.services.publishing.published_releases import stand_of
from reports.services.publishing.static_site import site_write


class Command(BaseCommand):
    help = "Writes a public release to a new folder as static files: every page, language, picture and data file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="is made; must not exist")
        parser.add_argument("--election", required=True)
        parser.add_argument("--release", type=int, help="its number; default: the newest")
        parser.add_argument("--without-stations", action="store_true", help="leaves out the stations' pages")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        stand = stand_of(options["election"])
        number = options["release"]
        if stand is None:
            raise CommandError("There is no such public election.")
        edition = stand.edition(number, now) if number else stand.newest(now)
        if edition is None:
            raise CommandError("There is no such public release.")
        if options["folder"].exists():
            raise CommandError(f"{options['folder']} is there already.")
        written = site_write(
            folder=options["folder"], stand=stand, edition=edition, stations=not options["without_stations"]
        )
        self.stdout.write(f"{written} files in {options['folder']}; its front page is index.html.")
