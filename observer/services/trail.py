"""The desk's trail: who did or saw what, when and from where. It says that a protected field changed, never its value."""

import ipaddress
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db.models import Model

from observer.models import Commission, Election, Trail, User

# The address of the request that is being answered, set by the middleware: no service is handed it on and on.
origin: ContextVar[str] = ContextVar("origin", default="")


def address_clean(text: str) -> str:
    """An address as both databases take it, without a zone; "" for what is none, as behind a socket."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def trail_add(
    *,
    action: str,
    subject: Model | str,
    now: datetime,
    user: User | None = None,
    detail: Mapping[str, Any] | None = None,
    election: int | None = None,
) -> Trail:
    """Leaves one line, in the caller's transaction: what is undone leaves none.

    `action` is noun.verb (`report.reject`); a model as `subject` becomes `noun:id`.
    `detail` holds codes and names of fields, never a name, phone or e-mail.
    `election` is the key of the one it is about, where the subject itself does not say.
    """
    if isinstance(subject, Model):
        election = election or _election_of(subject)
        subject = f"{subject._meta.model_name}:{subject.pk}"
    return Trail.objects.create(
        at=now,
        user=user,
        address=origin.get() or None,
        election_id=election,
        action=action,
        subject=subject,
        detail=dict(detail or {}),
    )


def _election_of(subject: Model) -> int | None:
    if isinstance(subject, Election):
        return subject.pk
    direct: int | None = getattr(subject, "election_id", None)
    place = getattr(subject, "commission_id", None)
    if direct is not None or place is None:
        return direct
    return Commission.objects.filter(pk=place).values_list("election_id", flat=True).first()
