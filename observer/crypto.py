"""Encryption of what names a person, and the keyed hashes by which it can be found again.

Values are encrypted by Fernet (AES-128-CBC with HMAC-SHA256, from `cryptography`) under
FIELD_KEYS, the first of which writes and all of which read. Look-ups go through HMAC-SHA256 under
LOOKUP_KEY, a key of its own, so that rotating one does not lose the other.
"""

import hashlib
import hmac
import unicodedata
import zlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """A value that none of FIELD_KEYS opens: the key is lost, or the value was tampered with."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    return _fernet(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt(token: bytes) -> bytes:
    try:
        return _fernet(tuple(settings.FIELD_KEYS)).decrypt(token)
    except InvalidToken:
        raise Unreadable from None


def rotate(token: bytes) -> bytes:
    """The same value under the first of FIELD_KEYS; its time stamp stays."""
    try:
        return _fernet(tuple(settings.FIELD_KEYS)).rotate(token)
    except InvalidToken:
        raise Unreadable from None


def encrypt_body(body: bytes) -> bytes:
    """A received body, compressed first: bodies are many, and text.

    With a small window: a report is small, and clearing the usual 256 kB took longer than all the rest of this.
    """
    small = zlib.compressobj(1, zlib.DEFLATED, wbits=12, memLevel=5)
    return encrypt(small.compress(body) + small.flush())


def decrypt_body(token: bytes) -> bytes:
    """The body as it was received; nothing, of one that was purged."""
    return zlib.decompress(decrypt(token)) if token else b""


def lookup(kind: str, value: str) -> str:
    """64 hex characters that are equal for equal values of one kind, and tell nothing without LOOKUP_KEY.

    `kind` keeps a phone number from being found among codes. The value is folded the way people
    vary it: Unicode form, case and outer spaces; a phone keeps its digits and leading plus only.
    """
    folded = unicodedata.normalize("NFC", value).strip().casefold()
    if kind == "phone":
        folded = "".join(c for c in folded if c.isdigit() or c == "+")
    return hmac.new(settings.LOOKUP_KEY.encode(), f"{kind}:{folded}".encode(), hashlib.sha256).hexdigest()
