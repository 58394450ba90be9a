"""Changing a row that several of the desk work on: whoever changes it says which revision they saw."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from observer.models import User
from observer.services.trail import trail_add
from reports.models import Case, Complaint
from reports.services.review.decisions import Changed

Row = TypeVar("Row", Case, Complaint)


def row_revise(
    row: Row,
    change: Callable[[Row], None],
    *,
    action: str,
    user: User,
    now: datetime,
    seen: int,
    detail: Mapping[str, Any],
    election: int | None = None,
) -> None:
    """Calls `change` on the locked row and keeps what it did, with a line in the trail.

    `election`: as for `trail_add`. Raises Changed, and nothing is written, where a colleague was faster.
    """
    with transaction.atomic():
        locked = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
        if locked.revision != seen:
            raise Changed
        change(locked)
        locked.revision += 1
        locked.save()
        trail_add(action=action, subject=locked, now=now, user=user, detail=detail, election=election)
    row.refresh_from_db()
