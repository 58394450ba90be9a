"""manage.py export_site: writes one release as a folder of static files, for a web host or a memory stick."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.services.publishing.published_releases import find_published_election
from reports.services.publishing.static_site import write_site


class Command(BaseCommand):
    help = "Writes a public release to a new folder as static files: every page, language, picture and data file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="is made; must not exist")
        parser.add_argument("--election", required=True)
        parser.add_argument("--release", type=int, help="its number; default: the newest")
        parser.add_argument("--without-stations", action="store_true", help="leaves out the stations' pages")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        stand = find_published_election(options["election"])
        number = options["release"]
        if stand is None:
            raise CommandError("There is no such public election.")
        edition = stand.find_release(number, now) if number else stand.find_newest_release(now)
        if edition is None:
            raise CommandError("There is no such public release.")
        if options["folder"].exists():
            raise CommandError(f"{options['folder']} is there already.")
        written = write_site(
            folder=options["folder"], election=stand, release=edition, with_stations=not options["without_stations"]
        )
        self.stdout.write(f"{written} files in {options['folder']}; its front page is index.html.")
