"""manage.py export_checklist CODE FILE.xlsx --election SLUG"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observer.management.imports import get_election
from reports.models import ChecklistVersion
from reports.services.checklists.xlsform.write import write_xlsform


class Command(BaseCommand):
    help = "Writes a checklist's version in force as an XLSForm, and what it shows to FILE-media beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("path", metavar="FILE.xlsx", type=Path)
        parser.add_argument("--election", metavar="SLUG", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        election = get_election(options["election"])
        versions = ChecklistVersion.objects.filter(
            checklist__election=election, checklist__code=options["code"], published_at__isnull=False
        )
        version = versions.select_related("checklist").order_by("number").last()
        if version is None:
            raise CommandError(f"The election has no published checklist {options['code']}.")
        path: Path = options["path"]
        path.write_bytes(write_xlsform(version=version, election=election))
        folder = path.with_name(f"{path.stem}-media")
        for file in version.files.all():
            folder.mkdir(exist_ok=True)
            (folder / file.name).write_bytes(bytes(file.content))
        self.stdout.write(f"{version.checklist.code}: version {version.number} written to {path}")
