"""How a phone comes to speak for an observer: a one-time code, then a token that can be revoked.

Neither is kept: a code as its HMAC under LOOKUP_KEY (40 bits could be tried out against a plain
hash), a token of 256 bits as its SHA-256.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from observer import crypto
from observer.models import Consent, Device, Election, EnrolmentCode, Observer, User
from observer.services.accounts.disclosure_log import people_see
from observer.services.devices.tokens import sender_find
from observer.services.registry.commissions import election_lock
from observer.services.trail import trail_add

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
LENGTH = 8
VALID = timedelta(hours=72)
TRANSFER_VALID = timedelta(minutes=10)
ASK_AGAIN = timedelta(hours=24)
USED_EVERY = timedelta(minutes=5)
_MISREAD = str.maketrans("OIL", "011")


class InvalidCode(Exception):
    """A code that is wrong, used or expired; which of them, a stranger is not told."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device and its token, which is known only here and now."""

    device: Device
    token: str


def enrolment_create(
    *, observer: Observer, election: Election, now: datetime, valid: timedelta = VALID, user: User | None = None
) -> str:
    """A fresh one-time code as it is shown, like M4TQ-7HXV. It cannot be shown again."""
    code = code_draw()
    with transaction.atomic():
        row = EnrolmentCode.objects.create(
            observer=observer,
            election=election,
            code_hmac=_hmac(code_plain(code)),
            created_at=now,
            expires_at=now + valid,
        )
        trail_add(
            action="enrolment.create",
            subject=observer,
            now=now,
            user=user,
            detail={"election": election.slug, "expires_at": row.expires_at.isoformat()},
        )
    return code


def code_draw() -> str:
    """A code as it is shown, which enrols nobody before it is stored."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{code[:4]}-{code[4:]}"


def enrolments_print(
    *, codes: Mapping[int, str], names: bool, reason: str, election: Election, now: datetime, user: User
) -> None:
    """These codes, each an observer's by key, stand on sheets of paper: from now on they enrol, until `now` + VALID.

    Whatever was handed out to the same people before and is not used by now enrols nobody any more.
    A line of the trail for each; where the sheets bear `names`, one more with the reason. Raises ReasonNeeded.
    """
    with transaction.atomic():
        election_lock(election)  # as whoever replaces a phone does
        if names:
            people_see(
                number=len(codes), what="sheets", fields=["name"], election=election, user=user, reason=reason, now=now
            )
        codes_void(observers=codes, election=election, now=now)
        EnrolmentCode.objects.bulk_create(
            EnrolmentCode(
                observer_id=key,
                election=election,
                code_hmac=_hmac(code_plain(code)),
                created_at=now,
                expires_at=now + VALID,
            )
            for key, code in codes.items()
        )
        for key in codes:
            trail_add(
                action="enrolment.print",
                subject=f"observer:{key}",
                now=now,
                user=user,
                election=election.pk,
                detail={"expires_at": (now + VALID).isoformat(), "names": names, "sheets": len(codes)},
            )


def codes_void(*, observers: Collection[int], election: Election, now: datetime) -> None:
    """No code that was handed out to these people and not used enrols anybody from now on."""
    handed = EnrolmentCode.objects.filter(observer__in=observers, election=election, used_at=None, expires_at__gt=now)
    handed.update(expires_at=now)


def enrolment_transfer(*, device: Device, now: datetime) -> str:
    """A code by which the same observer enrols another browser or phone within ten minutes."""
    return enrolment_create(observer=device.observer, election=device.election, now=now, valid=TRANSFER_VALID)


def enrol(*, code: str, device_name: str, device_id: UUID | None, now: datetime) -> Enrolled:
    """Uses the code. The same code with the same `device_id` within 24 hours is answered again.

    The first answer may have been lost on its way, so the same device gets a fresh token, and the
    lost one dies. Raises InvalidCode otherwise. Of two at once, one wins.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = (
            EnrolmentCode.objects.select_for_update(of=("self",))
            .select_related("observer", "election", "device")
            .filter(code_hmac=_hmac(code_plain(code)))
            .first()
        )
        if row is None:
            raise InvalidCode
        if row.used_at is None:
            return Enrolled(_first_use(row, token, device_name, device_id, now), token)
        device = row.device
        if (
            device is None
            or device_id is None
            or device.device_id != device_id
            or device.revoked_at is not None
            or now - row.used_at > ASK_AGAIN
        ):
            raise InvalidCode
        device.token_hash = token_hash(token)
        device.save(update_fields=["token_hash"])
        device.observer, device.election = row.observer, row.election
        return Enrolled(device, token)


