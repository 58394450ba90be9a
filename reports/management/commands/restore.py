from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reports.services.operations.restore import DeploymentNotEmpty, InvalidBackup, restore_backup


class Command(BaseCommand):
    help = "Brings a backup back into an empty deployment. Stop every other process of the platform first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace what is here")

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        try:
            done = restore_backup(path=file, force=force)
        except InvalidBackup as error:
            raise CommandError(f"{file} is not restored: {error}. Nothing was changed.") from None
        except DeploymentNotEmpty:
            raise CommandError("This deployment is not empty. Nothing was changed; --force replaces it.") from None
        self.stdout.write(f"The state of {done.at} is back: {done.reports} reports, {done.files} files.")
        self.stdout.write("Now run `manage.py doctor`: it says whether the keys open what was restored.")
