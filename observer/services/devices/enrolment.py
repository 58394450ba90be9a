"""Enrolling phones: one-time codes, device tokens, consent.

An observer's phone exchanges a one-time code for a token, which can be revoked. Neither is stored in plain text.
Of a code the HMAC under LOOKUP_KEY is stored, because its 40 bits could be found by trying all values against a
plain hash. Of a token, which has 256 random bits, the SHA-256 is stored.
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
from observer.services.accounts.disclosure_log import log_disclosure
from observer.services.devices.tokens import find_device_by_token_hash
from observer.services.registry.commissions import lock_election
from observer.services.trail import add_trail_entry

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
CODE_LENGTH = 8
CODE_VALIDITY = timedelta(hours=72)
TRANSFER_CODE_VALIDITY = timedelta(minutes=10)
RETRY_PERIOD = timedelta(hours=24)
LAST_USED_INTERVAL = timedelta(minutes=5)
_MISREAD_LETTERS = str.maketrans("OIL", "011")


class InvalidCode(Exception):
    """The code is wrong, used or expired.

    Which of these is not told, so that strangers learn nothing.
    """


@dataclass(frozen=True, slots=True)
class EnrolledDevice:
    """A device and its token.

    The token is not stored and cannot be shown again.
    """

    device: Device
    token: str


def create_enrolment_code(
    *, observer: Observer, election: Election, now: datetime, valid: timedelta = CODE_VALIDITY, user: User | None = None
) -> str:
    """Stores a new one-time code and returns it.

    It is returned as it is shown, like M4TQ-7HXV.
    It cannot be shown again.
    """
    code = generate_code()
    with transaction.atomic():
        row = EnrolmentCode.objects.create(
            observer=observer,
            election=election,
            code_hmac=_compute_hmac(normalize_code(code)),
            created_at=now,
            expires_at=now + valid,
        )
        add_trail_entry(
            action="enrolment.create",
            subject=observer,
            now=now,
            user=user,
            detail={"election": election.slug, "expires_at": row.expires_at.isoformat()},
        )
    return code


def generate_code() -> str:
    """A random code as it is shown.

    It is not valid before it is stored.
    """
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{code[:4]}-{code[4:]}"


def store_printed_codes(
    *, codes: Mapping[int, str], names: bool, reason: str, election: Election, now: datetime, user: User
) -> None:
    """Stores codes that are printed on sheets of paper.

    They are valid until `now` + CODE_VALIDITY.
    `codes` are by the observer's key. Unused codes that the same observers got before become invalid.
    Each code gets an entry in the trail. If the sheets show `names`, one more entry has the reason;
    raises ReasonRequired without a reason.
    """
    with transaction.atomic():
        lock_election(election)  # replacing a phone takes the same lock
        if names:
            log_disclosure(
                number=len(codes), what="sheets", fields=["name"], election=election, user=user, reason=reason, now=now
            )
        void_codes(observers=codes, election=election, now=now)
        EnrolmentCode.objects.bulk_create(
            EnrolmentCode(
                observer_id=key,
                election=election,
                code_hmac=_compute_hmac(normalize_code(code)),
                created_at=now,
                expires_at=now + CODE_VALIDITY,
            )
            for key, code in codes.items()
        )
        for key in codes:
            add_trail_entry(
                action="enrolment.print",
                subject=f"observer:{key}",
                now=now,
                user=user,
                election=election.pk,
                detail={"expires_at": (now + CODE_VALIDITY).isoformat(), "names": names, "sheets": len(codes)},
            )


def void_codes(*, observers: Collection[int], election: Election, now: datetime) -> None:
    """Makes the unused codes of these observers expire now.

    `observers` are keys.
    """
    unused = EnrolmentCode.objects.filter(observer__in=observers, election=election, used_at=None, expires_at__gt=now)
    unused.update(expires_at=now)


def create_transfer_code(*, device: Device, now: datetime) -> str:
    """A code for enrolling another device of the same observer.

    It is valid for ten minutes.
    """
    return create_enrolment_code(
        observer=device.observer, election=device.election, now=now, valid=TRANSFER_CODE_VALIDITY
    )


def enrol_device(*, code: str, device_name: str, device_id: UUID | None, now: datetime) -> EnrolledDevice:
    """Uses a code and returns the new device with its token.

    Raises InvalidCode.
    The first answer may not have reached the phone. So the same code with the same `device_id` is accepted again
    within 24 hours: the device gets a new token, and the token of the first answer becomes invalid.
    If two phones use one code at the same time, only one of them succeeds.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = (
            EnrolmentCode.objects.select_for_update(of=("self",))
            .select_related("observer", "election", "device")
            .filter(code_hmac=_compute_hmac(normalize_code(code)))
            .first()
        )
        if row is None:
            raise InvalidCode
        if row.used_at is None:
            return EnrolledDevice(_use_code(row, token, device_name, device_id, now), token)
        device = row.device
        if (
            device is None
            or device_id is None
            or device.device_id != device_id
            or device.revoked_at is not None
            or now - row.used_at > RETRY_PERIOD
        ):
            raise InvalidCode
        device.token_hash = hash_token(token)
        device.save(update_fields=["token_hash"])
        device.observer, device.election = row.observer, row.election
        return EnrolledDevice(device, token)


