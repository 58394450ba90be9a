"""The queue of reports that somebody must look at."""

from datetime import timedelta
from functools import partial

import pytest

from observer.models import Trail, User
from reports.models import Check, Report
from reports.services.review import decisions, review_queue
from reports.services.review.decisions import Changed, report_stamp, reports_accept
from reports.services.review.review_queue import check_claim, check_release, checks_count, checks_waiting, is_drawn
from tests.support.door import stored
from tests.support.threads import at_once
from tests.support.world import DAY, World, payload

CRITICAL = {"V03": "yes", "V15": "no"}


@pytest.fixture
def nobody_is_drawn(monkeypatch):
    monkeypatch.setattr(review_queue, "SHARE", 0)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="verifier")


def critical(world: World, **fields) -> Report:
    return stored(world.first, payload(answers=CRITICAL, **fields))


def flagged(world: World) -> Report:
    return stored(world.first, payload(commission="KZ-2-1-1"))


def claim(world: World, user: User, now=DAY) -> Check | None:
    return check_claim(rows=Check.objects.all(), election=world.election, user=user, now=now)


@pytest.mark.usefixtures("nobody_is_drawn")
class TestTheQueue:
    def test_has_what_is_critical_and_what_is_flagged_and_nothing_else(self, world):
        stored(world.first, payload())
        late, first = flagged(world), critical(world)
        assert [(one.report, one.why) for one in checks_waiting(Check.objects.all())] == [(first, 0), (late, 1)]
        assert checks_count(Check.objects.all()) == {0: 1, 1: 1, 2: 0}

    def test_leaves_out_what_is_decided_and_takes_it_back(self, world, user):
        report = critical(world)
        decisions.report_verify(report=report, user=user, now=DAY)
        assert not checks_waiting(Check.objects.all()).exists()
        decisions.report_restore(report=report, user=user, now=DAY)
        assert checks_waiting(Check.objects.all()).count() == 1

    def test_leaves_out_rehearsals_and_those_set_aside(self, world, user):
        report = critical(world)
        decisions.rehearsal_set(report=report, rehearsal=True, user=user, now=DAY)
        assert not checks_waiting(Check.objects.all()).exists()

    def test_a_file_that_contradicts_its_report_brings_it_in(self, world):
        report = stored(world.first, payload())
        review_queue.check_flagged(report=report, election=world.election.pk)
        assert Check.objects.get().why == Check.Why.FLAGGED


class TestTheDraw:
    def test_is_the_same_for_ever_and_about_one_in_twenty(self):
        drawn = [is_drawn(f"report {n}") for n in range(4000)]
        assert drawn == [is_drawn(f"report {n}") for n in range(4000)]
        assert 120 < sum(drawn) < 280

    def test_cannot_be_known_without_the_key(self, settings):
        before = [is_drawn(f"report {n}") for n in range(400)]
        settings.LOOKUP_KEY = "another key"
        assert [is_drawn(f"report {n}") for n in range(400)] != before


@pytest.mark.usefixtures("nobody_is_drawn")
class TestTakingOne:
    def test_gives_each_verifier_another_and_oneself_the_same(self, world, user):
        other = User.objects.create(username="other")
        critical(world), flagged(world)
        mine, theirs = claim(world, user), claim(world, other)
        assert mine.report_id != theirs.report_id
        assert claim(world, user) == mine
        assert claim(world, User.objects.create(username="third")) is None

    def test_ends_after_a_quarter_of_an_hour_or_when_given_back(self, world, user):
        other = User.objects.create(username="other")
        critical(world)
        mine = claim(world, user)
        assert claim(world, other) is None
        assert claim(world, other, DAY + review_queue.CLAIM) == mine
        check_release(check=mine, user=user)  # no longer mine to give back
        assert claim(world, user, DAY + review_queue.CLAIM) is None
        check_release(check=mine, user=other)
        assert claim(world, user, DAY + review_queue.CLAIM) == mine

    @pytest.mark.slow
    def test_never_gives_one_to_two(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(6):
            critical(world)
        users = [User.objects.create(username=f"v{n}") for n in range(4)]
        for _ in range(2):
            found = at_once([partial(claim, world, user) for user in users])
            taken = [one.report_id for one in found if one is not None]
            assert len(taken) == len(set(taken))
            Check.objects.update(user=None, until=None)


@pytest.mark.usefixtures("nobody_is_drawn")
class TestTheRest:
    def test_is_accepted_in_bulk_and_counts_unverified(self, world, user):
        plain, waits = stored(world.first, payload()), critical(world)
        assert reports_accept(reports=Report.objects.all(), election=world.election, user=user, now=DAY) == 1
        states = dict(Report.objects.values_list("pk", "state"))
        assert states == {plain.pk: "accepted", waits.pk: "received"}
        assert Report.objects.counted().count() == 2
        assert Trail.objects.get(action="reports.accept").detail["reports"] == 1

    def test_again_changes_nothing(self, world, user):
        stored(world.first, payload())
        for expected in (1, 0):
            assert reports_accept(reports=Report.objects.all(), election=world.election, user=user, now=DAY) == expected


class TestTwoOnOneReport:
    def test_the_second_is_told_and_writes_nothing(self, world, user):
        report = critical(world)
        seen = report_stamp(report)
        decisions.report_reject(report=report, user=user, now=DAY, reason="a", seen=seen)
        with pytest.raises(Changed):
            decisions.report_verify(report=report, user=user, now=DAY + timedelta(minutes=1), seen=seen)
        assert Report.objects.get().state == "rejected"

    def test_on_one_violation_too(self, world, user):
        violation = critical(world).violations.get()
        seen = decisions.violation_stamp(violation)
        decisions.violation_decide(violation=violation, state="confirmed", user=user, now=DAY, seen=seen)
        with pytest.raises(Changed):
            decisions.violation_decide(violation=violation, state="refuted", user=user, now=DAY, seen=seen)

    @pytest.mark.slow
    def test_at_one_moment_one_of_them_is_told(self, concurrent_world: World):
        report = critical(concurrent_world)
        users = [User.objects.create(username=f"v{n}") for n in range(2)]

        def decide(user: User) -> str:
            try:
                decisions.report_verify(
                    report=Report.objects.get(pk=report.pk), user=user, now=DAY, seen=report_stamp(report)
                )
            except Changed:
                return "told"
            return "done"

        assert sorted(at_once([partial(decide, user) for user in users])) == ["done", "told"]
