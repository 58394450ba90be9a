"""The filter of stations by what is missing.

For the desk's page and for exports.
"""

from collections.abc import Iterable, Iterator

from reports.services.schedule.board import Station

STATION_FILTERS = ("", "silent", "late", "unopened")


def filter_stations(*, stations: Iterable[Station], show: str, checklist: str) -> Iterator[Station]:
    """Stations that are silent, late or not opened.

    Which of these, `show` says; all where it is empty. `checklist`: for `late`, only stations of which a report
    on this checklist is late.
    """
    for one in stations:
        if show == "silent" and not (one.silent and one.is_precinct):
            continue
        if show == "unopened" and (one.opened or not one.is_precinct):
            continue
        if show == "late" and not (checklist in one.overdue if checklist else one.overdue):
            continue
        yield one
