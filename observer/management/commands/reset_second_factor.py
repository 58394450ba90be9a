"""manage.py reset_second_factor USERNAME: removes a user's second factor.

It is for a user who lost both phone and recovery codes.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from observer.models import User
from observer.services.accounts.two_factor import reset_second_factor


class Command(BaseCommand):
    help = "Takes a user's second factor away and signs them out everywhere; the next sign-in sets it up anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"no user is named {options['username']}")
        reset_second_factor(user=user, by=None, now=timezone.now())
        self.stdout.write("Done. The next sign-in asks for the password, then sets the second factor up.")
