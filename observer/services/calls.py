"""The call log: calls to observers and their outcomes.

It also has the times when to call again.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from observer.models import Call, Commission, Election, Observer, User
from observer.services.accounts.disclosure_log import check_disclosure_rate
from observer.services.trail import add_trail_entry

CALL_OPEN_PERIOD = timedelta(minutes=15)  # showing the number again within this time is the same call
MAX_NOTE_CHARACTERS = 4_000
MAX_LISTED_CALLS = 200  # about one commission


class AlreadyRecorded(Exception):
    """Another outcome of this call was recorded before."""


def begin_call(*, observer: Observer, commission: Commission, user: User, now: datetime) -> Call:
    """Records that the user is shown an observer's number to call.

    The caller of this function may show them to the user. An entry goes to the trail.
    Within CALL_OPEN_PERIOD, and as long as no outcome is recorded, the same call is returned again.
    """
    with transaction.atomic():
        # The lock on the observer makes a double click one call.
        Observer.objects.select_for_update(no_key=True).only("pk").get(pk=observer.pk)
        open_call = Call.objects.filter(
            observer=observer,
            commission=commission,
            user=user,
            outcome=Call.Outcome.SHOWN,
            at__gt=now - CALL_OPEN_PERIOD,
        ).first()
        if open_call is not None:
            return open_call
        call = Call.objects.create(
            election_id=commission.election_id, commission=commission, observer=observer, user=user, at=now
        )
        detail = {"commission": commission.code, "fields": ["name", "phone"]}
        add_trail_entry(
            action="observer.call", subject=observer, now=now, user=user, detail=detail, election=commission.election_id
        )
        check_disclosure_rate(user=user, election=commission.election, now=now)
    return call


def record_call_outcome(
    *, call: Call, outcome: str, now: datetime, said: str = "", call_again_at: datetime | None = None
) -> None:
    """Records the outcome of a call.

    `said` is what the observer said. The same outcome again changes nothing; another one raises AlreadyRecorded.
    An unknown outcome raises ValueError.
    """
    if outcome not in Call.Outcome.values or outcome == Call.Outcome.SHOWN:
        raise ValueError(outcome)
    said = said.strip()[:MAX_NOTE_CHARACTERS]
    with transaction.atomic():
        row = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
        if row.outcome != Call.Outcome.SHOWN:
            if (row.outcome, row.said, row.call_again_at) != (outcome, said, call_again_at):
                raise AlreadyRecorded
            return
        row.outcome, row.said, row.call_again_at, row.recorded_at = outcome, said, call_again_at, now
        row.save(update_fields=["outcome", "said", "call_again_at", "recorded_at"])
        detail = {"outcome": outcome, "call": row.pk}
        add_trail_entry(
            action="observer.called",
            subject=f"observer:{row.observer_id}",
            now=now,
            user=row.user,
            detail=detail,
            election=row.election_id,
        )


def get_calls(*, commission: Commission, observers: Collection[int]) -> QuerySet[Call]:
    """The calls to these observers about this commission, newest first.

    User and observer are loaded.
    """
    rows = Call.objects.filter(commission=commission, observer__in=observers)
    return rows.select_related("user", "observer").defer("observer__name", "observer__phone")[:MAX_LISTED_CALLS]


def load_latest_calls(*, election: Election, observers: Collection[int]) -> dict[int, Call]:
    """The last call to each of these observers, by observer key.

    The call's user is loaded.
    """
    rows = Call.objects.filter(election=election, observer__in=observers).select_related("user").defer("said")
    return {call.observer_id: call for call in rows.order_by("at", "pk")}


def find_open_call(*, user: User, commission: Commission, now: datetime) -> Call | None:
    """The user's call about this commission without an outcome.

    Its observer is loaded.
    """
    rows = Call.objects.filter(
        user=user, commission=commission, outcome=Call.Outcome.SHOWN, at__gt=now - CALL_OPEN_PERIOD
    )
    return rows.select_related("observer").first()


def get_due_calls(*, commission: Commission, now: datetime) -> QuerySet[Call]:
    """The calls in this territory that are due again, earliest first.

    Left out are those after which somebody called the observer again.
    """
    later_calls = Call.objects.filter(observer=OuterRef("observer"), at__gt=OuterRef("at"))
    return (
        Call.objects.filter(election=commission.election_id, call_again_at__lte=now)
        .filter(commission__path__startswith=commission.path)
        .exclude(Exists(later_calls))
        .select_related("commission", "observer", "user")
        .order_by("call_again_at", "pk")
    )
