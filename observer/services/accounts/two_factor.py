"""The second step of signing in: six digits of an application (RFC 6238), or a recovery code from paper."""

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction

from observer.models import RecoveryCode, SecondFactor, SignIn, User
from observer.models.reach import Role
from observer.services.trail import trail_add

STEP = 30  # seconds a code is shown
DRIFT = 1  # steps that a phone's clock may be off
CODES = 10


def secret_make() -> str:
    """A fresh secret in base32, as applications take it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def secret_address(*, secret: str, user: User) -> str:
    """What the QR code says to the application."""
    query = urlencode({"secret": secret, "issuer": "Baqylau", "digits": 6, "period": STEP})
    return f"otpauth://totp/{quote(f'Baqylau:{user.get_username()}')}?{query}"


def totp(*, secret: str, step: int) -> str:
    """The six digits of one step of thirty seconds since 1970."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    place = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[place : place + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def matching_step(*, secret: str, code: str, now: datetime) -> int | None:
    """The step whose code this is, of the present one and its neighbours."""
    current, given = int(now.timestamp()) // STEP, "".join(code.split())
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(totp(secret=secret, step=step).encode(), given.encode()):
            return step
    return None


def is_compulsory(user: User) -> bool:
    """Whether the settings ask this user for a second factor. A superuser counts as an administrator."""
    wanted = set(settings.TWO_FACTOR)
    if "all" in wanted:
        return True
    if not wanted & set(Role.values):
        return False
    if user.is_superuser and Role.ADMINISTRATOR in wanted:
        return True
    return user.grants.filter(role__in=wanted).exists()


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exists()


def second_factor_set(*, user: User, secret: str, code: str, now: datetime) -> list[str] | None:
    """Takes the application into use once it shows the right code. The recovery codes, or None for a wrong code."""
    step = matching_step(secret=secret, code=code, now=now)
    if step is None:
        return None
    with transaction.atomic():
        SecondFactor.objects.update_or_create(user=user, defaults={"secret": secret, "since": now, "last_step": step})
        codes = _codes_make(user)
        trail_add(action="user.second_factor", subject=user, user=user, now=now)
    return codes


def recovery_codes_renew(*, user: User, now: datetime) -> list[str]:
    """Ten new codes; the old ones are void."""
    with transaction.atomic():
        codes = _codes_make(user)
        trail_add(action="user.recovery_codes", subject=user, user=user, now=now)
    return codes


def _codes_make(user: User) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(user, code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _digest(user: User, code: str) -> str:
    folded = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(f"{user.pk}:{folded}".encode()).hexdigest()


def code_check(*, user: User, code: str, now: datetime) -> bool:
    """Whether it opens: six digits that were not used yet, or a recovery code. Either is good once, whoever races."""
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    step = matching_step(secret=factor.secret, code=code, now=now)
    if step is not None:
        fresh = SecondFactor.objects.filter(pk=factor.pk, secret__isnull=False, last_step__lt=step)
        return fresh.update(last_step=step) == 1
    with transaction.atomic():
        codes = RecoveryCode.objects.filter(user=user, digest=_digest(user, code), used_at=None)
        if codes.update(used_at=now) != 1:
            return False
        left = RecoveryCode.objects.filter(user=user, used_at=None).count()
        trail_add(action="user.recovery_code", subject=user, user=user, now=now, detail={"left": left})
    return True


def second_factor_reset(*, user: User, by: User | None, now: datetime) -> None:
    """Takes the second factor away and ends every session: the next sign-in sets it up anew."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        SignIn.objects.filter(user=user, ended_at=None).update(ended_at=now)
        trail_add(action="user.reset_second_factor", subject=user, user=by, now=now)
