"""Who saw whose name or number. Every sight is a line in the trail; too many in an hour call an administrator.

A page never has these values in it until somebody asked for them, by one of the functions here (or by
`calls.call_begin`, which keeps the call log): the trail line and the value come together or not at all.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from observer.models import Alert, Commission, Election, Observer, Trail, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.trail import trail_add

PERSON = ("name", "phone", "email", "accreditation_number")
SEEING = ("observer.see", "observer.call")
HOUR = timedelta(hours=1)
REASON_LEAST = 3
log = logging.getLogger("baqylau.sights")


class ReasonNeeded(Exception):
    """These people are not of one's own territory, or they are many: it must be said why."""


def is_own(*, user: User, observer: Observer, election: Election) -> bool:
    """Whether the observer is sent somewhere in the user's own territory. A superuser has none."""
    if access.is_superuser(user):
        return False
    return access.reachable(user, Observer, Verb.CONTACT, election).filter(pk=observer.pk).exists()


def contactable(*, user: User, key: int, election: Election) -> Observer | None:
    """The observer if the user may ask for their name: sent to the user's territory, or reporting about it."""
    sent = access.reachable(user, Observer, Verb.CONTACT, election).filter(pk=key)
    places = access.reachable(user, Commission, Verb.CONTACT, election)
    return sent.first() or Observer.objects.filter(pk=key, reports__commission__in=places).first()


def person_see(*, observer: Observer, election: Election, user: User, reason: str, now: datetime) -> dict[str, str]:
    """The name, phone, e-mail and accreditation number, on record. Raises ReasonNeeded outside one's own territory."""
    own = is_own(user=user, observer=observer, election=election)
    said = reason.strip()[:200]
    if not own and len(said) < REASON_LEAST:
        raise ReasonNeeded
    with transaction.atomic():
        detail = {"fields": list(PERSON), "own": own} | ({"reason": said} if said else {})
        trail_add(action="observer.see", subject=observer, now=now, user=user, detail=detail, election=election.pk)
        sights_watch(user=user, election=election, now=now)
    return {name: str(getattr(observer, name)) for name in PERSON}


def people_see(
    *, number: int, what: str, fields: Collection[str], election: Election, user: User, reason: str, now: datetime
) -> None:
    """Puts on record that a list with names was made: on paper, in a file. Raises ReasonNeeded without a reason."""
    said = reason.strip()[:200]
    if len(said) < REASON_LEAST:
        raise ReasonNeeded
    detail = {"fields": list(fields), "number": number, "reason": said}
    trail_add(action="observer.list", subject=what, now=now, user=user, detail=detail, election=election.pk)


def sights_watch(*, user: User, election: Election, now: datetime) -> None:
    """Calls an administrator when one user saw more people within an hour than SIGHTS_PER_HOUR."""
    lines = Trail.objects.filter(user=user, action__in=SEEING, at__gt=now - HOUR, at__lte=now)
    number = lines.values("subject").distinct().count()
    if number <= settings.SIGHTS_PER_HOUR:
        return
    alert, made = Alert.objects.get_or_create(
        election=election, user=user, seen_at=None, defaults={"at": now, "number": number}
    )
    if made:
        trail_add(
            action="alert.sights", subject=user, now=now, user=user, detail={"number": number}, election=election.pk
        )
        log.warning("unusual number of names seen", extra={"user": user.pk, "number": number})
    elif alert.number < number:
        Alert.objects.filter(pk=alert.pk).update(number=number)


def alert_close(*, alert: Alert, user: User, now: datetime) -> None:
    """An administrator has seen it."""
    with transaction.atomic():
        if Alert.objects.filter(pk=alert.pk, seen_at=None).update(seen_at=now, seen_by=user):
            trail_add(action="alert.close", subject=alert, now=now, user=user)
