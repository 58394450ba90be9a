from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reports.services.operations.backups import write_backup


class Command(BaseCommand):
    help = "Writes database and evidence to one file, gzipped where it ends in .gz. Never the keys: keep those apart."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            done = write_backup(path=file.resolve(), now=timezone.now())
        except FileExistsError:
            raise CommandError(f"{file} exists; a backup never replaces another") from None
        except OSError as error:
            raise CommandError(f"{file} could not be written: {error}") from None
        self.stdout.write(f"{file}: {done.reports} reports, {done.files} files. The keys are not in it.")
        if done.damaged:
            raise CommandError(
                f"{len(done.damaged)} sealed files are missing or damaged on this disk: {', '.join(done.damaged[:5])}. "
                "The backup holds everything else."
            )
