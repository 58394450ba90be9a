"""Changes of the registry that change figures: the registry's services, and the rows that recompute."""

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction

from observer.models import Commission, Election, Level, User
from observer.services.importing import commission_import
from observer.services.registry import commissions
from observer.services.spreadsheets.columns import COMMISSIONS
from observer.services.spreadsheets.sheets import sheet_read
from reports.services.background.recompute_queue import due_add


def commissions_import(
    *, election: Election, source: bytes, file: str, now: datetime, user: User | None = None
) -> commission_import.Imported:
    """Adds and updates commissions from a CSV file or workbook, and makes due what it touched.

    All or nothing: raises BadTable with every bad line. The same file again changes nothing.
    """
    table = COMMISSIONS.table_of(sheet_read(source=source, file=file))
    with transaction.atomic():
        done = commission_import.commissions_import(
            election=election, table=table, sha256=hashlib.sha256(source).hexdigest(), now=now, user=user
        )
        if done.touched:
            due_add(commissions=done.touched, now=now)
    return done


def commissions_write(
    *, plan: commission_import.Plan, sha256: str, now: datetime, user: User | None
) -> commission_import.Imported:
    """As `observer.services.importing.commission_import.commissions_write`, and makes due what it touched."""
    done = commission_import.commissions_write(plan=plan, sha256=sha256, now=now, user=user)
    if done.touched:
        due_add(commissions=done.touched, now=now)
    return done


def commission_create(
    *,
    election: Election,
    parent: Commission | None,
    level: Level,
    code: str,
    now: datetime,
    user: User | None = None,
    **facts: Any,
) -> Commission:
    """A new commission, counted from now on by those above it. Raises Impossible."""
    with transaction.atomic():
        made = commissions.commission_create(
            election=election, parent=parent, level=level, code=code, now=now, user=user, **facts
        )
        due_add(commissions=[key for key in (made.pk, made.parent_id) if key], now=now)
    return made


def commission_move(*, commission: Commission, parent: Commission, user: User | None, now: datetime) -> None:
    """Moves a branch: its figures leave the old parent and come to the new one. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.commission_move(commission=commission, parent=parent, user=user, now=now)
        if touched:
            due_add(commissions=touched, now=now)


def commission_delete(*, commission: Commission, user: User | None, now: datetime) -> None:
    """Removes a commission without commissions, assignments or reports. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.commission_delete(commission=commission, user=user, now=now)
        if touched:
            due_add(commissions=touched, now=now)
