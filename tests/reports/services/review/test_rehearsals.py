"""Rehearsal reports that came on election day."""

from datetime import timedelta
from functools import partial

import pytest

from observer.models import User
from observer.services.accounts.access import TerritoryScope
from reports.models import Report
from reports.services.review.rehearsals import convert_rehearsals, filter_election_day_rehearsals
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, payload


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


def list_rehearsals(world: World, code: str = "KZ", organisations=None) -> list[Report]:
    return list(
        filter_election_day_rehearsals(election=world.election, scope=TerritoryScope(world.tree[code], organisations))
    )


class TestRehearsalReports:
    def test_are_listed_when_they_came_on_the_day_in_the_territory(self, world):
        today = store_report(world.first, payload(rehearsal=True))
        store_report(world.first, payload(rehearsal=True), world.election.opens_at - timedelta(hours=1))
        store_report(world.first, payload())
        assert list_rehearsals(world) == list_rehearsals(world, "KZ-1-1") == [today]
        assert list_rehearsals(world, "KZ-2") == list_rehearsals(world, organisations=frozenset({0})) == []

    def test_count_once_they_are_made_real_reports(self, world, user):
        reports = [store_report(world.first, payload(rehearsal=True)) for _ in range(3)]
        assert convert_rehearsals(reports=reports, user=user, now=DAY) == 3
        assert Report.objects.counted().count() == 3
        assert list_rehearsals(world) == []

    def test_are_changed_once_by_two_who_press_at_the_same_moment(self, concurrent_world: World):
        world = concurrent_world
        user = User.objects.create(username="aigul")
        reports = [store_report(world.first, payload(rehearsal=True)) for _ in range(20)]
        run_concurrently([partial(convert_rehearsals, reports=reports, user=user, now=DAY)] * 3)
        assert Report.objects.counted().count() == 20
