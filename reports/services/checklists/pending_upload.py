"""A file that was chosen and looked at, until it is used: a quarter of an hour in the cache, and only for its chooser.

Nothing is lost when the cache is: the file is chosen once again.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.cache import cache

from observer.models import Election, User

SECONDS = 900


@dataclass(frozen=True, slots=True)
class Kept:
    """For which election, the name of the file, what is in it, and the files that it refers to by name."""

    election: Election
    name: str
    source: bytes
    files: Mapping[str, bytes]


def upload_keep(*, user: User, upload: Kept) -> str:
    """A word by which the same user finds it again."""
    token = secrets.token_urlsafe(16)
    cache.set(_key(user, token), (upload.election.pk, upload.name, upload.source, dict(upload.files)), SECONDS)
    return token


def upload_kept(*, user: User, token: str) -> Kept | None:
    """What this user chose; None for any other word, and after a quarter of an hour."""
    found = cache.get(_key(user, token)) if re.fullmatch(r"[\w\-]{1,60}", token, re.ASCII) else None
    if found is None:
        return None
    key, name, source, files = found
    election = Election.objects.filter(pk=key).first()
    return Kept(election, name, source, files) if election else None


def _key(user: User, token: str) -> str:
    return f"shown:{user.pk}:{token}"
