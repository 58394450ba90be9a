"""Replacing an observer or a phone during election day."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction

from observer.models import Assignment, Device, Observer, Trail
from observer.services.devices.enrolment import InvalidCode, create_enrolment_code, enrol_device
from observer.services.devices.replacement import Outdated, get_active_device_ids, replace_observer, replace_phone
from observer.services.importing.observer_import import import_observers
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_observer


@pytest.fixture
def assignment(world: World) -> Assignment:
    return Assignment.objects.get(commission__code="KZ-1-1-1")


def other(world: World, code: str = "OB-7777") -> Observer:
    return make_observer(code, world.organisation)


class TestReplacingAnObserver:
    def test_assigns_the_new_observer_from_now_on_and_gives_a_code(self, world, assignment):
        coming = other(world)
        done = replace_observer(assignment=assignment, leaving=world.first.observer, coming=coming, user=None, now=DAY)
        assignment.refresh_from_db()
        assert (assignment.ends_at, list(assignment.observers.all())) == (DAY, [world.first.observer])
        assert (done.assignment.starts_at, list(done.assignment.observers.all())) == (DAY, [coming])
        assert enrol_device(code=done.code, device_name="x", device_id=uuid4(), now=DAY).device.observer == coming
        assert world.election in coming.elections.all()

    def test_revokes_the_devices_and_codes_of_the_leaving_observer(self, world, assignment):
        code = create_enrolment_code(observer=world.first.observer, election=world.election, now=DAY)
        done = replace_observer(
            assignment=assignment, leaving=world.first.observer, coming=other(world), user=None, now=DAY
        )
        assert done.revoked == 1
        assert get_active_device_ids(observer=world.first.observer, election=world.election) == []
        with pytest.raises(InvalidCode):
            enrol_device(code=code, device_name="x", device_id=None, now=DAY)

    def test_keeps_the_devices_of_an_observer_with_another_assignment(self, world, assignment):
        world.enrol_phone("OB-2222", "KZ-1-1-3")
        done = replace_observer(
            assignment=assignment, leaving=world.first.observer, coming=other(world), user=None, now=DAY
        )
        assert done.revoked == 0

    def test_changes_only_one_member_of_a_team(self, world, assignment):
        assignment.observers.add(world.second.observer)
        done = replace_observer(
            assignment=assignment, leaving=world.first.observer, coming=other(world), user=None, now=DAY
        )
        assert {one.code for one in done.assignment.observers.all()} == {"OB-3333", "OB-7777"}
        assert {one.code for one in assignment.observers.all()} == {"OB-2222", "OB-3333"}

    def test_is_refused_where_it_was_done_before(self, world, assignment):
        replace = partial(replace_observer, assignment=assignment, leaving=world.first.observer, user=None)
        replace(coming=other(world), now=DAY)
        with pytest.raises(Outdated):
            replace(coming=other(world, "OB-8888"), now=DAY + timedelta(seconds=1))
        assert Assignment.objects.filter(commission=assignment.commission).count() == 2

    def test_leaves_a_trail_of_codes(self, world, assignment):
        replace_observer(assignment=assignment, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        detail = {"commission": "KZ-1-1-1", "leaving": "OB-2222", "coming": "OB-7777"}
        assert Trail.objects.get(action="assignment.replace").detail == detail

    def test_stays_replaced_when_the_same_list_is_imported_again(self, world, assignment):
        rows = b"code,name,phone,language,organisation,commissions\nOB-2222,N,+77010000000,ru,org,KZ-1-1-1\n"
        import_observers(election=world.election, source=rows, file="o.csv", now=DAY)
        replace_observer(assignment=assignment, leaving=world.first.observer, coming=other(world), user=None, now=DAY)
        import_observers(election=world.election, source=rows, file="o.csv", now=DAY)
        now = Assignment.objects.filter(commission=assignment.commission, ends_at__isnull=True)
        assert [one.code for row in now for one in row.observers.all()] == ["OB-7777"]


class TestReplacingAPhone:
    def test_revokes_the_old_one_and_enrols_a_new_one(self, world):
        observer = world.first.observer
        seen = get_active_device_ids(observer=observer, election=world.election)
        code = replace_phone(observer=observer, election=world.election, seen_device_ids=seen, user=None, now=DAY)
        assert get_active_device_ids(observer=observer, election=world.election) == []
        device = enrol_device(code=code, device_name="new", device_id=uuid4(), now=DAY).device
        assert get_active_device_ids(observer=observer, election=world.election) == [device.pk]

    def test_is_refused_if_the_devices_have_changed(self, world):
        observer = world.first.observer
        with pytest.raises(Outdated):
            replace_phone(observer=observer, election=world.election, seen_device_ids=[], user=None, now=DAY)
        assert Device.objects.filter(revoked_at__isnull=False).count() == 0


def outcome(call):
    """The outcome of a call as a word.

    So the test sees a refusal in another thread.
    """
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
        assignment = Assignment.objects.get(commission__code="KZ-1-1-1")
        leave = partial(replace_observer, assignment=assignment, leaving=world.first.observer, user=None, now=DAY)
        calls = [partial(leave, coming=other(world, f"OB-777{n}")) for n in range(4)]
        assert sorted(run_concurrently([partial(outcome, call) for call in calls])) == ["done"] + ["outdated"] * 3
        assert Assignment.objects.filter(commission=assignment.commission, ends_at=None).count() == 1

    def test_replace_a_phone_once(self, concurrent_world: World):
        world = concurrent_world
        seen = get_active_device_ids(observer=world.first.observer, election=world.election)
        call = partial(
            replace_phone,
            observer=world.first.observer,
            election=world.election,
            seen_device_ids=seen,
            user=None,
            now=DAY,
        )
        assert sorted(run_concurrently([partial(outcome, call)] * 4)) == ["done"] + ["outdated"] * 3

    def test_and_an_import_at_the_same_time_both_succeed(self, concurrent_world: World):
        world = concurrent_world
        assignment = Assignment.objects.get(commission__code="KZ-1-1-1")
        rows = "code,name,phone,language,organisation,commissions\n" + "".join(
            f"OB-4{n:03},N {n},+7702000{n:04},ru,org,KZ-1-1-1\n" for n in range(200)
        )
        load = partial(import_observers, election=world.election, source=rows.encode(), file="o.csv", now=DAY)
        replace = partial(
            replace_observer,
            assignment=assignment,
            leaving=world.first.observer,
            coming=other(world),
            user=None,
            now=DAY,
        )
        assert run_concurrently([partial(outcome, load), partial(outcome, replace)]) == ["done", "done"]
        now = Assignment.objects.filter(commission=assignment.commission).exclude(ends_at=DAY)
        assert now.count() == 201
