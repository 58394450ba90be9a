"""manage.py relay FILE…: takes in relay files from this machine's disk."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from api.rest.relay_intake import RelayResult, receive_relay_file
from observer.services.registry.relay_keys import create_missing_relay_keys
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.whole_uploads import Spool

CHUNK_BYTES = 256 * 1024


class Command(BaseCommand):
    help = "Takes sealed files that phones saved without a network; bringing one twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--keys", action="store_true", help="give elections that have none a key for such files")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keys"]:
            for election in create_missing_relay_keys(now=timezone.now()):
                self.stdout.write(f"{election.slug}: {election.relay_key}")
        elif not options["files"]:
            raise CommandError("name the files to bring, or --keys")
        failures = 0
        for path in options["files"]:
            try:
                result = _receive_file(path)
            except (OSError, Rejected) as error:
                failures += 1
                detail = error.detail if isinstance(error, Rejected) else error.strerror
                self.stderr.write(f"{path}: {detail}")
                continue
            header = result.header
            outcomes = ", ".join(f"{n} {word}" for word, n in sorted(result.outcomes.items())) or "nothing in it"
            self.stdout.write(
                f"{path}: {header.kind}, part {header.part} of {header.parts}: {result.state}; {outcomes}"
            )
            failures += result.state == RelayFile.State.QUARANTINED
        if failures:
            raise CommandError(f"{failures} of {len(options['files'])} files were not taken")


def _receive_file(path: Path) -> RelayResult:
    with path.open("rb") as source, Spool() as spool:
        while chunk := source.read(CHUNK_BYTES):
            spool.write(chunk)
        return receive_relay_file(spool=spool, submitter=None, now=timezone.now())
