"""A cache of children's figures in the process.

The process that adds up a parent's figures needs those of all its children. Most children have not
changed since the last time. The version of a summary's row is its revision and its time in
microseconds. The revision alone is not enough: it is given a second time where a transaction is rolled
back, or an older copy of the database is restored.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from reports.models import Summary
from reports.services.figures.serialize import serialize_child_violations, serialize_coverage
from reports.services.figures.tally import unpack_observers
from reports.services.figures.tally_flat import FlatTally, flatten_tally

MAX_CACHED_LINES = 3_000_000  # some twenty bytes each

Version = tuple[int, datetime | None]  # revision and time of a summary


@dataclass(frozen=True, slots=True)
class ChildFigures:
    """What one child adds to its parent.

    Its figures, its observers, and its entry in the list of children.
    """

    version: Version
    flat: FlatTally
    observers: bytes
    coverage: Mapping[str, Any]
    violations: Mapping[str, Any]


def build_child_figures(*, key: int, version: Version, tally: Mapping[str, Any], observers: bytes) -> ChildFigures:
    """Builds a child's figures from its stored tally and its packed observers."""
    coverage = serialize_coverage(dict(tally), len(unpack_observers(observers)))
    return ChildFigures(version, flatten_tally(tally), observers, coverage, serialize_child_violations(dict(tally)))


EMPTY_CHILD = ChildFigures((0, None), flatten_tally({}), b"", serialize_coverage({}, 0), serialize_child_violations({}))

_cache: OrderedDict[int, ChildFigures] = OrderedDict()  # the least recently used first
_lock = Lock()
_cached_lines = 0


def load_child_figures(*, versions: Mapping[int, Version]) -> dict[int, ChildFigures]:
    """Loads commissions' figures, from the cache where the version is the same.

    `versions` are by commission key. A commission may come in a later version that was committed in
    the meantime; one whose row is gone in the meantime has empty figures. Runs at most one statement.
    """
    found = {}
    with _lock:
        for key, version in versions.items():
            entry = _cache.get(key)
            if entry is not None and entry.version == version:
                found[key] = entry
                _cache.move_to_end(key)
    missing = versions.keys() - found.keys()
    if missing:
        rows = Summary.objects.filter(pk__in=missing, revision__gt=0).order_by()
        for key, revision, as_of, tally, observers in rows.values_list(
            "pk", "revision", "as_of", "tally", "observers"
        ).iterator(chunk_size=500):
            found[key] = build_child_figures(
                key=key, version=(revision, as_of), tally=tally, observers=bytes(observers)
            )
        _store((key, found[key]) for key in missing & found.keys())
    return {key: found.get(key, EMPTY_CHILD) for key in versions}


def clear_cache() -> None:
    """Empties the cache."""
    global _cached_lines
    with _lock:
        _cache.clear()
        _cached_lines = 0


def _store(entries: Iterable[tuple[int, ChildFigures]]) -> None:
    """Adds entries; drops the least recently used ones above `MAX_CACHED_LINES`."""
    global _cached_lines
    with _lock:
        for key, figures in entries:
            previous = _cache.pop(key, None)
            _cached_lines += len(figures.flat) - (len(previous.flat) if previous else 0)
            _cache[key] = figures
        while _cached_lines > MAX_CACHED_LINES:
            _key, oldest = _cache.popitem(last=False)
            _cached_lines -= len(oldest.flat)
