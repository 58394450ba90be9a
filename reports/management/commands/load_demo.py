"""manage.py load_demo: loads the demonstration election once, and prints fresh access data each time."""

import secrets
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from observer.models import Election, Observer, User
from observer.services.accounts.two_factor import reset_second_factor
from observer.services.devices.enrolment import create_enrolment_code
from observer.services.registry.relay_keys import create_missing_relay_keys
from reports.management.demo.day import ElectionDay, send_reports
from reports.management.demo.desk import make_desk_decisions
from reports.management.demo.geography import build_commissions_csv
from reports.management.demo.people import FIRST_OBSERVER_CODE, create_people
from reports.management.demo.photos import Photo, add_photos, upload_photos
from reports.management.demo.releases import publish_releases
from reports.services.checklists.compiled import find_form
from reports.services.elections.packs import create_election, find_pack_folder
from reports.services.elections.registry import import_commissions
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.figures.refresh import recompute_due_summaries

ELECTION_SLUG = "kz-2022-president"
ELECTION_DATE = date(2022, 11, 20)
PREPARED_AT = datetime(2022, 11, 16, 6, tzinfo=UTC)
ELECTION_NAMES = {
    "kk": "Президент сайлауы, 2022 (көрсетілім)",
    "ru": "Выборы Президента, 2022 (демонстрация)",
    "en": "Presidential election, 2022 (demonstration)",
}
ADMIN_USERNAME = "admin"


class Command(BaseCommand):
    help = "Loads the demonstration election, unless it is there, and prints the addresses and fresh ways in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="http://127.0.0.1:8000", help="where it is served, for printing")

    def handle(self, *args: Any, **options: Any) -> None:
        user, password = prepare_admin(reset=settings.EMBEDDED)
        if Election.objects.filter(slug=ELECTION_SLUG).exists():
            process_waiting_evidence(now=timezone.now())
            create_missing_relay_keys(now=timezone.now())
        else:
            self.stdout.write("Loading the demonstration …")
            self.stdout.flush()
            load_demo_election(user=user)
        recompute_due_summaries(wait_for_others=True)
        election = Election.objects.get(slug=ELECTION_SLUG)
        if not election.releases.exists():
            publish_releases(election=election, user=user)
        self._print_access(options["address"].rstrip("/"), password)

    def _print_access(self, address: str, password: str) -> None:
        election, observer = Election.objects.get(slug=ELECTION_SLUG), Observer.objects.get(code=FIRST_OBSERVER_CODE)
        code = create_enrolment_code(observer=observer, election=election, now=timezone.now())
        shown = f"{ADMIN_USERNAME} / {password}" if password else f"{ADMIN_USERNAME}, with the password set before"
        self.stdout.write(f"Public pages    {address}/")
        self.stdout.write(f"Admin           {address}/admin/   {shown}")
        self.stdout.write(f"Enrolment code  {code}   for observer {FIRST_OBSERVER_CODE}, once, within 72 hours")
        self.stdout.write(f"Phone           {address}/phone/#enrol={code}")


def prepare_admin(*, reset: bool) -> tuple[User, str]:
    """Gets or creates the demonstration's superuser; returns it with its new password.

    The password is "" where the user keeps its own. A new one is printed on this terminal only, and stored hashed.
    """
    user, is_new = User.objects.get_or_create(
        username=ADMIN_USERNAME, defaults={"is_staff": True, "is_superuser": True, "language": "en"}
    )
    if not is_new and not reset:
        return user, ""
    password = secrets.token_urlsafe(12)
    reset_second_factor(user=user, by=None, now=timezone.now())
    user.set_password(password)
    user.save(update_fields=["password"])
    return user, password


def load_demo_election(*, user: User) -> None:
    """Creates the whole demonstration in one transaction, so that an interrupted load creates nothing."""
    with transaction.atomic():
        photos = _create_rows(user)
        upload_photos(photos=photos, user=user, now=datetime(2022, 11, 21, 4, tzinfo=UTC))


def _create_rows(user: User) -> dict[str, Photo]:
    pack = find_pack_folder("kz")
    election = create_election(
        slug=ELECTION_SLUG,
        name=ELECTION_NAMES,
        date=ELECTION_DATE,
        pack_dir=pack,
        publication=Election.Publication.LIVE,
        now=PREPARED_AT,
        user=user,
    )
    import_commissions(
        election=election, source=build_commissions_csv(pack), file="demonstration", now=PREPARED_AT, user=user
    )
    people = create_people(election=election, now=PREPARED_AT)
    forms = {
        code: form
        for code in election.checklists.values_list("code", flat=True)
        if (form := find_form(election.pk, code, 1)) is not None
    }
    reports, photos = add_photos(ElectionDay(election, people, forms).draw_reports())
    send_reports(election=election, people=people, reports=reports)
    make_desk_decisions(election_id=election.pk, user=user, now=election.closes_at + timedelta(hours=3))
    return photos
