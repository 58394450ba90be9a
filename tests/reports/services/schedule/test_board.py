"""The board of election day."""

from datetime import UTC, datetime, timedelta

import pytest

from observer.models import Assignment, Commission, Organisation
from observer.services.accounts.access import TerritoryScope
from reports.models import Violation
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.review.decisions import decide_violation
from reports.services.schedule.board import Board, get_board, iterate_stations
from tests.reports.services.schedule.test_expectations import LATE, SCHEDULE
from tests.support.intake import store_report
from tests.support.world import DAY, World, make_observer, make_phone, make_texts, payload

EVENING = datetime(2022, 11, 20, 15, 1, tzinfo=UTC)


@pytest.fixture
def scheduled_world(world: World) -> World:
    world.election.rules = {"schedule": SCHEDULE}
    world.election.save()
    return world


def load_board(world: World, code: str = "KZ", now: datetime = LATE, organisations=None) -> Board:
    return get_board(election=world.election, scope=TerritoryScope(world.tree[code], organisations), now=now)


def get_counts(board: Board, code: str) -> tuple[int, int, int, int]:
    line = next(line for line in (board.total, *board.lines) if line.code == code)
    return line.expected, line.opened, line.silent, line.denied


class TestTheBoard:
    def test_counts_stations_to_which_somebody_is_sent(self, scheduled_world):
        board = load_board(scheduled_world)
        assert [line.code for line in board.lines] == ["KZ-1", "KZ-1-1", "KZ-1-2", "KZ-2", "KZ-2-1", "KZ-2-2"]
        assert get_counts(board, "KZ") == get_counts(board, "KZ-1") == get_counts(board, "KZ-1-1") == (2, 0, 2, 0)
        assert get_counts(board, "KZ-2") == (0, 0, 0, 0)

    def test_counts_a_station_once_however_many_are_there(self, scheduled_world):
        scheduled_world.enrol_phone("OB-4444", "KZ-1-1-1")
        assert get_counts(load_board(scheduled_world), "KZ") == (2, 0, 2, 0)

    def test_knows_opened_from_silent(self, scheduled_world):
        store_report(scheduled_world.first, payload("opening"))
        store_report(scheduled_world.second, payload(commission="KZ-1-1-2"))
        assert get_counts(load_board(scheduled_world), "KZ-1") == (2, 1, 0, 0)

    def test_names_what_is_overdue_by_checklist(self, scheduled_world):
        store_report(scheduled_world.first, payload("opening"))
        assert dict(load_board(scheduled_world).total.overdue) == {"opening": 1}
        assert [code for code, _titles in load_board(scheduled_world).checklists] == ["opening", "voting", "tabulation"]

    def test_shows_in_the_evening_what_the_morning_did_not_owe(self, scheduled_world):
        store_report(scheduled_world.first, payload("opening"))
        assert dict(load_board(scheduled_world, now=EVENING).total.overdue) == {"opening": 1, "voting": 2}

    def test_shows_stations_that_kept_an_observer_out(self, scheduled_world):
        store_report(scheduled_world.first, payload("incident"))
        recompute_due_summaries(now=lambda: DAY)
        assert get_counts(load_board(scheduled_world), "KZ-1-1") == (2, 0, 1, 1)

    def test_is_kept_for_ten_seconds(self, scheduled_world, django_assert_num_queries):
        first = load_board(scheduled_world)
        store_report(scheduled_world.first, payload("opening"))
        with django_assert_num_queries(0):
            assert load_board(scheduled_world).at == first.at

    def test_of_a_district_counts_that_district(self, scheduled_world):
        assert load_board(scheduled_world, "KZ-1-1").total.expected == 2
        assert load_board(scheduled_world, "KZ-2-1").total.expected == 0

    def test_of_a_station_counts_that_station(self, scheduled_world):
        assert get_counts(load_board(scheduled_world, "KZ-1-1-1"), "KZ-1-1-1") == (1, 0, 1, 0)

    def test_takes_as_many_queries_for_much_as_for_nothing(self, scheduled_world, django_assert_max_num_queries):
        for n, code in enumerate(code for code in scheduled_world.tree if code.count("-") == 3):
            store_report(scheduled_world.enrol_phone(f"OB-77{n:02}", code), payload("incident", code))
        with django_assert_max_num_queries(9):
            assert load_board(scheduled_world).total.expected == 12

    def test_says_how_much_disk_is_left(self, scheduled_world):
        assert load_board(scheduled_world).disk_free > 0


