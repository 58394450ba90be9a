"""manage.py enrol OBSERVER_CODE [--election SLUG]: prints a new enrolment code.

The code is the last line of the output.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from observer.models import Election, Observer
from observer.services.devices.enrolment import create_enrolment_code
from observer.services.registry.assignments import get_elections


class Command(BaseCommand):
    help = "Prints a one-time code by which an observer's phone is enrolled; valid for 72 hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("observer", metavar="OBSERVER_CODE")
        parser.add_argument("--election", metavar="SLUG", help="needed where the observer is in several")

    def handle(self, *args: Any, **options: Any) -> None:
        observer = Observer.objects.filter(code=options["observer"]).first()
        if observer is None:
            raise CommandError(f"There is no observer {options['observer']}.")
        election = _find_election(observer, options["election"])
        self.stdout.write(create_enrolment_code(observer=observer, election=election, now=timezone.now()))


def _find_election(observer: Observer, slug: str | None) -> Election:
    """The election named by `slug`, or the only possible one.

    Raises CommandError.
    """
    own_elections = list(get_elections(observer=observer).order_by("slug"))
    # An observer who takes part in no election yet can be enrolled in any.
    found = own_elections or list(Election.objects.order_by("slug"))
    if not found:
        raise CommandError("There is no election yet: create_election makes one.")
    slugs = ", ".join(election.slug for election in found)
    if slug:
        for election in found:
            if election.slug == slug:
                return election
        if not Election.objects.filter(slug=slug).exists():
            raise CommandError(f"There is no election {slug}.")
        raise CommandError(
            f"{observer.code} takes no part in {slug}, but in {slugs}. "
            "Import them for it, or send them somewhere in it, first."
        )
    if len(found) > 1:
        raise CommandError(f"{observer.code} could be enrolled in several elections: say --election, one of {slugs}.")
    return found[0]
