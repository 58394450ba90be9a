"""Replacing an observer or a phone during election day.

Each replacement is one transaction, with entries in the trail. The caller says what the user saw: who was assigned,
which devices were active. If a colleague changed this in the meantime, nothing is done and Outdated is raised:
two codes for one phone would lock somebody out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from observer.models import Assignment, Device, Election, Observer, User
from observer.services.devices.enrolment import create_enrolment_code, revoke_device, void_codes
from observer.services.importing.observer_import import generate_observer_code
from observer.services.registry.commissions import lock_election
from observer.services.registry.observers import save_observer
from observer.services.trail import add_trail_entry


class Outdated(Exception):
    """The data was changed since the user looked at it."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The result of replacing an observer.

    It has the new assignment, the new observer, their enrolment code, and how many devices were revoked.
    """

    assignment: Assignment
    observer: Observer
    code: str
    revoked: int


@dataclass(frozen=True, slots=True)
class NewObserver:
    """An observer who is not in the registry yet."""

    name: str
    phone: str
    language: str


def replace_observer(
    *, assignment: Assignment, leaving: Observer, coming: Observer | NewObserver, user: User | None, now: datetime
) -> Replacement:
    """Replaces an observer at an assignment from `now` on.

    `coming` takes the place of `leaving`.
    The assignment ends now; reports that were due before stay due. A new assignment begins with the same team
    except for these two. `coming` gets an enrolment code for a phone; a new observer joins the organisation of
    `leaving`. The devices of `leaving` are revoked unless they have another assignment in this election.
    Raises Outdated if `leaving` is not in the team, or `coming` is in it already.
    """
    with transaction.atomic():
        lock_election(assignment.election)  # an import takes the same lock; it creates assignments too
        row = Assignment.objects.select_related("election", "commission").get(pk=assignment.pk)
        team = {one.pk: one for one in row.observers.all()}
        coming_id = coming.pk if isinstance(coming, Observer) else None
        if leaving.pk not in team or coming_id in team or (row.ends_at is not None and row.ends_at <= now):
            raise Outdated
        if isinstance(coming, NewObserver):
            coming = _create_observer(coming, leaving, user, now)
        del team[leaving.pk]
        starts_at = now if row.starts_at is None else max(now, row.starts_at)
        new_assignment = Assignment.objects.create(
            election=row.election, commission=row.commission, role=row.role, starts_at=starts_at, ends_at=row.ends_at
        )
        new_assignment.observers.set([*team, coming.pk])
        row.ends_at = now
        row.save(update_fields=["ends_at"])
        coming.elections.add(row.election)
        revoked = 0
        if not _is_assigned(leaving, row.election, now):
            revoked = _revoke_devices_and_codes(leaving, row.election, user, now)
        detail = {"commission": row.commission.code, "leaving": leaving.code, "coming": coming.code}
        add_trail_entry(action="assignment.replace", subject=row, now=now, user=user, detail=detail)
        code = create_enrolment_code(observer=coming, election=row.election, now=now, user=user)
    return Replacement(new_assignment, coming, code, revoked)


def replace_phone(
    *, observer: Observer, election: Election, seen_device_ids: Collection[int], user: User | None, now: datetime
) -> str:
    """Revokes an observer's devices and returns a new enrolment code.

    This concerns the devices in one election.
    Reports that are still on a revoked phone can be sent through another phone or as a file.
    `seen_device_ids` are the keys of the devices that were active when the user looked; raises Outdated if they
    have changed.
    """
    with transaction.atomic():
        lock_election(election)
        if set(get_active_device_ids(observer=observer, election=election)) != set(seen_device_ids):
            raise Outdated
        _revoke_devices_and_codes(observer, election, user, now)
        return create_enrolment_code(observer=observer, election=election, now=now, user=user)


def get_active_device_ids(*, observer: Observer, election: Election) -> list[int]:
    """Keys of the observer's active devices in this election."""
    rows = Device.objects.filter(observer=observer, election=election, revoked_at__isnull=True)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _create_observer(new: NewObserver, leaving: Observer, user: User | None, now: datetime) -> Observer:
    code = generate_observer_code(Observer.objects.values_list("code", flat=True))
    observer = Observer(
        code=code, organisation_id=leaving.organisation_id, name=new.name, phone=new.phone, language=new.language
    )
    save_observer(observer=observer, changed=("name", "phone"), user=user, now=now)
    return observer


def _revoke_devices_and_codes(observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """Revokes the observer's devices and voids their unused codes.

    Returns the number of devices.
    """
    void_codes(observers=[observer.pk], election=election, now=now)
    keys = get_active_device_ids(observer=observer, election=election)
    for device in Device.objects.filter(pk__in=keys).order_by("pk"):
        revoke_device(device=device, user=user, now=now)
    return len(keys)


def _is_assigned(observer: Observer, election: Election, now: datetime) -> bool:
    rows = Assignment.objects.filter(election=election, observers=observer)
    return rows.exclude(ends_at__lte=now).exists()
