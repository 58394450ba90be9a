"""How often a password or a code may be guessed. In the database: a lost cache must not open the door.

A guess is noted before it is looked at, so that a hundred at once are counted as a hundred; a right one is
struck out. One colleague's mistakes stop that colleague at that address only: somebody who signed in from
there of late is stopped by nobody else's, whether from the same office or from all over the world.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from observer import crypto
from observer.models import SignIn, User, WrongGuess

WINDOW = timedelta(minutes=15)
KNOWN = timedelta(days=30)
PAIR, ACCOUNT, ADDRESS = 10, 40, 200
CODES, CODES_WINDOW = 20, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Guess:
    """`allowed`: whether it may be looked at at all. `rows`: what to strike out when it was right."""

    allowed: bool
    rows: tuple[int, ...]


def password_guess(*, username: str, address: str, now: datetime) -> Guess:
    """Notes that someone tries a password for this name from this address."""
    account = crypto.lookup("guess", username)[:32]
    limits = [(f"pair:{account}:{address}", PAIR)]
    if not _is_known(username, address, now):
        limits += [(f"account:{account}", ACCOUNT), (f"address:{address}", ADDRESS)]
    return _note(limits, now, WINDOW)


def code_guess(*, user: User, now: datetime) -> Guess:
    """Notes that someone who knows the password tries a code."""
    return _note([(f"code:{user.pk}", CODES)], now, CODES_WINDOW)


def guess_right(*, guess: Guess) -> None:
    WrongGuess.objects.filter(pk__in=guess.rows).delete()


def _note(limits: Sequence[tuple[str, int]], now: datetime, window: timedelta) -> Guess:
    WrongGuess.objects.filter(at__lt=now - timedelta(days=1)).delete()
    rows = [WrongGuess.objects.create(key=key, at=now) for key, _limit in limits]
    allowed = all(WrongGuess.objects.filter(key=key, at__gt=now - window).count() <= limit for key, limit in limits)
    return Guess(allowed, tuple(row.pk for row in rows))


def _is_known(username: str, address: str, now: datetime) -> bool:
    return SignIn.objects.filter(user__username__iexact=username, address=address or None, at__gt=now - KNOWN).exists()
