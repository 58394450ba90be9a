"""Encryption of protected values, and keyed hashes for look-ups.

Values are encrypted by Fernet (AES-128-CBC with HMAC-SHA256, from `cryptography`) with FIELD_KEYS: the first key
encrypts, all of them decrypt. The hashes for look-ups are HMAC-SHA256 with LOOKUP_KEY. It is a separate key, so that
FIELD_KEYS can be rotated without it.
"""

import hashlib
import hmac
import unicodedata
import zlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class DecryptionError(Exception):
    """None of FIELD_KEYS decrypts the value.

    The key is lost, or the value was changed.
    """


@lru_cache(maxsize=4)
def _get_cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    """Encrypts with the first of FIELD_KEYS."""
    return _get_cipher(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt(token: bytes) -> bytes:
    """Decrypts with any of FIELD_KEYS. Raises DecryptionError."""
    try:
        return _get_cipher(tuple(settings.FIELD_KEYS)).decrypt(token)
    except InvalidToken:
        raise DecryptionError from None


def rotate_token(token: bytes) -> bytes:
    """Encrypts the same value again with the first of FIELD_KEYS.

    Its time stamp stays the same.
    """
    try:
        return _get_cipher(tuple(settings.FIELD_KEYS)).rotate(token)
    except InvalidToken:
        raise DecryptionError from None


def encrypt_body(body: bytes) -> bytes:
    """Compresses and encrypts the body of a received report.

    The compression window is small, because reports are small: preparing the usual 256 kB took longer than
    all other steps.
    """
    compressor = zlib.compressobj(1, zlib.DEFLATED, wbits=12, memLevel=5)
    return encrypt(compressor.compress(body) + compressor.flush())


def decrypt_body(token: bytes) -> bytes:
    """The body as it was received.

    Empty for a body that was purged.
    """
    return zlib.decompress(decrypt(token)) if token else b""


def compute_lookup(kind: str, value: str) -> str:
    """A keyed hash of a value, to find equal values.

    It has 64 hexadecimal characters.
    Without LOOKUP_KEY it says nothing about the value. Equal values of different kinds have different hashes, so that
    a phone number is not found among codes. The value is normalized first: Unicode form NFC, small letters, no outer
    spaces; of a phone only digits and plus signs are kept.
    """
    normalized = unicodedata.normalize("NFC", value).strip().casefold()
    if kind == "phone":
        normalized = "".join(c for c in normalized if c.isdigit() or c == "+")
    return hmac.new(settings.LOOKUP_KEY.encode(), f"{kind}:{normalized}".encode(), hashlib.sha256).hexdigest()
