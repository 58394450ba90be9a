"""The call log."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from observer.models import Call, Trail, User
from observer.services.calls import Recorded, call_begin, call_record, calls_about, calls_waiting
from tests.support.threads import at_once
from tests.support.world import DAY, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


def begun(world: World, user: User, now=DAY) -> Call:
    return call_begin(observer=world.first.observer, commission=world.tree["KZ-1-1-1"], user=user, now=now)


class TestShowingANumber:
    def test_is_a_call_and_leaves_a_trail_without_the_number(self, world, user):
        call = begun(world, user)
        assert (call.outcome, call.user, call.commission.code) == ("", user, "KZ-1-1-1")
        trail = Trail.objects.get(action="observer.call")
        assert trail.detail == {"commission": "KZ-1-1-1", "fields": ["name", "phone"]}

    def test_again_at_once_is_the_same_call(self, world, user):
        assert begun(world, user) == begun(world, user, DAY + MINUTE)
        assert Trail.objects.filter(action="observer.call").count() == 1

    def test_after_a_while_or_by_a_colleague_is_another(self, world, user):
        first = begun(world, user)
        assert begun(world, user, DAY + 16 * MINUTE) != first
        assert begun(world, User.objects.create(username="marat")) != first


@pytest.mark.slow
def test_a_double_press_is_one_call(concurrent_world):
    user = User.objects.create(username="aigul")
    calls = at_once([partial(begun, concurrent_world, user)] * 4)
    assert len({call.pk for call in calls}) == 1
    assert Trail.objects.filter(action="observer.call").count() == 1


@pytest.mark.slow
def test_two_coordinators_who_call_one_observer_are_both_on_record(concurrent_world):
    users = [User.objects.create(username=f"desk{n}") for n in range(3)]
    at_once([partial(begun, concurrent_world, user) for user in users])
    assert {call.user_id for call in Call.objects.all()} == {user.pk for user in users}


class TestSayingWhatCameOfIt:
    def test_is_kept_encrypted(self, world, user):
        call_record(call=begun(world, user), outcome="reached", said="Сәуле thrown out", now=DAY + MINUTE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT said FROM observer_call")
            assert "Сәуле" not in cursor.fetchone()[0]
        (call,) = calls_about(commission=world.tree["KZ-1-1-1"], observers=[world.first.observer.pk])
        assert (call.outcome, call.said, call.recorded_at) == ("reached", "Сәуле thrown out", DAY + MINUTE)

    def test_twice_changes_nothing_and_otherwise_is_refused(self, world, user):
        call = begun(world, user)
        for _ in range(2):
            call_record(call=call, outcome="reached", said="all well", now=DAY)
        with pytest.raises(Recorded):
            call_record(call=call, outcome="not_reached", now=DAY)
        assert Trail.objects.filter(action="observer.called").count() == 1

    def test_as_nothing_is_no_word(self, world, user):
        with pytest.raises(ValueError, match=r"^$"):
            call_record(call=begun(world, user), outcome="", now=DAY)

    def test_the_next_call_begins_anew(self, world, user):
        call = begun(world, user)
        call_record(call=call, outcome="not_reached", now=DAY)
        assert begun(world, user, DAY + MINUTE) != call


class TestThoseToCallAgain:
    def waiting(self, world, code="KZ", now=DAY + 30 * MINUTE) -> list[str]:
        return [call.observer.code for call in calls_waiting(commission=world.tree[code], now=now)]

    def test_are_listed_when_the_hour_has_come_in_their_territory(self, world, user):
        call_record(call=begun(world, user), outcome="not_reached", call_again_at=DAY + 20 * MINUTE, now=DAY)
        assert self.waiting(world, now=DAY + 19 * MINUTE) == []
        assert self.waiting(world) == self.waiting(world, "KZ-1-1") == ["OB-2222"]
        assert self.waiting(world, "KZ-2") == []

    def test_are_not_once_somebody_called(self, world, user):
        call_record(call=begun(world, user), outcome="not_reached", call_again_at=DAY + 20 * MINUTE, now=DAY)
        begun(world, User.objects.create(username="marat"), DAY + 10 * MINUTE)
        assert self.waiting(world) == []
