"""Helpers for import commands: finding the election, reporting bad lines."""

from django.core.management.base import CommandError

from observer.models import Election
from observer.services.spreadsheets.tables import BadTable


def get_election(slug: str) -> Election:
    """The election with this slug. Raises CommandError."""
    election = Election.objects.filter(slug=slug).first()
    if election is None:
        raise CommandError(f"There is no election {slug}.")
    return election


def make_command_error(error: BadTable) -> CommandError:
    """An error that lists every bad line with its reason.

    At the end it says that nothing was changed.
    """
    count = len(error.lines)
    total = "1 problem" if count == 1 else f"{count} problems"
    return CommandError("\n".join([*map(str, error.lines), f"{total}; nothing was changed."]))
