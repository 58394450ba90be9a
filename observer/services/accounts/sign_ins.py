"""Where someone is signed in: noted, shown, ended."""

from datetime import datetime, timedelta

from django.db import transaction

from observer.models import SignIn, User
from observer.services.trail import trail_add

SEEN = timedelta(minutes=5)


def sign_in_add(*, user: User, address: str, browser: str, by_second_factor: bool, now: datetime) -> SignIn:
    with transaction.atomic():
        row = SignIn.objects.create(
            user=user,
            at=now,
            seen_at=now,
            address=address or None,
            browser=browser[:200],
            by_second_factor=by_second_factor,
        )
        trail_add(
            action="user.sign_in",
            subject=user,
            user=user,
            now=now,
            detail={"second_factor": by_second_factor},
        )
    return row


def sign_in_live(*, user: User, pk: int, now: datetime) -> SignIn | None:
    """The sign-in if it is this user's and was not ended; noted as seen from time to time."""
    row = SignIn.objects.filter(pk=pk, user=user, ended_at=None).first()
    if row is not None and row.seen_at < now - SEEN:
        SignIn.objects.filter(pk=pk).update(seen_at=now)
    return row


def sign_ins_end(*, user: User, by: User | None, now: datetime, only: int | None = None) -> int:
    """Ends one of a user's sign-ins, or all. How many were ended."""
    rows = SignIn.objects.filter(user=user, ended_at=None)
    if only is not None:
        rows = rows.filter(pk=only)
    with transaction.atomic():
        ended = rows.update(ended_at=now)
        if ended:
            trail_add(action="user.sign_out", subject=user, user=by, now=now, detail={"number": ended})
    return ended
