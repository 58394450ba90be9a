"""The call log: whose number was taken by whom, whether they were reached, what they said, when to call again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from observer.models import Call, Commission, Election, Observer, User
from observer.services.accounts.disclosure_log import sights_watch
from observer.services.trail import trail_add

OPEN_FOR = timedelta(minutes=15)  # a number that is shown again meanwhile is the same call
SAID_MAX = 4_000
KEPT = 200  # calls about one place that are listed


class Recorded(Exception):
    """What came of this call was written down before, and otherwise."""


def call_begin(*, observer: Observer, commission: Commission, user: User, now: datetime) -> Call:
    """Shows the number: whoever does this may see `observer.name` and `observer.phone`, and is on record for it.

    Looking again within a quarter of an hour, before saying what came of it, is the same call.
    """
    with transaction.atomic():
        # One at a time for a person, so that a double click is one call.
        Observer.objects.select_for_update(no_key=True).only("pk").get(pk=observer.pk)
        going_on = Call.objects.filter(
            observer=observer, commission=commission, user=user, outcome=Call.Outcome.SHOWN, at__gt=now - OPEN_FOR
        ).first()
        if going_on is not None:
            return going_on
        call = Call.objects.create(
            election_id=commission.election_id, commission=commission, observer=observer, user=user, at=now
        )
        detail = {"commission": commission.code, "fields": ["name", "phone"]}
        trail_add(
            action="observer.call", subject=observer, now=now, user=user, detail=detail, election=commission.election_id
        )
        sights_watch(user=user, election=commission.election, now=now)
    return call


def call_record(
    *, call: Call, outcome: str, now: datetime, said: str = "", call_again_at: datetime | None = None
) -> None:
    """Writes down what came of a call. The same again changes nothing; another word raises Recorded."""
    if outcome not in Call.Outcome.values or outcome == Call.Outcome.SHOWN:
        raise ValueError(outcome)
    said = said.strip()[:SAID_MAX]
    with transaction.atomic():
        row = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
        if row.outcome != Call.Outcome.SHOWN:
            if (row.outcome, row.said, row.call_again_at) != (outcome, said, call_again_at):
                raise Recorded
            return
        row.outcome, row.said, row.call_again_at, row.recorded_at = outcome, said, call_again_at, now
        row.save(update_fields=["outcome", "said", "call_again_at", "recorded_at"])
        detail = {"outcome": outcome, "call": row.pk}
        trail_add(
            action="observer.called",
            subject=f"observer:{row.observer_id}",
            now=now,
            user=row.user,
            detail=detail,
            election=row.election_id,
        )


def calls_about(*, commission: Commission, observers: Collection[int]) -> QuerySet[Call]:
    """The calls to these people about this place, the newest first, with user and observer."""
    rows = Call.objects.filter(commission=commission, observer__in=observers)
    return rows.select_related("user", "observer").defer("observer__name", "observer__phone")[:KEPT]


def calls_latest(*, election: Election, observers: Collection[int]) -> dict[int, Call]:
    """The last call to each of these people, with its user."""
    rows = Call.objects.filter(election=election, observer__in=observers).select_related("user").defer("said")
    return {call.observer_id: call for call in rows.order_by("at", "pk")}


def call_going_on(*, user: User, commission: Commission, now: datetime) -> Call | None:
    """The call that this user began about this place and has not yet said what came of, with the observer."""
    rows = Call.objects.filter(user=user, commission=commission, outcome=Call.Outcome.SHOWN, at__gt=now - OPEN_FOR)
    return rows.select_related("observer").first()


def calls_waiting(*, commission: Commission, now: datetime) -> QuerySet[Call]:
    """Those in this territory who were to be called again by now and whom nobody has called since, by hour."""
    since = Call.objects.filter(observer=OuterRef("observer"), at__gt=OuterRef("at"))
    return (
        Call.objects.filter(election=commission.election_id, call_again_at__lte=now)
        .filter(commission__path__startswith=commission.path)
        .exclude(Exists(since))
        .select_related("commission", "observer", "user")
        .order_by("call_again_at", "pk")
    )
