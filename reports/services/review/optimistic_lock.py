"""Optimistic locking of rows that several users edit, by a revision number."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from observer.models import User
from observer.services.trail import add_trail_entry
from reports.models import Case, Complaint
from reports.services.review.decisions import EditConflict

Row = TypeVar("Row", Case, Complaint)


def update_with_revision(
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
    """Changes a locked row and adds a trail entry.

    `change` is called with the row, which is then saved. `seen`: the revision that the user saw. `election`: as
    for `add_trail_entry`. Raises EditConflict where the row has another revision by now, because a colleague
    was faster; then nothing is written.
    """
    with transaction.atomic():
        locked = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
        if locked.revision != seen:
            raise EditConflict
        change(locked)
        locked.revision += 1
        locked.save()
        add_trail_entry(action=action, subject=locked, now=now, user=user, detail=detail, election=election)
    row.refresh_from_db()
