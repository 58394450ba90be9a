"""Tests that subtracting shown stations identifies no withheld one."""

from hypothesis import given
from hypothesis import strategies as st

from reports.services.publishing.disclosure import ReportedStation, merge_rare_types, select_shown_stations

station = st.builds(
    ReportedStation,
    code=st.text("ABCDEFGH", min_size=3, max_size=6),
    observers=st.integers(1, 4),
    shown_before=st.booleans(),
)
districts = st.lists(station, max_size=12, unique_by=lambda one: one.code)


def select_shown(*observers: int, shown_before: str = "") -> set[str]:
    rows = [ReportedStation(f"S{place}", n, f"S{place}" in shown_before) for place, n in enumerate(observers)]
    return set(select_shown_stations(stations=rows, min_observers=2, min_cell_size=3))


def test_all_are_shown_where_each_has_several_observers():
    assert select_shown(2, 3, 2) == {"S0", "S1", "S2"}


def test_a_withheld_station_makes_others_withheld_too():
    assert select_shown(1, 2, 5, 2, 4) == {"S2", "S4"}  # those with the fewest observers go first


def test_a_small_district_shows_none():
    assert select_shown(1, 2) == set()
    assert select_shown(1) == set()


def test_stations_of_an_earlier_release_do_not_hide_others():
    assert select_shown(1, 1, 1, 2, shown_before="S0 S1") == set()
    assert select_shown(1, 1, 1, 2, 2, 3, shown_before="S0") == {"S4", "S5"}


@given(districts)
def test_the_withheld_remainder_is_never_about_few_stations(rows):
    shown = select_shown_stations(stations=rows, min_observers=2, min_cell_size=3)
    withheld = [one for one in rows if one.code not in shown]
    assert all(one.observers >= 2 for one in rows if one.code in shown)
    assert not shown or not withheld or sum(not one.shown_before for one in withheld) >= 3


@given(st.dictionaries(st.sampled_from(["", "ordinary", "hospital", "military", "abroad"]), st.integers(0, 6)))
def test_no_type_has_few_stations_not_even_by_subtraction(observed):
    names = merge_rare_types(observed=observed, min_cell_size=3)
    totals: dict[str, int] = {}
    for code, n in observed.items():
        totals[names[code]] = totals.get(names[code], 0) + n
    assert all(n >= 3 for name, n in totals.items() if name)
    assert totals.get("", 0) == 0 or totals[""] >= 3 or sum(observed.values()) < 3
