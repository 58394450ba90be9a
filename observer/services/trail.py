"""The trail (audit log) of the desk.

It says who did or saw what, when and from where.
An entry says that a protected field changed, but never its value.
"""

import ipaddress
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db.models import Model

from observer.models import Commission, Election, Trail, User

# The client address of the current request. The middleware sets it, so that services do not have to pass it on.
request_address: ContextVar[str] = ContextVar("origin", default="")


def clean_address(text: str) -> str:
    """The IP address without its zone, as both databases accept it.

    Returns "" for a text that is no IP address, such as the name of a Unix socket.
    """
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def add_trail_entry(
    *,
    action: str,
    subject: Model | str,
    now: datetime,
    user: User | None = None,
    detail: Mapping[str, Any] | None = None,
    election: int | None = None,
) -> Trail:
    """Adds one entry to the trail, in the caller's transaction.

    If the caller's transaction is rolled back, the entry is too.
    `action` is noun.verb (`report.reject`). A model instance as `subject` is stored as `noun:id`.
    `detail` holds codes and names of fields, never a name, phone or e-mail.
    `election` is the key of the election; it is needed only if it does not follow from the subject.
    """
    if isinstance(subject, Model):
        election = election or _find_election_id(subject)
        subject = f"{subject._meta.model_name}:{subject.pk}"
    return Trail.objects.create(
        at=now,
        user=user,
        address=request_address.get() or None,
        election_id=election,
        action=action,
        subject=subject,
        detail=dict(detail or {}),
    )


def _find_election_id(subject: Model) -> int | None:
    """The key of the row's election, directly or through its commission.

    None where it has neither.
    """
    if isinstance(subject, Election):
        return subject.pk
    election_id: int | None = getattr(subject, "election_id", None)
    commission_id = getattr(subject, "commission_id", None)
    if election_id is not None or commission_id is None:
        return election_id
    return Commission.objects.filter(pk=commission_id).values_list("election_id", flat=True).first()
