"""manage.py enrol OBSERVER_CODE [--election SLUG]: prints a fresh enrolment code, and nothing after it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from observer.models import Election, Observer
from observer.services.assignments import elections_of
from observer.services.enrolment import enrolment_create


class Command(BaseCommand):
    help = "Prints a one-time code by which an observer's phone is enrolled; valid for 72 hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("observer", metavar="OBSERVER_CODE")
        parser.add_argument("--election", metavar="SLUG", help="needed where the observer is in several")

    def handle(self, *args: Any, **options: Any) -> None:
        observer = Observer.objects.filter(code=options["observer"]).first()
        if observer is None:
            raise CommandError(f"There is no observer {options['observer']}.")
        election = _election(observer, options["election"])
        self.stdout.write(enrolment_create(observer=observer, election=election, at=timezone.now()))


def _election(observer: Observer, slug: str | None) -> Election:
    if slug:
        found = list(Election.objects.filter(slug=slug))
        if not found:
            raise CommandError(f"There is no election {slug}.")
        return found[0]
    # An observer who was sent nowhere yet may still be meant for the one election there is.
    found = list(elections_of(observer=observer).order_by("slug")) or list(Election.objects.order_by("slug"))
    if not found:
        raise CommandError("There is no election yet: create_election makes one.")
    if len(found) > 1:
        slugs = ", ".join(election.slug for election in found)
        raise CommandError(f"{observer.code} could be enrolled in several elections: say --election, one of {slugs}.")
    return found[0]
