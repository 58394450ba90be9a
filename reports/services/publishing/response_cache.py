"""Public answers that many people read are made once and kept a while, in the cache that all processes share.

What an answer is made of is in its key, so a new figure or a decision about publication shows at
once. What is not, such as a corrected name or a withdrawn photo, shows within a minute.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from django.core.cache import cache
from django.db.models import F, QuerySet

from observer.models import Commission

SECONDS = 60
Answer = TypeVar("Answer")


def places(**which: Any) -> QuerySet[Commission]:
    """Commissions by these look-ups, each with all that `kept` and `published` ask of it, in one statement."""
    rows = Commission.objects.filter(**which).select_related("election", "level")
    return rows.annotate(revision=F("summary__revision"))


def kept(*, what: str, place: Commission, language: str, now: datetime, make: Callable[[], Answer]) -> Answer:
    """`make()`, or what it gave for this `what`, language, publication and revision of `place` (see `places`).

    `what` names the format, and nothing that a reader can choose freely.
    """
    election = place.election
    revision = getattr(place, "revision", None) or 0
    stamp = [what, place.pk, revision, language, election.publication, election.precincts_are_public(now)]
    key = f"{what.partition(':')[0]}:{hashlib.sha256(repr(stamp).encode()).hexdigest()}"
    found = cache.get(key)
    if found is None:
        found = make()
        if found is not None:
            cache.set(key, found, SECONDS)
    return cast(Answer, found)
