"""Another observer or another phone in the middle of the day."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction

from observer.models import Assignment, Device, Observer, Trail
from observer.services.devices.enrolment import InvalidCode, enrol, enrolment_create
from observer.services.devices.replacement import Outdated, observer_replace, phone_replace, phones_living
from observer.services.importing.observer_import import observers_import
from tests.support.threads import at_once
from tests.support.world import DAY, World, make_observer


@pytest.fixture
def place(world: World) -> Assignment:
    return Assignment.objects.get(commission__code="KZ-1-1-1")


def other(world: World, code: str = "OB-7777") -> Observer:
    return make_observer(code, world.organisation)


class TestAnotherObserver:
    def test_is_sent_from_now_on_and_gets_a_code(self, world, place):
        coming = other(world)
        done = observer_replace(assignment=place, leaving=world.first.observer, coming=coming, user=None, now=DAY)
        place.refresh_from_db()
        assert (place.ends_at, list(place.observers.all())) == (DAY, [world.first.observer])
        assert (done.assignment.starts_at, list(done.assignment.observers.all())) == (DAY, [coming])
        assert enrol(code=done.code, device_name="x", device_id=uuid4(), now=DAY).device.observer == coming
        assert world.election in coming.elections.all()

    def test_silences_the_phone_and_the_codes_of_who_leaves(self, world, place):
        code = enrolment_create(observer=world.first.observer, election=world.election, now=DAY)
        done = observer_replace(assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        assert done.revoked == 1
        assert phones_living(observer=world.first.observer, election=world.election) == []
        with pytest.raises(InvalidCode):
            enrol(code=code, device_name="x", device_id=None, now=DAY)

    def test_leaves_the_phone_of_somebody_still_sent_elsewhere(self, world, place):
        world.enrolled("OB-2222", "KZ-1-1-3")
        done = observer_replace(assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        assert done.revoked == 0

    def test_changes_only_the_one_of_a_team(self, world, place):
        place.observers.add(world.second.observer)
        done = observer_replace(assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        assert {one.code for one in done.assignment.observers.all()} == {"OB-3333", "OB-7777"}
        assert {one.code for one in place.observers.all()} == {"OB-2222", "OB-3333"}

    def test_is_refused_where_it_was_done_before(self, world, place):
        replace = partial(observer_replace, assignment=place, leaving=world.first.observer, user=None)
        replace(coming=other(world), now=DAY)
        with pytest.raises(Outdated):
            replace(coming=other(world, "OB-8888"), now=DAY + timedelta(seconds=1))
        assert Assignment.objects.filter(commission=place.commission).count() == 2

    def test_leaves_a_trail_of_codes(self, world, place):
        observer_replace(assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        detail = {"commission": "KZ-1-1-1", "leaving": "OB-2222", "coming": "OB-7777"}
        assert Trail.objects.get(action="assignment.replace").detail == detail

    def test_stays_replaced_when_the_same_list_is_imported_again(self, world, place):
        rows = b"code,name,phone,language,organisation,commissions\nOB-2222,N,+77010000000,ru,org,KZ-1-1-1\n"
        observers_import(election=world.election, source=rows, file="o.csv", now=DAY)
        observer_replace(assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        observers_import(election=world.election, source=rows, file="o.csv", now=DAY)
        now = Assignment.objects.filter(commission=place.commission, ends_at__isnull=True)
        assert [one.code for row in now for one in row.observers.all()] == ["OB-7777"]


class TestAnotherPhone:
    def test_speaks_when_the_old_one_may_no_more(self, world):
        observer = world.first.observer
        seen = phones_living(observer=observer, election=world.election)
        code = phone_replace(observer=observer, election=world.election, seen=seen, user=None, now=DAY)
        assert phones_living(observer=observer, election=world.election) == []
        device = enrol(code=code, device_name="new", device_id=uuid4(), now=DAY).device
        assert phones_living(observer=observer, election=world.election) == [device.pk]

    def test_is_refused_to_whoever_did_not_see_the_present_ones(self, world):
        observer = world.first.observer
        with pytest.raises(Outdated):
            phone_replace(observer=observer, election=world.election, seen=[], user=None, now=DAY)
        assert Device.objects.filter(revoked_at__isnull=False).count() == 0


def outcome(call):
    """What came of it, as a word: so that a refusal in one thread is seen by the test."""
    try:
        with transaction.atomic():
            call()
    except Outdated:
        return "outdated"
    return "done"


@pytest.mark.slow
class TestTwoCoordinatorsAtOnce:
    def test_replace_an_observer_once(self, concurrent_world: World):
        world = concurrent_world
        place = Assignment.objects.get(commission__code="KZ-1-1-1")
        leave = partial(observer_replace, assignment=place, leaving=world.first.observer, user=None, now=DAY)
        calls = [partial(leave, coming=other(world, f"OB-777{n}")) for n in range(4)]
        assert sorted(at_once([partial(outcome, call) for call in calls])) == ["done"] + ["outdated"] * 3
        assert Assignment.objects.filter(commission=place.commission, ends_at=None).count() == 1

    def test_replace_a_phone_once(self, concurrent_world: World):
        world = concurrent_world
        seen = phones_living(observer=world.first.observer, election=world.election)
        call = partial(
            phone_replace, observer=world.first.observer, election=world.election, seen=seen, user=None, now=DAY
        )
        assert sorted(at_once([partial(outcome, call)] * 4)) == ["done"] + ["outdated"] * 3

    def test_while_an_import_runs_both_hold(self, concurrent_world: World):
        world = concurrent_world
        place = Assignment.objects.get(commission__code="KZ-1-1-1")
        rows = "code,name,phone,language,organisation,commissions\n" + "".join(
            f"OB-4{n:03},N {n},+7702000{n:04},ru,org,KZ-1-1-1\n" for n in range(200)
        )
        load = partial(observers_import, election=world.election, source=rows.encode(), file="o.csv", now=DAY)
        replace = partial(
            observer_replace, assignment=place, leaving=world.first.observer, coming=other(world), user=None, now=DAY
        )
        assert at_once([partial(outcome, load), partial(outcome, replace)]) == ["done", "done"]
        now = Assignment.objects.filter(commission=place.commission).exclude(ends_at=DAY)
        assert now.count() == 201
