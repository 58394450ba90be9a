"""Which stations a release shows by themselves: nothing can be had by subtracting the siblings."""

from hypothesis import given
from hypothesis import strategies as st

from reports.services.publishing.disclosure import Station, stations_shown, types_coarsened

station = st.builds(
    Station, code=st.text("ABCDEFGH", min_size=3, max_size=6), observers=st.integers(1, 4), known=st.booleans()
)
districts = st.lists(station, max_size=12, unique_by=lambda one: one.code)


def shown(*observers: int, known: str = "") -> set[str]:
    rows = [Station(f"S{place}", n, f"S{place}" in known) for place, n in enumerate(observers)]
    return set(stations_shown(stations=rows, observers_min=2, cell_min=3))


def test_where_everyone_was_seen_by_several_all_are_shown():
    assert shown(2, 3, 2) == {"S0", "S1", "S2"}


def test_one_that_is_held_back_takes_others_with_it():
    assert shown(1, 2, 5, 2, 4) == {"S2", "S4"}  # those with the fewest observers go first


def test_a_small_district_shows_none():
    assert shown(1, 2) == set()
    assert shown(1) == set()


def test_what_an_earlier_release_told_hides_nobody():
    assert shown(1, 1, 1, 2, known="S0 S1") == set()
    assert shown(1, 1, 1, 2, 2, 3, known="S0") == {"S4", "S5"}


@given(districts)
def test_what_is_left_is_never_about_few(rows):
    told = stations_shown(stations=rows, observers_min=2, cell_min=3)
    held = [one for one in rows if one.code not in told]
    assert all(one.observers >= 2 for one in rows if one.code in told)
    assert not told or not held or sum(not one.known for one in held) >= 3


@given(st.dictionaries(st.sampled_from(["", "ordinary", "hospital", "military", "abroad"]), st.integers(0, 6)))
def test_no_type_has_few_stations_and_none_can_be_had_by_taking_off_the_others(observed):
    names = types_coarsened(observed=observed, cell_min=3)
    totals: dict[str, int] = {}
    for code, n in observed.items():
        totals[names[code]] = totals.get(names[code], 0) + n
    assert all(n >= 3 for name, n in totals.items() if name)
    assert totals.get("", 0) == 0 or totals[""] >= 3 or sum(observed.values()) < 3
