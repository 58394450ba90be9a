"""Changes of the registry that change figures: the registry's services, and the rows that recompute."""

from datetime import datetime
from typing import Any

from django.db import transaction

from observer.models import Commission, Election, Level, User
from observer.services import commissions
from reports.services.due import due_add


def commissions_import(
    *, election: Election, source: bytes, file: str, at: datetime, user: User | None = None
) -> commissions.Imported:
    """As `observer.services.commissions.commissions_import`, and makes due what it touched."""
    with transaction.atomic():
        done = commissions.commissions_import(election=election, source=source, file=file, at=at, user=user)
        if done.touched:
            due_add(commissions=done.touched, at=at)
    return done


def commission_create(
    *, election: Election, parent: Commission | None, level: Level, code: str, at: datetime,
    user: User | None = None, **facts: Any,
) -> Commission:  # fmt: skip
    """A new commission, counted from now on by those above it. Raises Impossible."""
    with transaction.atomic():
        made = commissions.commission_create(
            election=election, parent=parent, level=level, code=code, at=at, user=user, **facts
        )
        due_add(commissions=[key for key in (made.pk, made.parent_id) if key], at=at)
    return made


def commission_move(*, commission: Commission, parent: Commission, user: User | None, at: datetime) -> None:
    """Moves a branch: its figures leave the old parent and come to the new one. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.commission_move(commission=commission, parent=parent, user=user, at=at)
        if touched:
            due_add(commissions=touched, at=at)


def commission_delete(*, commission: Commission, user: User | None, at: datetime) -> None:
    """Removes a commission without commissions, assignments or reports. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.commission_delete(commission=commission, user=user, at=at)
        if touched:
            due_add(commissions=touched, at=at)
