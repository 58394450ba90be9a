"""Rehearsal reports that came on the day."""

from datetime import timedelta
from functools import partial

import pytest

from observer.models import User
from observer.services.accounts.access import Scope
from reports.models import Report
from reports.services.review.rehearsals import rehearsals_count, rehearsals_on_the_day
from tests.support.door import stored
from tests.support.threads import at_once
from tests.support.world import DAY, World, payload


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


def listed(world: World, code: str = "KZ", organisations=None) -> list[Report]:
    return list(rehearsals_on_the_day(election=world.election, scope=Scope(world.tree[code], organisations)))


class TestRehearsalReports:
    def test_are_listed_when_they_came_on_the_day_in_the_territory(self, world):
        today = stored(world.first, payload(rehearsal=True))
        stored(world.first, payload(rehearsal=True), world.election.opens_at - timedelta(hours=1))
        stored(world.first, payload())
        assert listed(world) == listed(world, "KZ-1-1") == [today]
        assert listed(world, "KZ-2") == listed(world, organisations=frozenset({0})) == []

    def test_count_once_they_are_taken_in_earnest(self, world, user):
        reports = [stored(world.first, payload(rehearsal=True)) for _ in range(3)]
        assert rehearsals_count(reports=reports, user=user, now=DAY) == 3
        assert Report.objects.counted().count() == 3
        assert listed(world) == []

    def test_are_changed_once_by_two_who_press_at_the_same_moment(self, concurrent_world: World):
        world = concurrent_world
        user = User.objects.create(username="aigul")
        reports = [stored(world.first, payload(rehearsal=True)) for _ in range(20)]
        at_once([partial(rehearsals_count, reports=reports, user=user, now=DAY)] * 3)
        assert Report.objects.counted().count() == 20
