"""Assignments of observers to commissions."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Assignment, Commission, Election, Observer, User
from observer.services.trail import add_trail_entry


def create_assignment(
    *,
    commission: Commission,
    observers: Iterable[Observer],
    now: datetime,
    role: str = Assignment.Role.STATIONARY,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    user: User | None = None,
) -> Assignment:
    """Assigns one observer, or a team, to a commission."""
    with transaction.atomic():
        assignment = Assignment.objects.create(
            election=commission.election, commission=commission, role=role, starts_at=starts_at, ends_at=ends_at
        )
        team = list(observers)
        assignment.observers.set(team)
        detail = {"commission": commission.code, "role": str(role), "observers": sorted(o.code for o in team)}
        add_trail_entry(action="assignment.create", subject=assignment, now=now, user=user, detail=detail)
    return assignment


def get_assignments(*, observer: Observer, election: Election) -> QuerySet[Assignment]:
    """The observer's assignments in this election.

    The commission, its level and the election are loaded.
    """
    return (
        Assignment.objects.filter(election=election, observers=observer)
        .select_related("commission__level", "commission__election")
        .order_by("starts_at", "commission__path", "pk")
    )


def get_elections(*, observer: Observer) -> QuerySet[Election]:
    """The elections in which this observer takes part.

    These are the elections the observer was imported for, has an assignment or a device in, or got a code for.
    """
    election_ids = set(observer.elections.values_list("pk", flat=True))
    for rows in (observer.assignments, observer.devices, observer.enrolment_codes):
        election_ids.update(rows.values_list("election_id", flat=True).distinct())
    return Election.objects.filter(pk__in=election_ids)
