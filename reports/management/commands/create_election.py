"""manage.py create_election SLUG --name … --date … [--pack kz | --pack DIR] [--publication …]"""

import re
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from observer.management.imports import make_command_error
from observer.models import Election
from observer.services.spreadsheets.tables import BadTable
from reports.services.elections.packs import ElectionExists, create_election, find_pack_folder


class Command(BaseCommand):
    help = "Makes an election with all that a country's pack brings: levels, violations, checklists, guide."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "--name", action="append", required=True, help='for every language, or for one: --name kk="…" --name ru="…"'
        )
        parser.add_argument("--date", required=True, help="YYYY-MM-DD")
        parser.add_argument("--pack", default="kz", help="a pack that is here (kz), or any folder of its shape")
        parser.add_argument(
            "--publication", choices=Election.Publication.values, default=Election.Publication.RELEASED.value
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            election = create_election(
                slug=options["slug"],
                name=_parse_names(options["name"]),
                date=_parse_date(options["date"]),
                pack_dir=find_pack_folder(options["pack"]),
                publication=options["publication"],
                now=timezone.now(),
            )
        except BadTable as error:
            raise make_command_error(error) from None
        except ElectionExists:
            raise CommandError(f"There is an election {options['slug']} already; nothing was changed.") from None
        except ValidationError as error:
            raise CommandError("\n".join([*error.messages, "Nothing was changed."])) from None
        counts = f"{election.levels.count()} levels, {election.checklists.count()} checklists"
        self.stdout.write(f"Election {election.slug}: {counts}, {election.violation_types.count()} violation codes.")


def _parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a date like 2022-11-20.") from None


def _parse_names(given: list[str] | str) -> str | dict[str, str]:
    """Reads one name for all languages, or a name by language."""
    listed = [given] if isinstance(given, str) else given
    parts = [re.fullmatch(r"([a-z]{2,3}(?:-\w+)?)=(.+)", one, re.DOTALL) for one in listed]
    named = {part[1]: part[2].strip() for part in parts if part}
    if len(named) == len(listed):
        return named
    if len(listed) > 1:
        raise CommandError("Give one --name, or one for each language: --name kk=… --name ru=…")
    return listed[0].strip()
