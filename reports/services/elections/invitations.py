"""Invitations of an earlier election's observers to another election.

The observers keep their codes. They have not consented until they accept the new election's code of conduct on
their phone. Their earlier phones and enrolment codes do not work in the new election, so they enrol again. The
personal data of an observer who never accepts is deleted when the earlier election is purged.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Consent, Election, Observer, Trail, User
from observer.services.registry.commissions import BATCH_ROWS, lock_election
from observer.services.trail import add_trail_entry
from reports.models import SetAside


class ElectionPurged(Exception):
    """The personal data of that election was purged, so nobody can be invited from it."""


@dataclass(frozen=True, slots=True)
class InvitationCounts:
    """How many of the selected observers are invited, take part already (`there`), or are left out.

    Left out are those who were set aside in the earlier election, and those without personal data.
    """

    invited: int
    there: int
    left_out: int


def is_purged(election: Election) -> bool:
    """Says whether a purge of the election's people has been started."""
    return Trail.objects.filter(election=election, action="election.purge").exists()


def count_invitations(*, source: Election, election: Election, people: "QuerySet[Observer]") -> InvitationCounts:
    """Counts what inviting these observers would do now. Raises ElectionPurged."""
    return _select_observers(source, election, people)[0]


def invite_observers(
    *, source: Election, election: Election, people: "QuerySet[Observer]", user: User, now: datetime
) -> InvitationCounts:
    """Adds observers of `source` to `election` and asks for their consent.

    A second call with the same observers invites nobody. Raises ElectionPurged.
    """
    with transaction.atomic():
        lock_election(election)
        counts, keys = _select_observers(source, election, people)
        through = Observer.elections.through
        links = [through(observer_id=key, election_id=election.pk) for key in keys]
        through.objects.bulk_create(links, batch_size=BATCH_ROWS, ignore_conflicts=True)
        consents = [Consent(observer_id=key, election=election, asked_at=now) for key in keys]
        Consent.objects.bulk_create(consents, batch_size=BATCH_ROWS, ignore_conflicts=True)
        if keys:
            detail = {"from": source.slug, "number": len(keys)}
            add_trail_entry(action="observers.invite", subject=election, now=now, user=user, detail=detail)
    return counts


def _select_observers(
    source: Election, election: Election, people: "QuerySet[Observer]"
) -> tuple[InvitationCounts, list[int]]:
    if is_purged(source):
        raise ElectionPurged
    requested = set(people.values_list("pk", flat=True))
    participants = set(
        Observer.elections.through.objects.filter(election=election).values_list("observer_id", flat=True)
    )
    set_aside = SetAside.objects.filter(election=source).values_list("observer_id", flat=True)
    nameless = people.filter(name="", phone="", email="", accreditation_number="").values_list("pk", flat=True)
    left_out = (set(set_aside) | set(nameless)) & requested - participants
    invited = sorted(requested - participants - left_out)
    return InvitationCounts(len(invited), len(requested & participants), len(left_out)), invited
