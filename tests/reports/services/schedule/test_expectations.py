"""Expected reports and whether they have come."""

from datetime import UTC, datetime, timedelta

import pytest

from observer.models import Assignment, Commission
from reports.models import Report
from reports.services.checklists.compiled import find_form
from reports.services.review.decisions import reject_report
from reports.services.schedule.expectations import Expectation, has_contradiction, load_expectations
from reports.services.schedule.schedule import load_plan
from tests.support.intake import store_report
from tests.support.world import World, payload

# 07:15 in Astana (then UTC+6), and three quarters of an hour of grace.
SCHEDULE = [
    {"checklist": "opening", "slot": "", "day": 0, "time": "07:15:00", "grace_minutes": 45, "zone": "", "roles": []},
    {"checklist": "voting", "slot": "10:05", "day": 0, "time": "10:05:00", "grace_minutes": 0, "zone": "", "roles": []},
    {"checklist": "voting", "slot": "", "day": 0, "time": "20:00:00", "grace_minutes": 60, "zone": "", "roles": []},
    {"checklist": "tabulation", "slot": "", "day": 1, "time": "12:00:00", "grace_minutes": 0, "zone": "", "roles": []},
]
DUE = datetime(2022, 11, 20, 1, 15, tzinfo=UTC)
LATE = DUE + timedelta(minutes=46)


@pytest.fixture
def scheduled_world(world: World) -> World:
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    return world


def load_station_expectations(world: World, *stations: str) -> list[Expectation]:
    rows = Assignment.objects.select_related("commission__level").prefetch_related("observers")
    return load_expectations(
        election=world.election, assignments=rows.filter(commission__code__in=stations or ["KZ-1-1-1"])
    )


def list_states(world: World, *stations: str) -> list[tuple[str, str, str]]:
    return [
        (one.due_time.checklist, one.due_time.slot, one.state) for one in load_station_expectations(world, *stations)
    ]


class TestAStationFromWhichNothingCame:
    def test_misses_everything_that_fits_it(self, scheduled_world):
        assert list_states(scheduled_world) == [
            ("opening", "", "missing"),
            ("voting", "10:05", "missing"),
            ("voting", "", "missing"),
        ]

    def test_is_late_only_when_the_grace_is_over(self, scheduled_world):
        opening = load_station_expectations(scheduled_world)[0]
        assert (opening.due_time.due, opening.is_due(DUE), opening.is_late(LATE - timedelta(minutes=1))) == (
            DUE,
            True,
            False,
        )
        assert opening.is_late(LATE)

    def test_is_judged_by_its_own_clock(self, scheduled_world):
        Commission.objects.filter(code="KZ-1-1-1").update(timezone="Asia/Aqtau")  # UTC+5
        assert load_station_expectations(scheduled_world)[0].due_time.due == DUE + timedelta(hours=1)

    def test_owes_nothing_from_before_somebody_was_sent(self, scheduled_world):
        Assignment.objects.filter(commission__code="KZ-1-1-1").update(starts_at=DUE + timedelta(minutes=1))
        assert [one.due_time.checklist for one in load_station_expectations(scheduled_world)] == ["voting", "voting"]


class TestAReport:
    def test_makes_it_complete(self, scheduled_world):
        store_report(scheduled_world.first, payload("opening"))
        assert list_states(scheduled_world)[0] == ("opening", "", "complete")

    def test_without_a_required_answer_is_partial_and_still_late(self, scheduled_world):
        store_report(scheduled_world.first, payload("opening", answers={"O90": "good"}))
        assert list_states(scheduled_world)[0][2] == "partial"
        assert load_station_expectations(scheduled_world)[0].is_late(LATE)

    def test_of_a_slot_meets_that_slot_only(self, scheduled_world):
        store_report(scheduled_world.first, payload(slot="10:05"))
        assert [state for _checklist, _slot, state in list_states(scheduled_world)] == [
            "missing",
            "complete",
            "missing",
        ]

    def test_that_was_rejected_is_missing_again(self, scheduled_world):
        reject_report(report=store_report(scheduled_world.first, payload("opening")), user=None, now=DUE)
        assert list_states(scheduled_world)[0][2] == "missing"

    def test_of_another_observer_does_not_stand_for_the_one_who_is_sent(self, scheduled_world):
        store_report(scheduled_world.second, payload("opening"))
        assert list_states(scheduled_world)[0][2] == "missing"

    def test_tells_which_it_was(self, scheduled_world):
        report = store_report(scheduled_world.first, payload("opening"))
        assert load_station_expectations(scheduled_world)[0].reports == (report.sequence,)


class TestTwoObserversOfOneStation:
    @pytest.fixture
    def two_observers(self, scheduled_world) -> World:
        scheduled_world.enrol_phone("OB-3333", "KZ-1-1-1")
        return scheduled_world

    def test_who_say_the_same_are_complete(self, two_observers):
        store_report(two_observers.first, payload("opening"))
        store_report(two_observers.second, payload("opening"))
        assert {
            one.state for one in load_station_expectations(two_observers) if one.due_time.checklist == "opening"
        } == {"complete"}

    def test_who_contradict_each_other_conflict(self, two_observers):
        store_report(two_observers.first, payload("opening"))
        store_report(two_observers.second, payload("opening", answers={"O01": "no", "O90": "good"}))
        assert {
            one.state for one in load_station_expectations(two_observers) if one.due_time.checklist == "opening"
        } == {"conflicting"}

    def test_may_judge_differently(self, two_observers):
        """A rating is an opinion, and visits are at different hours."""
        store_report(two_observers.first, payload("opening"))
        store_report(two_observers.second, payload("opening", answers={"O01": "yes", "O90": "bad"}))
        store_report(two_observers.first, payload(slot="10:05"))
        store_report(two_observers.second, payload(slot="10:05", answers={"V03": "yes", "V15": "no"}))
        assert "conflicting" not in {one.state for one in load_station_expectations(two_observers)}

    def test_do_not_conflict_by_not_having_seen_it(self, world):
        form = find_form(world.election.pk, "opening", 1)
        assert form is not None
        assert not has_contradiction([(form, {"O01": "not_observed"}), (form, {"O01": "no"})])
        assert has_contradiction([(form, {"O01": "yes"}), (form, {"O01": "no"})])


def test_a_team_at_a_district_is_expected_to_report_its_tabulation(scheduled_world):
    scheduled_world.enrol_phone("OB-5555", "KZ-1-1")
    assert list_states(scheduled_world, "KZ-1-1") == [("tabulation", "", "missing")]


def test_it_takes_as_many_queries_for_one_station_as_for_all(scheduled_world, django_assert_num_queries):
    scheduled_world.enrol_phone("OB-5555", "KZ-2-1-1")
    load_plan(election=scheduled_world.election)
    store_report(scheduled_world.first, payload("opening"))
    rows = list(Assignment.objects.select_related("commission__level").prefetch_related("observers"))
    for some in (rows[:1], rows):
        with django_assert_num_queries(2):
            load_expectations(election=scheduled_world.election, assignments=some)
    assert Report.objects.count() == 1
