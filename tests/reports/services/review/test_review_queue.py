"""The queue of reports that a verifier must check."""

from datetime import timedelta
from functools import partial

import pytest

from observer.models import Trail, User
from reports.models import Check, Report
from reports.services.review import decisions, review_queue
from reports.services.review.decisions import EditConflict, accept_reports, make_report_stamp
from reports.services.review.review_queue import (
    claim_next_check,
    count_pending_checks,
    filter_pending_checks,
    is_sampled,
    release_claim,
)
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, payload

CRITICAL = {"V03": "yes", "V15": "no"}


@pytest.fixture
def no_random_sample(monkeypatch):
    monkeypatch.setattr(review_queue, "RANDOM_SHARE_PERCENT", 0)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="verifier")


def store_critical_report(world: World, **fields) -> Report:
    return store_report(world.first, payload(answers=CRITICAL, **fields))


def store_flagged_report(world: World) -> Report:
    return store_report(world.first, payload(commission="KZ-2-1-1"))


def claim_check(world: World, user: User, now=DAY) -> Check | None:
    return claim_next_check(rows=Check.objects.all(), election=world.election, user=user, now=now)


@pytest.mark.usefixtures("no_random_sample")
class TestTheQueue:
    def test_has_what_is_critical_and_what_is_flagged_and_nothing_else(self, world):
        store_report(world.first, payload())
        late, first = store_flagged_report(world), store_critical_report(world)
        assert [(one.report, one.why) for one in filter_pending_checks(Check.objects.all())] == [(first, 0), (late, 1)]
        assert count_pending_checks(Check.objects.all()) == {0: 1, 1: 1, 2: 0}

    def test_leaves_out_what_is_decided_and_takes_it_back(self, world, user):
        report = store_critical_report(world)
        decisions.verify_report(report=report, user=user, now=DAY)
        assert not filter_pending_checks(Check.objects.all()).exists()
        decisions.restore_report(report=report, user=user, now=DAY)
        assert filter_pending_checks(Check.objects.all()).count() == 1

    def test_leaves_out_rehearsals_and_those_set_aside(self, world, user):
        report = store_critical_report(world)
        decisions.set_rehearsal(report=report, rehearsal=True, user=user, now=DAY)
        assert not filter_pending_checks(Check.objects.all()).exists()

    def test_a_file_that_contradicts_its_report_brings_it_in(self, world):
        report = store_report(world.first, payload())
        review_queue.queue_flagged_report(report=report, election=world.election.pk)
        assert Check.objects.get().why == Check.Why.FLAGGED


class TestTheRandomSample:
    def test_never_changes_and_is_about_one_in_twenty(self):
        drawn = [is_sampled(f"report {n}") for n in range(4000)]
        assert drawn == [is_sampled(f"report {n}") for n in range(4000)]
        assert 120 < sum(drawn) < 280

    def test_cannot_be_known_without_the_key(self, settings):
        before = [is_sampled(f"report {n}") for n in range(400)]
        settings.LOOKUP_KEY = "another key"
        assert [is_sampled(f"report {n}") for n in range(400)] != before


@pytest.mark.usefixtures("no_random_sample")
class TestClaimingAReport:
    def test_gives_each_verifier_another_report_and_the_same_verifier_the_same(self, world, user):
        other = User.objects.create(username="other")
        store_critical_report(world), store_flagged_report(world)
        mine, theirs = claim_check(world, user), claim_check(world, other)
        assert mine.report_id != theirs.report_id
        assert claim_check(world, user) == mine
        assert claim_check(world, User.objects.create(username="third")) is None

    def test_ends_after_a_quarter_of_an_hour_or_when_given_back(self, world, user):
        other = User.objects.create(username="other")
        store_critical_report(world)
        mine = claim_check(world, user)
        assert claim_check(world, other) is None
        assert claim_check(world, other, DAY + review_queue.CLAIM_DURATION) == mine
        release_claim(check=mine, user=user)  # no longer mine to give back
        assert claim_check(world, user, DAY + review_queue.CLAIM_DURATION) is None
        release_claim(check=mine, user=other)
        assert claim_check(world, user, DAY + review_queue.CLAIM_DURATION) == mine

    @pytest.mark.slow
    def test_never_gives_one_to_two(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(6):
            store_critical_report(world)
        users = [User.objects.create(username=f"v{n}") for n in range(4)]
        for _ in range(2):
            found = run_concurrently([partial(claim_check, world, user) for user in users])
            taken = [one.report_id for one in found if one is not None]
            assert len(taken) == len(set(taken))
            Check.objects.update(user=None, until=None)


@pytest.mark.usefixtures("no_random_sample")
class TestReportsThatNeedNoCheck:
    def test_are_accepted_in_bulk_and_count_unverified(self, world, user):
        plain, waits = store_report(world.first, payload()), store_critical_report(world)
        assert accept_reports(reports=Report.objects.all(), election=world.election, user=user, now=DAY) == 1
        states = dict(Report.objects.values_list("pk", "state"))
        assert states == {plain.pk: "accepted", waits.pk: "received"}
        assert Report.objects.counted().count() == 2
        assert Trail.objects.get(action="reports.accept").detail["reports"] == 1

    def test_are_accepted_once(self, world, user):
        store_report(world.first, payload())
        for expected in (1, 0):
            assert accept_reports(reports=Report.objects.all(), election=world.election, user=user, now=DAY) == expected


class TestTwoUsersDecidingOnOneReport:
    def test_the_second_is_told_and_writes_nothing(self, world, user):
        report = store_critical_report(world)
        seen = make_report_stamp(report)
        decisions.reject_report(report=report, user=user, now=DAY, reason="a", seen=seen)
        with pytest.raises(EditConflict):
            decisions.verify_report(report=report, user=user, now=DAY + timedelta(minutes=1), seen=seen)
        assert Report.objects.get().state == "rejected"

    def test_on_one_violation_too(self, world, user):
        violation = store_critical_report(world).violations.get()
        seen = decisions.make_violation_stamp(violation)
        decisions.decide_violation(violation=violation, state="confirmed", user=user, now=DAY, seen=seen)
        with pytest.raises(EditConflict):
            decisions.decide_violation(violation=violation, state="refuted", user=user, now=DAY, seen=seen)

    @pytest.mark.slow
    def test_at_one_moment_one_of_them_is_told(self, concurrent_world: World):
        report = store_critical_report(concurrent_world)
        users = [User.objects.create(username=f"v{n}") for n in range(2)]

        def decide(user: User) -> str:
            try:
                decisions.verify_report(
                    report=Report.objects.get(pk=report.pk), user=user, now=DAY, seen=make_report_stamp(report)
                )
            except EditConflict:
                return "conflict"
            return "done"

        assert sorted(run_concurrently([partial(decide, user) for user in users])) == ["conflict", "done"]
