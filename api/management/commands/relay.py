"""manage.py relay FILE…: files that a phone saved, brought in from this machine's disk."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from api.rest.relaying import Brought, file_bring
from observer.services.registry.relay_keys import relay_keys_complete
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.whole_uploads import Spool

PIECE = 256 * 1024


class Command(BaseCommand):
    help = "Takes sealed files that phones saved without a network; bringing one twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--keys", action="store_true", help="give elections that have none a key for such files")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keys"]:
            for election in relay_keys_complete(now=timezone.now()):
                self.stdout.write(f"{election.slug}: {election.relay_key}")
        elif not options["files"]:
            raise CommandError("name the files to bring, or --keys")
        bad = 0
        for path in options["files"]:
            try:
                brought = _bring(path)
            except (OSError, Rejected) as error:
                bad += 1
                words = error.detail if isinstance(error, Rejected) else error.strerror
                self.stderr.write(f"{path}: {words}")
                continue
            header = brought.header
            found = ", ".join(f"{n} {word}" for word, n in sorted(brought.outcomes.items())) or "nothing in it"
            self.stdout.write(f"{path}: {header.kind}, part {header.part} of {header.parts}: {brought.state}; {found}")
            bad += brought.state == RelayFile.State.QUARANTINED
        if bad:
            raise CommandError(f"{bad} of {len(options['files'])} files were not taken")


def _bring(path: Path) -> Brought:
    with path.open("rb") as source, Spool() as spool:
        while piece := source.read(PIECE):
            spool.write(piece)
        return file_bring(spool=spool, bringer=None, now=timezone.now())
