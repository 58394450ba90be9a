"""Which stations a release shows by themselves, so that no observer can be found out. Pure.

What a district's figures say beyond its shown stations is about those held back. So either none is
held back, or so many that nobody can tell them apart by subtracting: docs/decisions/0007-releases.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Station:
    """A station that someone reported about. `observers`: how many people did; `known`: an earlier release shows it."""

    code: str
    observers: int
    known: bool = False


def stations_shown(*, stations: Iterable[Station], observers_min: int, cell_min: int) -> frozenset[str]:
    """Codes of the stations of one district that may be shown."""
    ready = [one for one in stations if one.observers >= observers_min]
    held = [one for one in stations if one.observers < observers_min]
    if not held:
        return frozenset(one.code for one in ready)
    # Whoever knows what an earlier release said of a station can take it off: it hides nobody.
    hiding = sum(not one.known for one in held)
    candidates = sorted((one for one in ready if not one.known), key=lambda one: (one.observers, one.code))
    lacking = max(0, cell_min - hiding)
    if lacking > len(candidates):
        return frozenset()
    also_held = {one.code for one in candidates[:lacking]}
    return frozenset(one.code for one in ready if one.code not in also_held)


def types_coarsened(*, observed: dict[str, int], cell_min: int) -> dict[str, str]:
    """Under which name each type of station is counted: its own, or "" (other) where it has too few observed.

    Those without a name are "" too. Whatever is "" is empty or has at least `cell_min` observed, unless all together
    have fewer.
    """
    own = {code for code, n in observed.items() if code and n >= cell_min}
    order = sorted(own, key=lambda code: (observed[code], code))
    other = sum(n for code, n in observed.items() if code not in own)
    while 0 < other < cell_min and order:
        smallest = order.pop(0)
        own.discard(smallest)
        other += observed[smallest]
    return {code: code if code in own else "" for code in observed}