def _use_code(row: EnrolmentCode, token: str, name: str, device_id: UUID | None, now: datetime) -> Device:
    if now >= row.expires_at:
        raise InvalidCode
    row.device = Device.objects.create(
        observer=row.observer,
        election=row.election,
        device_id=device_id,
        created_at=now,
        last_used_at=now,
        name=re.sub(r"[\x00-\x1f\x7f]", " ", name).strip()[:120],
        token_hash=hash_token(token),
    )
    row.used_at = now
    row.save(update_fields=["used_at", "device"])
    return row.device


def create_device(
    *, observer: Observer, election: Election, name: str, now: datetime, user: User | None = None
) -> EnrolledDevice:
    """Creates a device for an app that cannot use enrolment codes.

    The token is put into the app's settings. It becomes invalid if it is not used within 72 hours.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        device = Device.objects.create(
            observer=observer, election=election, name=name[:120], created_at=now, token_hash=hash_token(token)
        )
        detail = {"election": election.slug, "device": device.pk}
        add_trail_entry(action="device.create", subject=observer, now=now, user=user, detail=detail)
    return EnrolledDevice(device, token)


def is_device_stale(*, device: Device, now: datetime) -> bool:
    """Whether the device was never used in time.

    The time is CODE_VALIDITY after the device was created.
    """
    return device.last_used_at is None and now - device.created_at > CODE_VALIDITY


def find_device_by_token(token: str) -> Device | None:
    """The device with this token, found in one query.

    Its observer and election are loaded.
    None for an unknown token. Revoked devices are found too, so that the caller can tell the phone.
    Only the fields listed in `tokens.py` are loaded; any other field costs another query.
    """
    return find_device_by_token_hash(token_hash=hash_token(token))


def mark_device_used(*, device: Device, now: datetime) -> None:
    """Updates the time of the device's last use.

    It does so at most every five minutes.
    So most requests write nothing.
    """
    if device.last_used_at is not None and now - device.last_used_at < LAST_USED_INTERVAL:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - LAST_USED_INTERVAL)
    Device.objects.filter(stale, pk=device.pk).update(last_used_at=now)
    device.last_used_at = now


def revoke_device(*, device: Device, user: User | None, now: datetime) -> None:
    """Revokes the device, so that its token is refused.

    Its reports stay.
    Revoking twice changes nothing.
    """
    with transaction.atomic():
        if Device.objects.filter(pk=device.pk, revoked_at__isnull=True).update(revoked_at=now):
            device.revoked_at = now
            add_trail_entry(action="device.revoke", subject=device, now=now, user=user)


def record_consent(
    *, observer: Observer, election: Election, version: int, given_at: datetime, received_at: datetime | None = None
) -> None:
    """Records the observer's consent to the election's code of conduct.

    `given_at` is the time by the phone's clock. A repeated or late message about an older version changes nothing.
    """
    older = Q(version__isnull=True) | Q(version__lt=version)
    with transaction.atomic():
        Consent.objects.get_or_create(observer=observer, election=election)
        if Consent.objects.filter(older, observer=observer, election=election).update(version=version, at=given_at):
            add_trail_entry(
                action="observer.consent",
                subject=observer,
                now=received_at or given_at,
                detail={"version": version},
                election=election.pk,
            )


def normalize_code(code: str) -> str:
    """The typed code in its stored form.

    It may be typed in any case, with O for 0, with I or L for 1, and with spaces and dashes anywhere.
    """
    return re.sub(r"[\s\-‐-―−_]", "", code).upper().translate(_MISREAD_LETTERS)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _compute_hmac(normalized_code: str) -> str:
    return crypto.compute_lookup("enrolment", normalized_code)
