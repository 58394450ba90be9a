"""Saving observers and other registry rows, recorded in the trail."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Model

from observer.models import Election, Observer, User
from observer.services.trail import add_trail_entry


def save_row(*, row: Model, changed: Iterable[str], user: User | None, now: datetime) -> None:
    """Saves a row on which no figures depend.

    The trail says which fields changed, but not their values.
    """
    verb = "add" if row.pk is None else "change"
    with transaction.atomic():
        row.save()
        add_trail_entry(
            action=f"{row._meta.model_name}.{verb}", subject=row, now=now, user=user, detail={"fields": sorted(changed)}
        )


def save_observer(*, observer: Observer, changed: Iterable[str], user: User | None, now: datetime) -> None:
    """Saves an observer with the search columns of its contacts.

    These are the look-ups of phone and e-mail.
    """
    observer.update_contact_lookups()
    save_row(row=observer, changed=changed, user=user, now=now)


def set_publication(*, election: Election, publication: str, user: User | None, now: datetime) -> None:
    """Sets what of an election is public.

    This is nothing, releases, or live figures.
    Raises ValueError for an unknown value.
    """
    if publication not in Election.Publication.values:
        raise ValueError(publication)
    with transaction.atomic():
        row = Election.objects.select_for_update().get(pk=election.pk)
        detail = {"from": row.publication, "to": str(publication)}
        row.publication = publication
        row.save(update_fields=["publication"])
        add_trail_entry(action="election.publish", subject=row, now=now, user=user, detail=detail)
    election.publication = publication
