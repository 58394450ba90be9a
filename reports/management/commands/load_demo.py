"""manage.py load_demo: the demonstration election, once; and ways in, afresh each time."""

import secrets
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from observer.models import Election, Observer, User
from observer.services.accounts.two_factor import second_factor_reset
from observer.services.devices.enrolment import enrolment_create
from observer.services.registry.relay_keys import relay_keys_complete
from reports.management.demo.day import Day, day_send
from reports.management.demo.desk import desk_decide
from reports.management.demo.geography import commissions_csv
from reports.management.demo.people import FIRST, people_create
from reports.management.demo.photos import Photo, photos_add, photos_upload
from reports.management.demo.releases import releases_publish
from reports.services.checklists.compiled import form_named
from reports.services.elections.packs import election_create, pack_folder
from reports.services.elections.registry import commissions_import
from reports.services.evidence.processing import evidence_process_due
from reports.services.figures.refresh import summaries_refresh

SLUG = "kz-2022-president"
DAY = date(2022, 11, 20)
PREPARED = datetime(2022, 11, 16, 6, tzinfo=UTC)
NAMES = {
    "kk": "Президент сайлауы, 2022 (көрсетілім)",
    "ru": "Выборы Президента, 2022 (демонстрация)",
    "en": "Presidential election, 2022 (demonstration)",
}
ADMIN = "admin"


class Command(BaseCommand):
    help = "Loads the demonstration election, unless it is there, and prints the addresses and fresh ways in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="http://127.0.0.1:8000", help="where it is served, for printing")

    def handle(self, *args: Any, **options: Any) -> None:
        user, password = admin_ready(reset=settings.EMBEDDED)
        if Election.objects.filter(slug=SLUG).exists():
            evidence_process_due(now=timezone.now())
            relay_keys_complete(now=timezone.now())
        else:
            self.stdout.write("Loading the demonstration …")
            self.stdout.flush()
            demo_load(user=user)
        summaries_refresh(patient=True)
        election = Election.objects.get(slug=SLUG)
        if not election.releases.exists():
            releases_publish(election=election, user=user)
        self._tell(options["address"].rstrip("/"), password)

    def _tell(self, address: str, password: str) -> None:
        election, observer = Election.objects.get(slug=SLUG), Observer.objects.get(code=FIRST)
        code = enrolment_create(observer=observer, election=election, now=timezone.now())
        shown = f"{ADMIN} / {password}" if password else f"{ADMIN}, with the password set before"
        self.stdout.write(f"Public pages    {address}/")
        self.stdout.write(f"Admin           {address}/admin/   {shown}")
        self.stdout.write(f"Enrolment code  {code}   for observer {FIRST}, once, within 72 hours")
        self.stdout.write(f"Phone           {address}/phone/#enrol={code}")


def admin_ready(*, reset: bool) -> tuple[User, str]:
    """The demonstration's superuser, and the password given to it now, or "" where it keeps its own.

    The password is known to whoever reads this terminal, and kept nowhere but hashed.
    """
    user, made = User.objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True, "language": "en"}
    )
    if not made and not reset:
        return user, ""
    password = secrets.token_urlsafe(12)
    second_factor_reset(user=user, by=None, now=timezone.now())
    user.set_password(password)
    user.save(update_fields=["password"])
    return user, password


def demo_load(*, user: User) -> None:
    """Makes everything in one transaction, so that a load that breaks off has made nothing."""
    with transaction.atomic():
        photos = _rows(user)
        photos_upload(photos=photos, user=user, now=datetime(2022, 11, 21, 4, tzinfo=UTC))


def _rows(user: User) -> dict[str, Photo]:
    pack = pack_folder("kz")
    election = election_create(
        slug=SLUG, name=NAMES, date=DAY, pack_dir=pack, publication=Election.Publication.LIVE, now=PREPARED, user=user
    )
    commissions_import(election=election, source=commissions_csv(pack), file="demonstration", now=PREPARED, user=user)
    people = people_create(election=election, now=PREPARED)
    forms = {
        code: form
        for code in election.checklists.values_list("code", flat=True)
        if (form := form_named(election.pk, code, 1)) is not None
    }
    reports, photos = photos_add(Day(election, people, forms).told())
    day_send(election=election, people=people, reports=reports)
    desk_decide(election_id=election.pk, user=user, now=election.closes_at + timedelta(hours=3))
    return photos
