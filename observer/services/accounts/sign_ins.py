"""Recording, checking and ending the sign-ins of users."""

from datetime import datetime, timedelta

from django.db import transaction

from observer.models import SignIn, User
from observer.services.trail import add_trail_entry

SEEN_AT_INTERVAL = timedelta(minutes=5)


def record_sign_in(*, user: User, address: str, browser: str, by_second_factor: bool, now: datetime) -> SignIn:
    """Records a sign-in, with an entry in the trail."""
    with transaction.atomic():
        row = SignIn.objects.create(
            user=user,
            at=now,
            seen_at=now,
            address=address or None,
            browser=browser[:200],
            by_second_factor=by_second_factor,
        )
        add_trail_entry(
            action="user.sign_in",
            subject=user,
            user=user,
            now=now,
            detail={"second_factor": by_second_factor},
        )
    return row


def find_live_sign_in(*, user: User, pk: int, now: datetime) -> SignIn | None:
    """The user's sign-in with this key, if it was not ended.

    Its `seen_at` is updated at most every SEEN_AT_INTERVAL.
    """
    row = SignIn.objects.filter(pk=pk, user=user, ended_at=None).first()
    if row is not None and row.seen_at < now - SEEN_AT_INTERVAL:
        SignIn.objects.filter(pk=pk).update(seen_at=now)
    return row


def end_sign_ins(*, user: User, by: User | None, now: datetime, only: int | None = None) -> int:
    """Ends all sign-ins of a user, or one.

    `only` is the key of that one. Returns how many were ended.
    """
    rows = SignIn.objects.filter(user=user, ended_at=None)
    if only is not None:
        rows = rows.filter(pk=only)
    with transaction.atomic():
        ended = rows.update(ended_at=now)
        if ended:
            add_trail_entry(action="user.sign_out", subject=user, user=by, now=now, detail={"number": ended})
    return ended
