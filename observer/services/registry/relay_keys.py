"""Key pairs of elections for encrypted relay files (`docs/relay.md`).

Phones encrypt relay files, which people carry, for their election. The keys are X25519 of the age format
(https://age-encryption.org/v1). Phones get the public key. The secret key is stored encrypted like a name, so that
the database alone is not enough to open a file.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyrage  # type: ignore[import-untyped]
from django.db import transaction
from pyrage import x25519

from observer.models import Election, User
from observer.services.trail import add_trail_entry


class DecryptionFailed(Exception):
    """No key decrypts the file, or it is damaged.

    It may have been cut off or altered.
    """


class BinaryWriter(Protocol):
    """A writer that receives decrypted bytes."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


def set_relay_keys(election: Election) -> None:
    """Gives the election a key pair if it has none.

    The caller saves the election.
    """
    if not election.relay_key:
        secret = x25519.Identity.generate()
        election.relay_key, election.relay_secret = str(secret.to_public()), str(secret)


def create_missing_relay_keys(*, now: datetime, user: User | None = None) -> list[Election]:
    """Creates a key pair for every election that has none.

    Returns these elections.
    """
    changed = []
    for pk in Election.objects.filter(relay_key="").values_list("pk", flat=True):
        with transaction.atomic():
            election = Election.objects.select_for_update().get(pk=pk)
            if not election.relay_key:
                set_relay_keys(election)
                election.save(update_fields=["relay_key", "relay_secret"])
                add_trail_entry(action="election.key", subject=election, now=now, user=user)
                changed.append(election)
    return changed


def compute_key_id(recipient: str) -> str:
    """A short identifier by which people compare public keys."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:16]


def decrypt_relay_file(*, path: Path, output: BinaryWriter, election: Election | None = None) -> None:
    """Decrypts a relay file into `output`.

    It uses the key of `election`, or without one the keys of all elections.
    It writes some kilobytes at a time. Each part is authentic when it is written, but the file is known to be
    complete only after this function returns. Raises DecryptionFailed, and whatever `output` raises.
    """
    rows = Election.objects.exclude(relay_key="").order_by("-date", "pk")
    secrets = [row.relay_secret for row in (rows if election is None else rows.filter(pk=election.pk))]
    keys = [x25519.Identity.from_str(secret) for secret in secrets if secret]
    writer = _ErrorKeepingWriter(output)
    try:
        with path.open("rb") as source:
            pyrage.decrypt_io(source, writer, keys)
    except (pyrage.DecryptError, OSError) as error:
        if writer.error is not None:
            raise writer.error from None
        raise DecryptionFailed(str(error)) from None


def is_sealed_for_election(*, path: Path, election: Election) -> bool:
    """Whether the file is encrypted for this election's key.

    Does not check whether it is complete.
    """
    try:
        decrypt_relay_file(path=path, output=_FirstBytesWriter(), election=election)
    except _FirstBytesDecrypted:
        return True
    except DecryptionFailed:
        return False
    return True


class _FirstBytesDecrypted(Exception):
    """The key decrypts the file."""


class _FirstBytesWriter:
    """Stops the decryption at the first bytes.

    They only come with the right key.
    """

    def write(self, data: bytes) -> int:
        raise _FirstBytesDecrypted

    def flush(self) -> None:
        return None


class _ErrorKeepingWriter:
    """Keeps the error that the output raised.

    So it can be told from errors of the decryption.
    """

    def __init__(self, output: BinaryWriter) -> None:
        self.output = output
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            self.output.write(data)
        except Exception as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        return None
