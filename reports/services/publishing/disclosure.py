"""Disclosure control: which stations a release may show separately. Pure.

It protects observers from being identified. Subtracting the shown stations from a district's figures
gives the figures of the withheld stations. So either no station is withheld, or at least so many that
the difference is not about a single one: docs/decisions/0007-releases.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportedStation:
    """A station with at least one report.

    `observers`: how many people reported about it. `shown_before`: an earlier release shows it.
    """

    code: str
    observers: int
    shown_before: bool = False


def select_shown_stations(
    *, stations: Iterable[ReportedStation], min_observers: int, min_cell_size: int
) -> frozenset[str]:
    """Select the codes of one district's stations that may be shown.

    A shown station has at least `min_observers` observers. Either all stations are shown, or at least
    `min_cell_size` stations that no earlier release shows are withheld.
    """
    eligible = [one for one in stations if one.observers >= min_observers]
    withheld = [one for one in stations if one.observers < min_observers]
    if not withheld:
        return frozenset(one.code for one in eligible)
    # A station in an earlier release can be subtracted by any reader, so it does not hide the others.
    hidden_count = sum(not one.shown_before for one in withheld)
    candidates = sorted((one for one in eligible if not one.shown_before), key=lambda one: (one.observers, one.code))
    missing_count = max(0, min_cell_size - hidden_count)
    if missing_count > len(candidates):
        return frozenset()
    also_withheld = {one.code for one in candidates[:missing_count]}
    return frozenset(one.code for one in eligible if one.code not in also_withheld)


def merge_rare_types(*, observed: dict[str, int], min_cell_size: int) -> dict[str, str]:
    """Map each station type to the type it is counted under.

    `observed`: the number of observed stations by type. A type is counted under its own code, or under ""
    (other) where it has fewer than `min_cell_size` observed stations. Stations without a type are "" too.
    The group "" is empty or has at least `min_cell_size` observed stations, unless all types together have fewer.
    """
    kept_types = {code for code, n in observed.items() if code and n >= min_cell_size}
    order = sorted(kept_types, key=lambda code: (observed[code], code))
    other_total = sum(n for code, n in observed.items() if code not in kept_types)
    while 0 < other_total < min_cell_size and order:
        smallest = order.pop(0)
        kept_types.discard(smallest)
        other_total += observed[smallest]
    return {code: code if code in kept_types else "" for code in observed}
