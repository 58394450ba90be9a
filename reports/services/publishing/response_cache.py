"""Cache of public responses, shared by all processes.

The cache key contains the revision of the figures and the publication state, so a new figure or a
decision about publication is visible at once. Other changes, such as a corrected name or a withdrawn
photo, are visible after at most CACHE_SECONDS.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from django.core.cache import cache
from django.db.models import F, QuerySet

from observer.models import Commission

CACHE_SECONDS = 60
Result = TypeVar("Result")


def query_commissions(**lookups: Any) -> QuerySet[Commission]:
    """Query commissions with everything that `get_or_build` needs.

    Also what `is_public` needs, all in one statement.
    """
    rows = Commission.objects.filter(**lookups).select_related("election", "level")
    return rows.annotate(revision=F("summary__revision"))


def get_or_build(*, name: str, place: Commission, language: str, now: datetime, build: Callable[[], Result]) -> Result:
    """Return the cached result, or build and cache it.

    None is not cached.

    The key is `name`, the language, and the publication and revision of `place` (from `query_commissions`).
    `name` says which response it is; it must not contain anything that a reader can choose freely.
    """
    election = place.election
    revision = getattr(place, "revision", None) or 0
    key_values = [name, place.pk, revision, language, election.publication, election.are_precincts_public(now)]
    key = f"{name.partition(':')[0]}:{hashlib.sha256(repr(key_values).encode()).hexdigest()}"
    found = cache.get(key)
    if found is None:
        found = build()
        if found is not None:
            cache.set(key, found, CACHE_SECONDS)
    return cast(Result, found)
