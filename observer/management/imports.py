"""What import commands share: finding the election, and telling of bad lines."""

from django.core.management.base import CommandError

from observer.models import Election
from observer.services.spreadsheets.tables import BadTable


def election_named(slug: str) -> Election:
    election = Election.objects.filter(slug=slug).first()
    if election is None:
        raise CommandError(f"There is no election {slug}.")
    return election


def refusal(error: BadTable) -> CommandError:
    """Every bad line with its number and reason; the promise that nothing was changed last."""
    count = len(error.lines)
    total = "1 problem" if count == 1 else f"{count} problems"
    return CommandError("\n".join([*map(str, error.lines), f"{total}; nothing was changed."]))
