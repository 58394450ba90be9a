"""The key pair by which an election's phones seal the files that people carry (`docs/relay.md`).

X25519 of the age format (https://age-encryption.org/v1). The public key is told to phones; the secret
is a protected field like a name, so that whoever steals the database alone opens no file.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyrage  # type: ignore[import-untyped]
from django.db import transaction
from pyrage import x25519

from observer.models import Election, User
from observer.services.trail import trail_add


class Unopened(Exception):
    """A file that none of the keys opens, or that was cut off or altered."""


class Writer(Protocol):
    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


def relay_keys_set(election: Election) -> None:
    """Gives an election a key pair, unless it has one; the caller saves."""
    if not election.relay_key:
        secret = x25519.Identity.generate()
        election.relay_key, election.relay_secret = str(secret.to_public()), str(secret)


def relay_keys_complete(*, now: datetime, user: User | None = None) -> list[Election]:
    """Gives every election that has none a key pair; those that got one."""
    made = []
    for pk in Election.objects.filter(relay_key="").values_list("pk", flat=True):
        with transaction.atomic():
            election = Election.objects.select_for_update().get(pk=pk)
            if not election.relay_key:
                relay_keys_set(election)
                election.save(update_fields=["relay_key", "relay_secret"])
                trail_add(action="election.key", subject=election, now=now, user=user)
                made.append(election)
    return made


def key_id(recipient: str) -> str:
    """A short name for a public key, by which people can compare two."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:16]


def relay_open(*, path: Path, to: Writer, election: Election | None = None) -> None:
    """Decrypts the file into `to`, some kilobytes at a time, with this election's key or any election's.

    Each piece is authentic when it is written, but only when this returns was the file whole. Raises
    Unopened, and whatever `to` raises.
    """
    rows = Election.objects.exclude(relay_key="").order_by("-date", "pk")
    secrets = [row.relay_secret for row in (rows if election is None else rows.filter(pk=election.pk))]
    keys = [x25519.Identity.from_str(secret) for secret in secrets if secret]
    sink = _Sink(to)
    try:
        with path.open("rb") as source:
            pyrage.decrypt_io(source, sink, keys)
    except (pyrage.DecryptError, OSError) as error:
        if sink.error is not None:
            raise sink.error from None
        raise Unopened(str(error)) from None


def relay_is_for(*, path: Path, election: Election) -> bool:
    """Whether the file is sealed for this election's key; whether it is whole is another question."""
    try:
        relay_open(path=path, to=_First(), election=election)
    except _Opens:
        return True
    except Unopened:
        return False
    return True


class _Opens(Exception):
    pass


class _First:
    """Stops at the first bytes: they are there only for the right key."""

    def write(self, data: bytes) -> int:
        raise _Opens

    def flush(self) -> None:
        return None


class _Sink:
    """Tells what the reader of the plain bytes raised from what decrypting raised."""

    def __init__(self, to: Writer) -> None:
        self.to = to
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            self.to.write(data)
        except Exception as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        return None
