"""What the desk writes by hand into the registry: saved with a line in the trail."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Model

from observer.models import Election, Observer, User
from observer.services.trail import trail_add


def row_save(*, row: Model, changed: Iterable[str], user: User | None, now: datetime) -> None:
    """Stores a row that no figure is made of. The trail says which fields changed, never to what."""
    verb = "add" if row.pk is None else "change"
    with transaction.atomic():
        row.save()
        trail_add(
            action=f"{row._meta.model_name}.{verb}", subject=row, now=now, user=user, detail={"fields": sorted(changed)}
        )


def observer_save(*, observer: Observer, changed: Iterable[str], user: User | None, now: datetime) -> None:
    """Stores an observer, with look-ups that fit the phone and e-mail."""
    observer.index_contacts()
    row_save(row=observer, changed=changed, user=user, now=now)


def election_publish(*, election: Election, publication: str, user: User | None, now: datetime) -> None:
    """Decides what strangers see of an election: nothing, releases, or the figures as they come."""
    if publication not in Election.Publication.values:
        raise ValueError(publication)
    with transaction.atomic():
        row = Election.objects.select_for_update().get(pk=election.pk)
        detail = {"from": row.publication, "to": str(publication)}
        row.publication = publication
        row.save(update_fields=["publication"])
        trail_add(action="election.publish", subject=row, now=now, user=user, detail=detail)
    election.publication = publication
