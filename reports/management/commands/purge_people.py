"""manage.py purge_people ELECTION: deletes the personal data of a closed election for good."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from observer.models import Election
from reports.services.operations.purge import ElectionNotClosed, count_purge, purge_people


class Command(BaseCommand):
    help = "Makes names, phones, e-mails and received bodies of a closed election unreadable for good; figures stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("election")
        parser.add_argument("--confirm", default="", metavar="ELECTION", help="its slug again: without it, a dry run")

    def handle(self, *args: Any, **options: Any) -> None:
        election = Election.objects.filter(slug=options["election"]).first()
        if election is None:
            raise CommandError(f"there is no election {options['election']}")
        if options["confirm"] != election.slug:
            self._print_counts(asdict(count_purge(election=election)))
            self.stdout.write(
                f"Nothing was done. To do it, for good: purge_people {election.slug} --confirm {election.slug}"
            )
            return
        try:
            done = purge_people(election=election, user=None, now=timezone.now())
        except ElectionNotClosed:
            raise CommandError("the election is not closed: set its state to closed, after its window") from None
        self._print_counts(asdict(done))
        self.stdout.write(
            "Done. Backups from before still hold it: delete them, or destroy the FIELD_KEYS of that time."
        )

    def _print_counts(self, numbers: dict[str, int]) -> None:
        for name, number in numbers.items():
            self.stdout.write(f"{name.replace('_', ' '):16} {number}")
