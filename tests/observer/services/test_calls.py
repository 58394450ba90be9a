"""The call log."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from observer.models import Call, Trail, User
from observer.services.calls import AlreadyRecorded, begin_call, get_calls, get_due_calls, record_call_outcome
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


def begin(world: World, user: User, now=DAY) -> Call:
    return begin_call(observer=world.first.observer, commission=world.tree["KZ-1-1-1"], user=user, now=now)


class TestBeginningACall:
    def test_is_a_call_and_leaves_a_trail_without_the_number(self, world, user):
        call = begin(world, user)
        assert (call.outcome, call.user, call.commission.code) == ("", user, "KZ-1-1-1")
        trail = Trail.objects.get(action="observer.call")
        assert trail.detail == {"commission": "KZ-1-1-1", "fields": ["name", "phone"]}

    def test_again_within_minutes_is_the_same_call(self, world, user):
        assert begin(world, user) == begin(world, user, DAY + MINUTE)
        assert Trail.objects.filter(action="observer.call").count() == 1

    def test_after_a_while_or_by_a_colleague_is_another(self, world, user):
        first = begin(world, user)
        assert begin(world, user, DAY + 16 * MINUTE) != first
        assert begin(world, User.objects.create(username="marat")) != first


@pytest.mark.slow
def test_a_double_click_is_one_call(concurrent_world):
    user = User.objects.create(username="aigul")
    calls = run_concurrently([partial(begin, concurrent_world, user)] * 4)
    assert len({call.pk for call in calls}) == 1
    assert Trail.objects.filter(action="observer.call").count() == 1


@pytest.mark.slow
def test_two_coordinators_who_call_one_observer_are_both_recorded(concurrent_world):
    users = [User.objects.create(username=f"desk{n}") for n in range(3)]
    run_concurrently([partial(begin, concurrent_world, user) for user in users])
    assert {call.user_id for call in Call.objects.all()} == {user.pk for user in users}


class TestRecordingTheOutcome:
    def test_is_kept_encrypted(self, world, user):
        record_call_outcome(call=begin(world, user), outcome="reached", said="Сәуле thrown out", now=DAY + MINUTE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT said FROM observer_call")
            assert "Сәуле" not in cursor.fetchone()[0]
        (call,) = get_calls(commission=world.tree["KZ-1-1-1"], observers=[world.first.observer.pk])
        assert (call.outcome, call.said, call.recorded_at) == ("reached", "Сәуле thrown out", DAY + MINUTE)

    def test_twice_changes_nothing_and_another_outcome_is_refused(self, world, user):
        call = begin(world, user)
        for _ in range(2):
            record_call_outcome(call=call, outcome="reached", said="all well", now=DAY)
        with pytest.raises(AlreadyRecorded):
            record_call_outcome(call=call, outcome="not_reached", now=DAY)
        assert Trail.objects.filter(action="observer.called").count() == 1

    def test_an_empty_outcome_is_refused(self, world, user):
        with pytest.raises(ValueError, match=r"^$"):
            record_call_outcome(call=begin(world, user), outcome="", now=DAY)

    def test_then_the_next_call_is_a_new_one(self, world, user):
        call = begin(world, user)
        record_call_outcome(call=call, outcome="not_reached", now=DAY)
        assert begin(world, user, DAY + MINUTE) != call


class TestDueCalls:
    def waiting(self, world, code="KZ", now=DAY + 30 * MINUTE) -> list[str]:
        return [call.observer.code for call in get_due_calls(commission=world.tree[code], now=now)]

    def test_are_listed_in_their_territory_when_they_are_due(self, world, user):
        record_call_outcome(call=begin(world, user), outcome="not_reached", call_again_at=DAY + 20 * MINUTE, now=DAY)
        assert self.waiting(world, now=DAY + 19 * MINUTE) == []
        assert self.waiting(world) == self.waiting(world, "KZ-1-1") == ["OB-2222"]
        assert self.waiting(world, "KZ-2") == []

    def test_are_not_listed_after_somebody_called(self, world, user):
        record_call_outcome(call=begin(world, user), outcome="not_reached", call_again_at=DAY + 20 * MINUTE, now=DAY)
        begin(world, User.objects.create(username="marat"), DAY + 10 * MINUTE)
        assert self.waiting(world) == []
