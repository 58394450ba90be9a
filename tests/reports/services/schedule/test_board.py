"""The board of the day."""

from datetime import UTC, datetime, timedelta

import pytest

from observer.models import Assignment, Commission, Organisation
from observer.services.accounts.access import Scope
from reports.models import Violation
from reports.services.figures.refresh import summaries_refresh
from reports.services.review.decisions import violation_decide
from reports.services.schedule.board import Board, board_of, stations
from tests.reports.services.schedule.test_expectations import LATE, SCHEDULE
from tests.support.door import stored
from tests.support.world import DAY, World, make_observer, make_phone, payload, words

EVENING = datetime(2022, 11, 20, 15, 1, tzinfo=UTC)


@pytest.fixture
def planned(world: World) -> World:
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    return world


def board(world: World, code: str = "KZ", now: datetime = LATE, organisations=None) -> Board:
    return board_of(election=world.election, scope=Scope(world.tree[code], organisations), now=now)


def figures(made: Board, code: str) -> tuple[int, int, int, int]:
    line = next(line for line in (made.total, *made.lines) if line.code == code)
    return line.expected, line.opened, line.silent, line.denied


class TestTheBoard:
    def test_counts_stations_to_which_somebody_is_sent(self, planned):
        made = board(planned)
        assert [line.code for line in made.lines] == ["KZ-1", "KZ-1-1", "KZ-1-2", "KZ-2", "KZ-2-1", "KZ-2-2"]
        assert figures(made, "KZ") == figures(made, "KZ-1") == figures(made, "KZ-1-1") == (2, 0, 2, 0)
        assert figures(made, "KZ-2") == (0, 0, 0, 0)

    def test_counts_a_station_once_however_many_are_there(self, planned):
        planned.enrolled("OB-4444", "KZ-1-1-1")
        assert figures(board(planned), "KZ") == (2, 0, 2, 0)

    def test_knows_opened_from_silent(self, planned):
        stored(planned.first, payload("opening"))
        stored(planned.second, payload(commission="KZ-1-1-2"))
        assert figures(board(planned), "KZ-1") == (2, 1, 0, 0)

    def test_names_what_is_overdue_by_checklist(self, planned):
        stored(planned.first, payload("opening"))
        assert dict(board(planned).total.overdue) == {"opening": 1}
        assert [code for code, _titles in board(planned).checklists] == ["opening", "voting", "tabulation"]

    def test_shows_in_the_evening_what_the_morning_did_not_owe(self, planned):
        stored(planned.first, payload("opening"))
        assert dict(board(planned, now=EVENING).total.overdue) == {"opening": 1, "voting": 2}

    def test_shows_stations_that_kept_an_observer_out(self, planned):
        stored(planned.first, payload("incident"))
        summaries_refresh(now=lambda: DAY)
        assert figures(board(planned), "KZ-1-1") == (2, 0, 1, 1)

    def test_is_kept_for_ten_seconds(self, planned, django_assert_num_queries):
        first = board(planned)
        stored(planned.first, payload("opening"))
        with django_assert_num_queries(0):
            assert board(planned).at == first.at

    def test_of_a_district_counts_that_district(self, planned):
        assert board(planned, "KZ-1-1").total.expected == 2
        assert board(planned, "KZ-2-1").total.expected == 0

    def test_of_a_station_counts_that_station(self, planned):
        assert figures(board(planned, "KZ-1-1-1"), "KZ-1-1-1") == (1, 0, 1, 0)

    def test_takes_as_many_queries_for_much_as_for_nothing(self, planned, django_assert_max_num_queries):
        for n, code in enumerate(code for code in planned.tree if code.count("-") == 3):
            stored(planned.enrolled(f"OB-77{n:02}", code), payload("incident", code))
        with django_assert_max_num_queries(9):
            assert board(planned).total.expected == 12

    def test_says_how_much_disk_is_left(self, planned):
        assert board(planned).disk_free > 0


class TestIncidents:
    def test_are_counted_by_severity_while_nobody_has_decided(self, planned):
        stored(planned.first, payload("incident"))
        stored(planned.second, payload("incident", "KZ-1-1-2", answers={"I01": "OPN-01"}))
        assert board(planned).incidents == {"critical": 1, "major": 0, "minor": 1}
        violation_decide(violation=Violation.objects.get(code="ACC-01"), state="refuted", user=None, now=DAY)
        later = board(planned, now=LATE - timedelta(hours=1))  # another board than the one that is kept
        assert later.incidents == {"critical": 0, "major": 0, "minor": 1}

    def test_the_newest_come_first_with_what_one_needs_to_act(self, planned):
        stored(planned.first, payload("incident"))
        stored(planned.second, payload("incident", "KZ-1-1-2", answers={"I01": "OPN-01"}))
        newest = board(planned).newest
        assert [(one.code, one.station, one.observer) for one in newest] == [
            ("OPN-01", "KZ-1-1-2", "OB-3333"),
            ("ACC-01", "KZ-1-1-1", "OB-2222"),
        ]

    def test_a_finding_of_a_checklist_is_none(self, planned):
        stored(planned.first, payload(answers={"V03": "yes", "V15": "no"}))
        assert board(planned).incidents["critical"] == 0

    def test_of_another_region_are_not_shown(self, planned):
        stored(planned.first, payload("incident"))
        assert board(planned, "KZ-2").newest == []


class TestADeskOfOneOrganisation:
    @pytest.fixture
    def other(self, planned) -> tuple[World, frozenset[int]]:
        organisation = Organisation.objects.create(code="other", names=words("other"))
        observer = make_observer("OB-9999", organisation)
        Assignment.objects.create(election=planned.election, commission=planned.tree["KZ-2-1-1"]).observers.add(
            observer
        )
        stored(make_phone(observer, planned.election), payload("incident", "KZ-2-1-1"))
        stored(planned.first, payload("incident"))
        return planned, frozenset({organisation.pk})

    def test_sees_its_own_stations_and_what_its_own_people_say(self, other):
        world, own = other
        made = board(world, organisations=own)
        assert figures(made, "KZ") == (1, 0, 0, 1)
        assert [one.observer for one in made.newest] == ["OB-9999"]
        assert made.incidents["critical"] == 1

    def test_is_not_given_the_board_of_another(self, other):
        world, own = other
        board(world)
        assert board(world, organisations=own).total.expected == 1


def test_a_station_that_keeps_another_time_owes_by_its_own(planned):
    Commission.objects.filter(code="KZ-1-1-1").update(timezone="Asia/Aqtau")
    owed = {
        station.path: station.overdue
        for station in sorted(
            stations(election=planned.election, scope=Scope(planned.tree["KZ"]), now=LATE), key=lambda one: one.path
        )
    }
    assert list(owed.values()) == [(), ("opening",)]


def test_whoever_left_before_the_day_is_expected_no_more(planned):
    Assignment.objects.filter(commission__code="KZ-1-1-1").update(
        ends_at=planned.election.opens_at - timedelta(hours=1)
    )
    assert board(planned).total.expected == 1
