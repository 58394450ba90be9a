"""The other addresses of this platform, as elections declare them: a phone tries them in turn."""

from collections.abc import Iterable

from observer.models import Election
from observer.words import is_origin


def mirrors_public() -> list[str]:
    """Mirrors of elections of which strangers may know, in order; they stand in what everybody may read."""
    return _origins(Election.objects.announced().values_list("mirrors", flat=True))


def mirrors_declared() -> list[str]:
    """Mirrors of every election that has begun to be prepared in earnest, closed to the public or not."""
    return _origins(Election.objects.exclude(state=Election.State.DRAFT).values_list("mirrors", flat=True))


def _origins(declared: Iterable[list[str]]) -> list[str]:
    return sorted({one for mirrors in declared for one in mirrors if is_origin(one)})
