"""The desk's trail: who did what, and when. It says that a protected field changed, never its value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from observer.models import Trail, User


def trail_add(
    *,
    action: str,
    subject: Model | str,
    at: datetime,
    user: User | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Trail:
    """Leaves one line, in the caller's transaction: what is undone leaves none.

    `action` is noun.verb (`report.reject`); a model as `subject` becomes `noun:id`.
    `detail` holds codes and names of fields, never a name, phone or e-mail.
    """
    if isinstance(subject, Model):
        subject = f"{subject._meta.model_name}:{subject.pk}"
    return Trail.objects.create(at=at, user=user, action=action, subject=subject, detail=dict(detail or {}))
