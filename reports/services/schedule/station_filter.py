"""Which stations of a territory are shown by what they owe: on the desk's page, and as a file."""

from collections.abc import Iterable, Iterator

from reports.services.schedule.board import Station

SHOWS = ("", "silent", "late", "unopened")


def stations_shown(*, found: Iterable[Station], show: str, checklist: str) -> Iterator[Station]:
    """Those that are silent, late (with this checklist, where it is named) or not opened; all for an empty `show`."""
    for one in found:
        if show == "silent" and not (one.silent and one.precinct):
            continue
        if show == "unopened" and (one.opened or not one.precinct):
            continue
        if show == "late" and not (checklist in one.overdue if checklist else one.overdue):
            continue
        yield one
