"""What children say, remembered by the process that adds them up: most of them have not changed since.

A summary's row is known by its revision and the microsecond of it: the revision alone comes again
where a transaction is undone, or an older copy of the database is brought back.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from reports.models import Summary
from reports.services.figures.serialize import coverage_words, violations_short
from reports.services.figures.tally import observers_unpacked
from reports.services.figures.tally_flat import Flat, flatten

LINES = 3_000_000  # remembered at most, some twenty bytes each

Version = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Said:
    """What one child adds to its parent: figures, observers, and the line it is listed by."""

    version: Version
    flat: Flat
    observers: bytes
    coverage: Mapping[str, Any]
    violations: Mapping[str, Any]


def said(*, key: int, version: Version, tally: Mapping[str, Any], observers: bytes) -> Said:
    coverage = coverage_words(dict(tally), len(observers_unpacked(observers)))
    return Said(version, flatten(tally), observers, coverage, violations_short(dict(tally)))


NOTHING = Said((0, None), flatten({}), b"", coverage_words({}, 0), violations_short({}))

_known: OrderedDict[int, Said] = OrderedDict()  # the longest unused first
_lock = Lock()
_lines = 0


def said_by(*, versions: Mapping[int, Version]) -> dict[int, Said]:
    """What these commissions say in these versions, or in later ones that were committed meanwhile.

    At most one statement. One whose row is gone meanwhile says nothing.
    """
    found = {}
    with _lock:
        for key, version in versions.items():
            known = _known.get(key)
            if known is not None and known.version == version:
                found[key] = known
                _known.move_to_end(key)
    missing = versions.keys() - found.keys()
    if missing:
        rows = Summary.objects.filter(pk__in=missing, revision__gt=0).order_by()
        for key, revision, as_of, tally, observers in rows.values_list(
            "pk", "revision", "as_of", "tally", "observers"
        ).iterator(chunk_size=500):
            found[key] = said(key=key, version=(revision, as_of), tally=tally, observers=bytes(observers))
        _remember((key, found[key]) for key in missing & found.keys())
    return {key: found.get(key, NOTHING) for key in versions}


def forget() -> None:
    """Empties the memory."""
    global _lines
    with _lock:
        _known.clear()
        _lines = 0


def _remember(several: Iterable[tuple[int, Said]]) -> None:
    global _lines
    with _lock:
        for key, one in several:
            former = _known.pop(key, None)
            _lines += len(one.flat) - (len(former.flat) if former else 0)
            _known[key] = one
        while _lines > LINES:
            _key, oldest = _known.popitem(last=False)
            _lines -= len(oldest.flat)
