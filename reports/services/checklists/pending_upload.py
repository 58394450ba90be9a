"""Uploaded checklist files between preview and import.

A file is kept in the cache for a quarter of an hour, and only for the user who uploaded it. If the
cache is lost, the user uploads the file again.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.cache import cache

from observer.models import Election, User

EXPIRES_SECONDS = 900


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An uploaded checklist file.

    `source` is its content; `files` are the files that it refers to, by name.
    """

    election: Election
    name: str
    source: bytes
    files: Mapping[str, bytes]


def store_pending_upload(*, user: User, upload: PendingUpload) -> str:
    """Stores an upload; returns a token by which the same user finds it."""
    token = secrets.token_urlsafe(16)
    cache.set(
        _build_cache_key(user, token),
        (upload.election.pk, upload.name, upload.source, dict(upload.files)),
        EXPIRES_SECONDS,
    )
    return token


def find_pending_upload(*, user: User, token: str) -> PendingUpload | None:
    """Finds this user's upload.

    Returns None for any other token, and after a quarter of an hour.
    """
    found = cache.get(_build_cache_key(user, token)) if re.fullmatch(r"[\w\-]{1,60}", token, re.ASCII) else None
    if found is None:
        return None
    key, name, source, files = found
    election = Election.objects.filter(pk=key).first()
    return PendingUpload(election, name, source, files) if election else None


def _build_cache_key(user: User, token: str) -> str:
    return f"shown:{user.pk}:{token}"
