"""Who observes where."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Assignment, Commission, Election, Observer, User
from observer.services.trail import trail_add


def assignment_create(
    *,
    commission: Commission,
    observers: Iterable[Observer],
    now: datetime,
    role: str = Assignment.Role.STATIONARY,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    user: User | None = None,
) -> Assignment:
    """Sends one observer, or a team, to a commission of an election."""
    with transaction.atomic():
        assignment = Assignment.objects.create(
            election=commission.election, commission=commission, role=role, starts_at=starts_at, ends_at=ends_at
        )
        team = list(observers)
        assignment.observers.set(team)
        detail = {"commission": commission.code, "role": str(role), "observers": sorted(o.code for o in team)}
        trail_add(action="assignment.create", subject=assignment, now=now, user=user, detail=detail)
    return assignment


def assignments_of(*, observer: Observer, election: Election) -> QuerySet[Assignment]:
    """Where this observer is sent in this election, with the commission, its level and the election loaded."""
    return (
        Assignment.objects.filter(election=election, observers=observer)
        .select_related("commission__level", "commission__election")
        .order_by("starts_at", "commission__path", "pk")
    )


def elections_of(*, observer: Observer) -> QuerySet[Election]:
    """The elections this observer takes part in: was imported for, is sent somewhere, has a phone, was given a code."""
    found = set(observer.elections.values_list("pk", flat=True))
    for rows in (observer.assignments, observer.devices, observer.enrolment_codes):
        found.update(rows.values_list("election_id", flat=True).distinct())
    return Election.objects.filter(pk__in=found)
