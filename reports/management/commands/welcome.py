import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from observer.models import Commission, Election, Observer, User
from observer.services.enrolment import enrolment_create

NAME = "admin"


class Command(BaseCommand):
    help = "Prepares the demonstration and says where it is; `make run` calls it before it serves."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("the demonstration runs on SQLite; for a full deployment see docs/operations.md")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_demo")
        address = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
        election = Election.objects.filter(publication=Election.Publication.LIVE).order_by("pk").first()
        if election is None:
            raise CommandError("there is no election whose figures are public")
        root = Commission.objects.get(election=election, depth=0)
        page = reverse("pages:commission", args=("en", election.slug, root.code))
        observer = Observer.objects.filter(assignments__election=election).order_by("code").first()
        if observer is None:
            raise CommandError("the demonstration has no observer")
        code = enrolment_create(observer=observer, election=election, at=timezone.now())
        station = Commission.objects.filter(assignments__observers=observer, election=election).first()
        self.stdout.write(
            f"\n  Public       {address}{page}"
            f"\n  Admin        {address}{reverse('admin:index')}   {NAME} / {self._password()}"
            f"\n  Enrolment    {code}   for {observer.code}{f' at {station.code}' if station else ''}"
            f"\n\n  Ctrl-C ends it. The data are in {settings.DATA_DIR}, the keys in {settings.KEYS_DIR}.\n"
        )

    def _password(self) -> str:
        """The administrator's password: made once, kept beside the keys so that every start can say it."""
        path = Path(settings.KEYS_DIR) / "demo_admin_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(12))
        password = path.read_text().strip()
        user = User.objects.filter(username=NAME).first() or User(username=NAME)
        if not (user.is_superuser and user.check_password(password)):
            user.is_staff = user.is_superuser = user.is_active = True
            user.set_password(password)
            user.save()
        return password
