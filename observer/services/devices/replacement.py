"""Another observer, or another phone, in the middle of the day. One transaction each, with its trail.

Whoever asks says what they saw (who was there, which phones lived). If a colleague changed that
meanwhile, nothing is done and Outdated is raised: two codes for one phone would lock somebody out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from observer.models import Assignment, Device, Election, Observer, User
from observer.services.devices.enrolment import codes_void, device_revoke, enrolment_create
from observer.services.importing.observer_import import code_make
from observer.services.registry.commissions import election_lock
from observer.services.registry.observers import observer_save
from observer.services.trail import trail_add


class Outdated(Exception):
    """Somebody changed it since it was looked at; look again."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The assignment that holds from now on, who came, the code to read out, and how many phones fell silent."""

    assignment: Assignment
    observer: Observer
    code: str
    revoked: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is not in the registry yet."""

    name: str
    phone: str
    language: str


def observer_replace(
    *, assignment: Assignment, leaving: Observer, coming: Observer | Newcomer, user: User | None, now: datetime
) -> Replaced:
    """`coming` takes the place of `leaving` at this assignment from now on, and gets a code for a phone.

    A newcomer joins the organisation of who leaves.

    The assignment ends now, with what it owed by now; a new one begins, of the same team but for the
    two. The phone of who leaves is revoked unless they are still sent elsewhere in this election.
    Raises Outdated where `leaving` is not, or `coming` is already, at it.
    """
    with transaction.atomic():
        election_lock(assignment.election)  # as an import does, which sends people too
        row = Assignment.objects.select_related("election", "commission").get(pk=assignment.pk)
        team = {one.pk: one for one in row.observers.all()}
        known = coming.pk if isinstance(coming, Observer) else None
        if leaving.pk not in team or known in team or (row.ends_at is not None and row.ends_at <= now):
            raise Outdated
        if isinstance(coming, Newcomer):
            coming = _newcomer_add(coming, leaving, user, now)
        del team[leaving.pk]
        begins = now if row.starts_at is None else max(now, row.starts_at)
        following = Assignment.objects.create(
            election=row.election, commission=row.commission, role=row.role, starts_at=begins, ends_at=row.ends_at
        )
        following.observers.set([*team, coming.pk])
        row.ends_at = now
        row.save(update_fields=["ends_at"])
        coming.elections.add(row.election)
        revoked = 0
        if not _is_sent(leaving, row.election, now):
            revoked = _silence(leaving, row.election, user, now)
        detail = {"commission": row.commission.code, "leaving": leaving.code, "coming": coming.code}
        trail_add(action="assignment.replace", subject=row, now=now, user=user, detail=detail)
        code = enrolment_create(observer=coming, election=row.election, now=now, user=user)
    return Replaced(following, coming, code, revoked)


def phone_replace(
    *, observer: Observer, election: Election, seen: Collection[int], user: User | None, now: datetime
) -> str:
    """Revokes the observer's phones in this election and makes the code for another, to be read out.

    What a revoked phone still holds comes in through another phone or as a file. `seen` are the keys
    of the phones that lived when the desk looked; raises Outdated where they are others by now.
    """
    with transaction.atomic():
        election_lock(election)
        living = set(phones_living(observer=observer, election=election))
        if living != set(seen):
            raise Outdated
        _silence(observer, election, user, now)
        return enrolment_create(observer=observer, election=election, now=now, user=user)


def phones_living(*, observer: Observer, election: Election) -> list[int]:
    """Keys of the phones that may speak for this observer in this election."""
    rows = Device.objects.filter(observer=observer, election=election, revoked_at__isnull=True)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _newcomer_add(one: Newcomer, like: Observer, user: User | None, now: datetime) -> Observer:
    code = code_make(Observer.objects.values_list("code", flat=True))
    observer = Observer(
        code=code, organisation_id=like.organisation_id, name=one.name, phone=one.phone, language=one.language
    )
    observer_save(observer=observer, changed=("name", "phone"), user=user, now=now)
    return observer


def _silence(observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """No phone, and no code handed out before, speaks for them any more; how many phones those were."""
    codes_void(observers=[observer.pk], election=election, now=now)
    keys = phones_living(observer=observer, election=election)
    for device in Device.objects.filter(pk__in=keys).order_by("pk"):
        device_revoke(device=device, user=user, now=now)
    return len(keys)


def _is_sent(observer: Observer, election: Election, now: datetime) -> bool:
    rows = Assignment.objects.filter(election=election, observers=observer)
    return rows.exclude(ends_at__lte=now).exists()
