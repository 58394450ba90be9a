"""Mirror addresses of this platform, as elections declare them.

A phone tries them in turn.
"""

from collections.abc import Iterable

from observer.models import Election
from observer.words import is_origin


def list_public_mirrors() -> list[str]:
    """Mirrors of publicly announced elections, sorted. These are published."""
    return _collect_origins(Election.objects.announced().values_list("mirrors", flat=True))


def list_declared_mirrors() -> list[str]:
    """Mirrors of all elections except drafts, sorted."""
    return _collect_origins(Election.objects.exclude(state=Election.State.DRAFT).values_list("mirrors", flat=True))


def _collect_origins(declared: Iterable[list[str]]) -> list[str]:
    return sorted({one for mirrors in declared for one in mirrors if is_origin(one)})
