"""What is expected and what has come of it."""

from datetime import UTC, datetime, timedelta

import pytest

from observer.models import Assignment, Commission
from reports.models import Report
from reports.services.checklists.compiled import form_named
from reports.services.review.decisions import report_reject
from reports.services.schedule.expectations import Expectation, contradict, expectations
from reports.services.schedule.schedule import plan_of
from tests.support.door import stored
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
def planned(world: World) -> World:
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    return world


def found(world: World, *stations: str) -> list[Expectation]:
    rows = Assignment.objects.select_related("commission__level").prefetch_related("observers")
    return expectations(election=world.election, assignments=rows.filter(commission__code__in=stations or ["KZ-1-1-1"]))


def states(world: World, *stations: str) -> list[tuple[str, str, str]]:
    return [(one.hour.checklist, one.hour.slot, one.state) for one in found(world, *stations)]


class TestAStationFromWhichNothingCame:
    def test_misses_everything_that_fits_it(self, planned):
        assert states(planned) == [
            ("opening", "", "missing"),
            ("voting", "10:05", "missing"),
            ("voting", "", "missing"),
        ]

    def test_is_late_only_when_the_grace_is_over(self, planned):
        opening = found(planned)[0]
        assert (opening.hour.due, opening.is_due(DUE), opening.is_late(LATE - timedelta(minutes=1))) == (
            DUE,
            True,
            False,
        )
        assert opening.is_late(LATE)

    def test_is_judged_by_its_own_clock(self, planned):
        Commission.objects.filter(code="KZ-1-1-1").update(timezone="Asia/Aqtau")  # UTC+5
        assert found(planned)[0].hour.due == DUE + timedelta(hours=1)

    def test_owes_nothing_from_before_somebody_was_sent(self, planned):
        Assignment.objects.filter(commission__code="KZ-1-1-1").update(starts_at=DUE + timedelta(minutes=1))
        assert [one.hour.checklist for one in found(planned)] == ["voting", "voting"]


class TestAReport:
    def test_makes_it_complete(self, planned):
        stored(planned.first, payload("opening"))
        assert states(planned)[0] == ("opening", "", "complete")

    def test_without_a_required_answer_is_partial_and_still_late(self, planned):
        stored(planned.first, payload("opening", answers={"O90": "good"}))
        assert states(planned)[0][2] == "partial"
        assert found(planned)[0].is_late(LATE)

    def test_of_a_slot_meets_that_slot_only(self, planned):
        stored(planned.first, payload(slot="10:05"))
        assert [state for _checklist, _slot, state in states(planned)] == ["missing", "complete", "missing"]

    def test_that_was_rejected_is_missing_again(self, planned):
        report_reject(report=stored(planned.first, payload("opening")), user=None, now=DUE)
        assert states(planned)[0][2] == "missing"

    def test_of_another_observer_does_not_stand_for_the_one_who_is_sent(self, planned):
        stored(planned.second, payload("opening"))
        assert states(planned)[0][2] == "missing"

    def test_tells_which_it_was(self, planned):
        report = stored(planned.first, payload("opening"))
        assert found(planned)[0].reports == (report.sequence,)


class TestTwoObserversOfOneStation:
    @pytest.fixture
    def two(self, planned) -> World:
        planned.enrolled("OB-3333", "KZ-1-1-1")
        return planned

    def test_who_say_the_same_are_complete(self, two):
        stored(two.first, payload("opening"))
        stored(two.second, payload("opening"))
        assert {one.state for one in found(two) if one.hour.checklist == "opening"} == {"complete"}

    def test_who_contradict_each_other_conflict(self, two):
        stored(two.first, payload("opening"))
        stored(two.second, payload("opening", answers={"O01": "no", "O90": "good"}))
        assert {one.state for one in found(two) if one.hour.checklist == "opening"} == {"conflicting"}

    def test_may_judge_differently(self, two):
        """A rating is an opinion, and visits are at different hours."""
        stored(two.first, payload("opening"))
        stored(two.second, payload("opening", answers={"O01": "yes", "O90": "bad"}))
        stored(two.first, payload(slot="10:05"))
        stored(two.second, payload(slot="10:05", answers={"V03": "yes", "V15": "no"}))
        assert "conflicting" not in {one.state for one in found(two)}

    def test_do_not_conflict_by_not_having_seen_it(self, world):
        form = form_named(world.election.pk, "opening", 1)
        assert form is not None
        assert not contradict([(form, {"O01": "not_observed"}), (form, {"O01": "no"})])
        assert contradict([(form, {"O01": "yes"}), (form, {"O01": "no"})])


def test_a_team_at_a_district_is_expected_to_report_its_tabulation(planned):
    planned.enrolled("OB-5555", "KZ-1-1")
    assert states(planned, "KZ-1-1") == [("tabulation", "", "missing")]


def test_it_takes_as_many_queries_for_one_station_as_for_all(planned, django_assert_num_queries):
    planned.enrolled("OB-5555", "KZ-2-1-1")
    plan_of(election=planned.election)
    stored(planned.first, payload("opening"))
    rows = list(Assignment.objects.select_related("commission__level").prefetch_related("observers"))
    for some in (rows[:1], rows):
        with django_assert_num_queries(2):
            expectations(election=planned.election, assignments=some)
    assert Report.objects.count() == 1