class TestIncidents:
    def test_are_counted_by_severity_while_nobody_has_decided(self, scheduled_world):
        store_report(scheduled_world.first, payload("incident"))
        store_report(scheduled_world.second, payload("incident", "KZ-1-1-2", answers={"I01": "OPN-01"}))
        assert load_board(scheduled_world).incidents == {"critical": 1, "major": 0, "minor": 1}
        decide_violation(violation=Violation.objects.get(code="ACC-01"), state="refuted", user=None, now=DAY)
        later = load_board(
            scheduled_world, now=LATE - timedelta(hours=1)
        )  # earlier than the cached board, so a new one is built
        assert later.incidents == {"critical": 0, "major": 0, "minor": 1}

    def test_the_newest_come_first_with_what_one_needs_to_act(self, scheduled_world):
        store_report(scheduled_world.first, payload("incident"))
        store_report(scheduled_world.second, payload("incident", "KZ-1-1-2", answers={"I01": "OPN-01"}))
        newest = load_board(scheduled_world).newest
        assert [(one.code, one.station, one.observer) for one in newest] == [
            ("OPN-01", "KZ-1-1-2", "OB-3333"),
            ("ACC-01", "KZ-1-1-1", "OB-2222"),
        ]

    def test_a_finding_of_a_checklist_is_none(self, scheduled_world):
        store_report(scheduled_world.first, payload(answers={"V03": "yes", "V15": "no"}))
        assert load_board(scheduled_world).incidents["critical"] == 0

    def test_of_another_region_are_not_shown(self, scheduled_world):
        store_report(scheduled_world.first, payload("incident"))
        assert load_board(scheduled_world, "KZ-2").newest == []


class TestADeskOfOneOrganisation:
    @pytest.fixture
    def other(self, scheduled_world) -> tuple[World, frozenset[int]]:
        organisation = Organisation.objects.create(code="other", names=make_texts("other"))
        observer = make_observer("OB-9999", organisation)
        Assignment.objects.create(
            election=scheduled_world.election, commission=scheduled_world.tree["KZ-2-1-1"]
        ).observers.add(observer)
        store_report(make_phone(observer, scheduled_world.election), payload("incident", "KZ-2-1-1"))
        store_report(scheduled_world.first, payload("incident"))
        return scheduled_world, frozenset({organisation.pk})

    def test_sees_its_own_stations_and_what_its_own_people_say(self, other):
        world, organisations = other
        board = load_board(world, organisations=organisations)
        assert get_counts(board, "KZ") == (1, 0, 0, 1)
        assert [one.observer for one in board.newest] == ["OB-9999"]
        assert board.incidents["critical"] == 1

    def test_is_not_given_the_board_of_another(self, other):
        world, organisations = other
        load_board(world)
        assert load_board(world, organisations=organisations).total.expected == 1


def test_a_station_that_keeps_another_time_owes_by_its_own(scheduled_world):
    Commission.objects.filter(code="KZ-1-1-1").update(timezone="Asia/Aqtau")
    owed = {
        station.path: station.overdue
        for station in sorted(
            iterate_stations(
                election=scheduled_world.election, scope=TerritoryScope(scheduled_world.tree["KZ"]), now=LATE
            ),
            key=lambda one: one.path,
        )
    }
    assert list(owed.values()) == [(), ("opening",)]


def test_whoever_left_before_the_day_is_expected_no_more(scheduled_world):
    Assignment.objects.filter(commission__code="KZ-1-1-1").update(
        ends_at=scheduled_world.election.opens_at - timedelta(hours=1)
    )
    assert load_board(scheduled_world).total.expected == 1