def _first_use(row: EnrolmentCode, token: str, name: str, device_id: UUID | None, now: datetime) -> Device:
    if now >= row.expires_at:
        raise InvalidCode
    row.device = Device.objects.create(
        observer=row.observer,
        election=row.election,
        device_id=device_id,
        created_at=now,
        last_used_at=now,
        name=re.sub(r"[\x00-\x1f\x7f]", " ", name).strip()[:120],
        token_hash=token_hash(token),
    )
    row.used_at = now
    row.save(update_fields=["used_at", "device"])
    return row.device


def device_create(
    *, observer: Observer, election: Election, name: str, now: datetime, user: User | None = None
) -> Enrolled:
    """A device whose token goes into an app that cannot use an enrolment code. It dies unused after 72 hours."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        device = Device.objects.create(
            observer=observer, election=election, name=name[:120], created_at=now, token_hash=token_hash(token)
        )
        detail = {"election": election.slug, "device": device.pk}
        trail_add(action="device.create", subject=observer, now=now, user=user, detail=detail)
    return Enrolled(device, token)


def device_is_stale(*, device: Device, now: datetime) -> bool:
    """Whether its token was never used in the time that an enrolment code lives."""
    return device.last_used_at is None and now - device.created_at > VALID


def device_by_token(token: str) -> Device | None:
    """The device that holds `token`, with observer and election, in one query; None for an unknown token.

    Revoked ones too: the caller tells a revoked phone that it is. Loaded is what `senders.py` names;
    any other field costs a query of its own.
    """
    return sender_find(token_hash=token_hash(token))


def device_used(*, device: Device, now: datetime) -> None:
    """Notes that the device spoke, at most once in five minutes, so that a request seldom writes."""
    if device.last_used_at is not None and now - device.last_used_at < USED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USED_EVERY)
    Device.objects.filter(stale, pk=device.pk).update(last_used_at=now)
    device.last_used_at = now


def device_revoke(*, device: Device, user: User | None, now: datetime) -> None:
    """The device may speak no more. Its reports stay. Doing it twice changes nothing."""
    with transaction.atomic():
        if Device.objects.filter(pk=device.pk, revoked_at__isnull=True).update(revoked_at=now):
            device.revoked_at = now
            trail_add(action="device.revoke", subject=device, now=now, user=user)


def consent_record(
    *, observer: Observer, election: Election, version: int, given_at: datetime, received_at: datetime | None = None
) -> None:
    """The observer accepted the election's code of conduct, `version`, when the phone says (`given_at`).

    A repeated or late message about an older version changes nothing.
    """
    older = Q(version__isnull=True) | Q(version__lt=version)
    with transaction.atomic():
        Consent.objects.get_or_create(observer=observer, election=election)
        if Consent.objects.filter(older, observer=observer, election=election).update(version=version, at=given_at):
            trail_add(
                action="observer.consent",
                subject=observer,
                now=received_at or given_at,
                detail={"version": version},
                election=election.pk,
            )


def code_plain(code: str) -> str:
    """A typed code as it was meant: any case, O for 0, I and L for 1, spaces and dashes anywhere."""
    return re.sub(r"[\s\-‐-―−_]", "", code).upper().translate(_MISREAD)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _hmac(plain: str) -> str:
    return crypto.lookup("enrolment", plain)
