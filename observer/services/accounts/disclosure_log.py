"""Showing names and phones of observers, recorded in the trail.

A page does not contain these values until somebody asks for them through a function of this module, or through
`calls.begin_call`, which keeps the call log. The value is returned only if the entry is written.
Too many people seen within an hour raise an alert for the election's administrators.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from observer.models import Alert, Commission, Election, Observer, Trail, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.trail import add_trail_entry

PROTECTED_FIELDS = ("name", "phone", "email", "accreditation_number")
DISCLOSURE_ACTIONS = ("observer.see", "observer.call")
ALERT_WINDOW = timedelta(hours=1)
MIN_REASON_CHARACTERS = 3
log = logging.getLogger("baqylau.sights")


class ReasonRequired(Exception):
    """A reason must be given.

    The observer is outside the user's territory, or it is a list of people.
    """


def is_in_own_territory(*, user: User, observer: Observer, election: Election) -> bool:
    """Whether the observer has an assignment in the user's territory.

    A superuser has no territory.
    """
    if access.is_superuser(user):
        return False
    return access.get_permitted_rows(user, Observer, Permission.CONTACT, election).filter(pk=observer.pk).exists()


def find_contactable_observer(*, user: User, key: int, election: Election) -> Observer | None:
    """The observer, if the user may see their contacts.

    The observer must have an assignment in the user's territory, or have sent a report about it.
    """
    assigned = access.get_permitted_rows(user, Observer, Permission.CONTACT, election).filter(pk=key)
    commissions = access.get_permitted_rows(user, Commission, Permission.CONTACT, election)
    return assigned.first() or Observer.objects.filter(pk=key, reports__commission__in=commissions).first()


def disclose_contacts(
    *, observer: Observer, election: Election, user: User, reason: str, now: datetime
) -> dict[str, str]:
    """Returns the observer's protected fields, with an entry in the trail.

    These are name, phone, e-mail and accreditation number.
    Raises ReasonRequired if the observer is outside the user's territory and `reason` is too short.
    """
    in_own_territory = is_in_own_territory(user=user, observer=observer, election=election)
    reason = reason.strip()[:200]
    if not in_own_territory and len(reason) < MIN_REASON_CHARACTERS:
        raise ReasonRequired
    with transaction.atomic():
        detail = {"fields": list(PROTECTED_FIELDS), "own": in_own_territory} | ({"reason": reason} if reason else {})
        add_trail_entry(
            action="observer.see", subject=observer, now=now, user=user, detail=detail, election=election.pk
        )
        check_disclosure_rate(user=user, election=election, now=now)
    return {name: str(getattr(observer, name)) for name in PROTECTED_FIELDS}


def log_disclosure(
    *, number: int, what: str, fields: Collection[str], election: Election, user: User, reason: str, now: datetime
) -> None:
    """Records in the trail that a list with names was made.

    The list is on paper or in a file.
    `number` is how many people the list has, `what` is the kind of list. Raises ReasonRequired without a reason.
    """
    reason = reason.strip()[:200]
    if len(reason) < MIN_REASON_CHARACTERS:
        raise ReasonRequired
    detail = {"fields": list(fields), "number": number, "reason": reason}
    add_trail_entry(action="observer.list", subject=what, now=now, user=user, detail=detail, election=election.pk)


def check_disclosure_rate(*, user: User, election: Election, now: datetime) -> None:
    """Raises an alert if the user saw too many people.

    The limit is SIGHTS_PER_HOUR people within an hour.
    There is one open alert for each user and election; its number grows.
    """
    entries = Trail.objects.filter(user=user, action__in=DISCLOSURE_ACTIONS, at__gt=now - ALERT_WINDOW, at__lte=now)
    number = entries.values("subject").distinct().count()
    if number <= settings.SIGHTS_PER_HOUR:
        return
    alert, created = Alert.objects.get_or_create(
        election=election, user=user, seen_at=None, defaults={"at": now, "number": number}
    )
    if created:
        add_trail_entry(
            action="alert.sights", subject=user, now=now, user=user, detail={"number": number}, election=election.pk
        )
        log.warning("unusual number of names seen", extra={"user": user.pk, "number": number})
    elif alert.number < number:
        Alert.objects.filter(pk=alert.pk).update(number=number)


def close_alert(*, alert: Alert, user: User, now: datetime) -> None:
    """Marks an alert as seen by an administrator."""
    with transaction.atomic():
        if Alert.objects.filter(pk=alert.pk, seen_at=None).update(seen_at=now, seen_by=user):
            add_trail_entry(action="alert.close", subject=alert, now=now, user=user)
