"""Two-factor sign-in: time-based codes (TOTP, RFC 6238) and recovery codes."""

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
from observer.models.row_scope import Role
from observer.services.trail import add_trail_entry

STEP_SECONDS = 30  # how long an authenticator app shows a code
MAX_DRIFT_STEPS = 1  # how many steps the clock of a phone may be wrong
RECOVERY_CODE_COUNT = 10


def make_secret() -> str:
    """A new random secret in base32, as authenticator apps expect it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def build_otpauth_uri(*, secret: str, user: User) -> str:
    """The otpauth URI that an authenticator app scans as QR code."""
    query = urlencode({"secret": secret, "issuer": "Baqylau", "digits": 6, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(f'Baqylau:{user.get_username()}')}?{query}"


def compute_totp(*, secret: str, step: int) -> str:
    """The six digits of one time step.

    Steps have STEP_SECONDS and are counted from 1970.
    """
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def find_matching_step(*, secret: str, code: str, now: datetime) -> int | None:
    """The time step that has this code, or None.

    It is the current step or a neighbour.
    """
    current, given = int(now.timestamp()) // STEP_SECONDS, "".join(code.split())
    for step in range(current - MAX_DRIFT_STEPS, current + MAX_DRIFT_STEPS + 1):
        if hmac.compare_digest(compute_totp(secret=secret, step=step).encode(), given.encode()):
            return step
    return None


def requires_second_factor(user: User) -> bool:
    """Whether the setting TWO_FACTOR requires a second factor from this user.

    A superuser counts as an administrator.
    """
    required_for = set(settings.TWO_FACTOR)
    if "all" in required_for:
        return True
    if not required_for & set(Role.values):
        return False
    if user.is_superuser and Role.ADMINISTRATOR in required_for:
        return True
    return user.grants.filter(role__in=required_for).exists()


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exists()


def enable_second_factor(*, user: User, secret: str, code: str, now: datetime) -> list[str] | None:
    """Stores the secret as the user's second factor.

    `code` must prove that the user's app has the secret.
    Returns the recovery codes, to be shown once; None for a wrong code.
    """
    step = find_matching_step(secret=secret, code=code, now=now)
    if step is None:
        return None
    with transaction.atomic():
        SecondFactor.objects.update_or_create(user=user, defaults={"secret": secret, "since": now, "last_step": step})
        codes = _replace_recovery_codes(user)
        add_trail_entry(action="user.second_factor", subject=user, user=user, now=now)
    return codes


def renew_recovery_codes(*, user: User, now: datetime) -> list[str]:
    """Makes new recovery codes and invalidates the old ones.

    Returns them, to be shown once.
    """
    with transaction.atomic():
        codes = _replace_recovery_codes(user)
        add_trail_entry(action="user.recovery_codes", subject=user, user=user, now=now)
    return codes


def _replace_recovery_codes(user: User) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODE_COUNT)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_hash_recovery_code(user, code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _hash_recovery_code(user: User, code: str) -> str:
    normalized = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(f"{user.pk}:{normalized}".encode()).hexdigest()


def check_code(*, user: User, code: str, now: datetime) -> bool:
    """Checks a TOTP code or recovery code and uses it up.

    Returns whether it is valid.
    Each code is accepted once, also if several requests use it at the same time.
    """
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    step = find_matching_step(secret=factor.secret, code=code, now=now)
    if step is not None:
        unused = SecondFactor.objects.filter(pk=factor.pk, secret__isnull=False, last_step__lt=step)
        return unused.update(last_step=step) == 1
    with transaction.atomic():
        codes = RecoveryCode.objects.filter(user=user, digest=_hash_recovery_code(user, code), used_at=None)
        if codes.update(used_at=now) != 1:
            return False
        left = RecoveryCode.objects.filter(user=user, used_at=None).count()
        add_trail_entry(action="user.recovery_code", subject=user, user=user, now=now, detail={"left": left})
    return True


def reset_second_factor(*, user: User, by: User | None, now: datetime) -> None:
    """Removes the user's second factor and ends all sign-ins.

    The user sets up a new second factor at the next sign-in.
    """
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        SignIn.objects.filter(user=user, ended_at=None).update(ended_at=now)
        add_trail_entry(action="user.reset_second_factor", subject=user, user=by, now=now)
