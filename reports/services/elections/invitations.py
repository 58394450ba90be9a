"""Observers of an earlier election, asked into another one: the same people under the same codes, and no more than asked.

They hold no consent there until they accept its code of conduct on their phone, and no phone or code
of before works there: they enrol anew. Whoever never accepts is forgotten with the earlier election.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Consent, Election, Observer, Trail, User
from observer.services.registry.commissions import BATCH, election_lock
from observer.services.trail import trail_add
from reports.models import SetAside


class Gone(Exception):
    """The people of that election were made unreadable: there is nobody left to ask."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Of those asked for: how many would be or were invited, take part already, or are left out as set aside or nameless."""

    invited: int
    there: int
    left_out: int


def is_purged(election: Election) -> bool:
    """Whether a purge of its people has begun."""
    return Trail.objects.filter(election=election, action="election.purge").exists()


def invitation_counted(*, source: Election, election: Election, people: "QuerySet[Observer]") -> Invited:
    """What inviting them would do now. Raises Gone."""
    return _sorted(source, election, people)[0]


def observers_invite(
    *, source: Election, election: Election, people: "QuerySet[Observer]", user: User, now: datetime
) -> Invited:
    """Takes these people of `source` on for `election`, and asks for their consent. Doing it twice invites nobody. Raises Gone."""
    with transaction.atomic():
        election_lock(election)
        done, keys = _sorted(source, election, people)
        through = Observer.elections.through
        links = [through(observer_id=key, election_id=election.pk) for key in keys]
        through.objects.bulk_create(links, batch_size=BATCH, ignore_conflicts=True)
        asked = [Consent(observer_id=key, election=election, asked_at=now) for key in keys]
        Consent.objects.bulk_create(asked, batch_size=BATCH, ignore_conflicts=True)
        if keys:
            detail = {"from": source.slug, "number": len(keys)}
            trail_add(action="observers.invite", subject=election, now=now, user=user, detail=detail)
    return done


def _sorted(source: Election, election: Election, people: "QuerySet[Observer]") -> tuple[Invited, list[int]]:
    if is_purged(source):
        raise Gone
    asked = set(people.values_list("pk", flat=True))
    there = set(Observer.elections.through.objects.filter(election=election).values_list("observer_id", flat=True))
    aside = SetAside.objects.filter(election=source).values_list("observer_id", flat=True)
    nameless = people.filter(name="", phone="", email="", accreditation_number="").values_list("pk", flat=True)
    left = (set(aside) | set(nameless)) & asked - there
    fresh = sorted(asked - there - left)
    return Invited(len(fresh), len(asked & there), len(left)), fresh
