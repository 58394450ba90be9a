"""Limits on guessing passwords and sign-in codes.

The guesses are counted in the database, because a lost cache must not remove the limit.
A guess is counted before it is checked, so that a hundred simultaneous guesses count as a hundred. A correct guess
is not counted. The limit for one account at one address always applies. The limits for the account and for
the address do not apply to a user who signed in from that address during the last KNOWN_ADDRESS_PERIOD:
the mistakes of others, in the same office or elsewhere, do not lock them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from observer import crypto
from observer.models import SignIn, User, WrongGuess

PASSWORD_WINDOW = timedelta(minutes=15)
KNOWN_ADDRESS_PERIOD = timedelta(days=30)
MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS = 10
MAX_GUESSES_PER_ACCOUNT = 40
MAX_GUESSES_PER_ADDRESS = 200
CODE_WINDOW = timedelta(hours=1)
MAX_CODE_GUESSES = 20


@dataclass(frozen=True, slots=True)
class Guess:
    """A counted guess.

    `allowed`: whether the guess may be checked. `rows`: keys of the counted rows, to delete if the guess is correct.
    """

    allowed: bool
    rows: tuple[int, ...]


def record_password_guess(*, username: str, address: str, now: datetime) -> Guess:
    """Counts a try of a password for a user name.

    `address` is the client's IP address.
    """
    account = crypto.compute_lookup("guess", username)[:32]
    limits = [(f"pair:{account}:{address}", MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS)]
    if not _is_known_address(username, address, now):
        limits += [(f"account:{account}", MAX_GUESSES_PER_ACCOUNT), (f"address:{address}", MAX_GUESSES_PER_ADDRESS)]
    return _record_guess(limits, now, PASSWORD_WINDOW)


def record_code_guess(*, user: User, now: datetime) -> Guess:
    """Counts a try of a code after a correct password."""
    return _record_guess([(f"code:{user.pk}", MAX_CODE_GUESSES)], now, CODE_WINDOW)


def clear_guess(*, guess: Guess) -> None:
    """Removes a correct guess from the count."""
    WrongGuess.objects.filter(pk__in=guess.rows).delete()


def _record_guess(limits: Sequence[tuple[str, int]], now: datetime, window: timedelta) -> Guess:
    WrongGuess.objects.filter(at__lt=now - timedelta(days=1)).delete()
    rows = [WrongGuess.objects.create(key=key, at=now) for key, _limit in limits]
    allowed = all(WrongGuess.objects.filter(key=key, at__gt=now - window).count() <= limit for key, limit in limits)
    return Guess(allowed, tuple(row.pk for row in rows))


def _is_known_address(username: str, address: str, now: datetime) -> bool:
    return SignIn.objects.filter(
        user__username__iexact=username, address=address or None, at__gt=now - KNOWN_ADDRESS_PERIOD
    ).exists()
