"""Intake under concurrency: threads with connections of their own, on the database in use."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from reports.models import Due, Evidence, Refusal, Report, Violation
from reports.problems import Rejected
from reports.services.intake.announcements import announce_evidence
from reports.services.intake.intake import accept_submission, accept_submissions
from reports.services.intake.submission import Announcement, Outcome, Sender, Submission
from reports.services.review import decisions
from reports.services.review.superseding import LINK_FLAGS
from tests.reports.services.review.test_interleavings import assert_stored_as_derived
from tests.support.intake import build_photo, build_submission, send_report, store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, payload

pytestmark = pytest.mark.slow


def make_submission(phone: Any, body: dict[str, Any]) -> Submission:
    return build_submission(phone, body)


class TestOneReportSentByThirtyTwoThreads:
    BODY = {"answers": {"V03": "yes", "V19": "no"}}

    def assert_stored_once(self, outcomes: list[Outcome]) -> None:
        assert Counter(outcome.kind for outcome in outcomes) == {"stored": 1, "duplicate": len(outcomes) - 1}
        assert len({outcome.receipt for outcome in outcomes}) == 1
        assert Report.objects.count() == 1
        assert Violation.objects.count() == 2
        assert Evidence.objects.count() == 1
        assert Due.objects.count() == 1
        assert not Refusal.objects.exists()

    def test_singly_is_stored_once(self, concurrent_world: World):
        body = payload(evidence=[build_photo()], **self.BODY)
        submissions = [make_submission(concurrent_world.first, body) for _ in range(32)]
        self.assert_stored_once(run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions]))

    def test_from_two_phones_of_one_observer_is_stored_once(self, concurrent_world: World):
        body = payload(evidence=[build_photo()], **self.BODY)
        phones = [concurrent_world.first, concurrent_world.enrol_phone("OB-2222")]
        submissions = [make_submission(phones[n % 2], body) for n in range(32)]
        self.assert_stored_once(run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions]))

    def test_in_batches_that_overlap_in_other_orders_each_is_stored_once(self, concurrent_world: World):
        world = concurrent_world
        bodies = [payload(evidence=[build_photo()], **self.BODY) for _ in range(16)]

        def batch(n: int) -> list[Submission]:
            turned = bodies[n % 16 :] + bodies[: n % 16]
            return [make_submission(world.first, body) for body in (turned if n % 2 else turned[::-1])]

        batches = [batch(n) for n in range(32)]
        outcomes = run_concurrently([partial(accept_submissions, each, now=DAY) for each in batches])
        assert all(len(found) == 16 for found in outcomes)
        found = Counter(outcome.kind for answer in outcomes for outcome in answer)
        assert found == {"stored": 16, "duplicate": 16 * 31}
        for submissions, answer in zip(batches, outcomes, strict=True):
            assert [outcome.receipt.uuid for outcome in answer] == [each.uuid for each in submissions]
        assert (Report.objects.count(), Evidence.objects.count(), Violation.objects.count()) == (16, 16, 32)
        assert not Refusal.objects.exists()

    def test_singly_and_in_batches_is_stored_once(self, concurrent_world: World):
        world, body = concurrent_world, payload(**self.BODY)
        calls: list[Callable[[], Any]] = []
        for _ in range(16):
            batch = [
                make_submission(world.first, payload()),
                make_submission(world.first, body),
                make_submission(world.first, payload()),
            ]
            calls.append(partial(accept_submissions, batch, now=DAY))
            calls.append(partial(accept_submission, make_submission(world.first, body), now=DAY))
        outcomes = run_concurrently(calls)
        kinds = Counter((found[1] if isinstance(found, list) else found).kind for found in outcomes)
        assert kinds == {"stored": 1, "duplicate": 31}
        assert Report.objects.count() == 33


class TestThirtyTwoReportsAtOnce:
    def test_of_thirty_two_observers_are_all_stored(self, concurrent_world: World):
        phones = [concurrent_world.enrol_phone(f"OB-{n}", "KZ-1-1-1") for n in range(32)]
        submissions = [
            make_submission(phone, payload(evidence=[build_photo()], answers={"V03": "yes"})) for phone in phones
        ]
        outcomes = run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions])
        assert Counter(outcome.kind for outcome in outcomes) == {"stored": 32}
        assert Report.objects.count() == Due.objects.count() == 32

    def test_that_are_the_same_refused_body_are_kept_once(self, concurrent_world: World):
        body = payload(commission="XX", evidence=[build_photo()])
        submissions = [make_submission(concurrent_world.first, body) for _ in range(32)]
        outcomes = run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions])
        assert {outcome.problem.code for outcome in outcomes} == {"unknown_commission"}
        assert len({outcome.kept_evidence for outcome in outcomes}) == 1
        assert (Refusal.objects.count(), Evidence.objects.count()) == (1, 1)


class TestTwoObserversRacing:
    def test_for_one_id_one_wins_and_the_other_learns_nothing(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(10):
            body = payload(comment="secret", evidence=[build_photo()])
            submissions = [make_submission(phone, body) for phone in (world.first, world.second) for _ in range(4)]
            outcomes = run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions])
            winner = Report.objects.get(uuid=body["id"]).observer_id
            for each, outcome in zip(submissions, outcomes, strict=True):
                if each.sender.observer.pk == winner:
                    assert outcome.kind in ("stored", "duplicate")
                else:
                    assert (outcome.kind, outcome.problem.code) == ("conflict", "changed_content")
                    assert outcome.kept_evidence == ()
            assert Evidence.objects.get(uuid=body["evidence"][0]["id"]).observer_id == winner

    def test_with_batches_in_opposite_orders_lock_nobody_out(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(5):
            bodies = [payload(evidence=[build_photo()]) for _ in range(20)]
            batches = [
                [make_submission(phone, body) for body in (bodies if n % 2 else bodies[::-1])]
                for n, phone in enumerate([world.first, world.second] * 4)
            ]
            outcomes = run_concurrently([partial(accept_submissions, each, now=DAY) for each in batches])
            found = Counter(outcome.kind for answer in outcomes for outcome in answer)
            assert (found["stored"], found["duplicate"] + found["conflict"]) == (20, 140)
            assert set(found) <= {"stored", "duplicate", "conflict"}
        assert Report.objects.count() == Evidence.objects.count() == 100

    def test_with_large_batches_in_opposite_orders_lock_nobody_out(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(4):
            bodies = [payload() for _ in range(100)]
            batches = [
                [make_submission(world.first, body) for body in bodies],
                [make_submission(world.second, body) for body in reversed(bodies)],
            ]
            outcomes = run_concurrently([partial(accept_submissions, each, now=DAY) for each in batches])
            assert Counter(outcome.kind for answer in outcomes for outcome in answer) == {
                "stored": 100,
                "conflict": 100,
            }

    def test_for_one_file_one_wins(self, concurrent_world: World):
        world, file = concurrent_world, build_photo()
        submissions = [make_submission(phone, payload(evidence=[file])) for phone in (world.first, world.second)]
        outcomes = run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions])
        assert Counter(outcome.kind for outcome in outcomes) == {"stored": 1, "conflict": 1}


class TestACorrectionAndItsTargetAtOnce:
    @pytest.mark.parametrize("first", [0, 1])
    def test_end_right_in_both_orders(self, concurrent_world: World, first):
        world = concurrent_world
        for _ in range(12):
            target = payload()
            bodies = [target, payload(supersedes=target["id"], commission="KZ-1-1-2")]
            submissions = [make_submission(world.first, bodies[n]) for n in (first, 1 - first)]
            run_concurrently([partial(accept_submission, each, now=DAY) for each in submissions])
            rows = {str(row.uuid): row for row in Report.objects.filter(uuid__in=[body["id"] for body in bodies])}
            assert [rows[body["id"]].superseded for body in bodies] == [True, False]
            assert not any(flag in LINK_FLAGS for row in rows.values() for flag in row.flags)
        assert_stored_as_derived()

    def test_a_circle_and_a_fork_sent_at_once_end_as_if_sent_in_turn(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(5):
            a, b, c, d = (payload() for _ in range(4))
            a["supersedes"], b["supersedes"], c["supersedes"], d["supersedes"] = b["id"], a["id"], a["id"], a["id"]
            run_concurrently(
                [partial(accept_submission, make_submission(world.first, body), now=DAY) for body in (a, b, c, d)]
            )
        assert_stored_as_derived()

    def test_openings_sent_at_once_leave_one_counted_report(self, concurrent_world: World):
        world = concurrent_world
        bodies = [payload("opening", observed_at=f"2022-11-20T10:{n:02}:00+06:00") for n in range(16)]
        run_concurrently([partial(accept_submission, make_submission(world.first, body), now=DAY) for body in bodies])
        assert [str(report.uuid) for report in Report.objects.counted()] == [bodies[-1]["id"]]
        assert_stored_as_derived()


class TestADecisionAndACorrectionAtOnce:
    @pytest.mark.parametrize("decide", [decisions.reject_report, decisions.hold_report])
    def test_end_in_what_both_say(self, concurrent_world: World, decide):
        world = concurrent_world
        for _ in range(8):
            target = store_report(world.first, payload())
            middle = store_report(world.first, payload(supersedes=str(target.uuid)))
            last = make_submission(world.first, payload(supersedes=str(middle.uuid)))
            run_concurrently(
                [partial(accept_submission, last, now=DAY), partial(decide, report=middle, user=None, now=DAY)]
            )
            assert [row.superseded for row in Report.objects.filter(pk__in=[target.pk, middle.pk]).order_by("pk")] == [
                True,
                False,
            ]
        assert_stored_as_derived()

    def test_quarantine_and_reports_at_once_end_in_one_of_both(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(4):
            known = store_report(world.first, payload("opening"))
            submissions = [
                make_submission(world.first, payload("opening", supersedes=str(known.uuid))) for _ in range(4)
            ]
            quarantine = {"observer": world.first.observer, "election": world.election, "user": None, "now": DAY}
            run_concurrently(
                [partial(accept_submission, each, now=DAY) for each in submissions]
                + [partial(decisions.quarantine_observer, **quarantine)]
            )
            assert_stored_as_derived()
            # Whichever was first: no report is in the figures while the observer is quarantined.
            assert not Report.objects.counted().filter(observer=world.first.observer).exists()
            decisions.restore_observer(**quarantine)
            assert_stored_as_derived()
            assert Report.objects.counted().filter(observer=world.first.observer).exists()

    def test_two_users_of_the_desk_at_once_end_in_the_decision_of_one(self, concurrent_world: World):
        world = concurrent_world
        for _ in range(6):
            report = store_report(world.first, payload())
            decides = [decisions.reject_report, decisions.verify_report, decisions.hold_report]
            run_concurrently(
                [partial(decide, report=Report.objects.get(pk=report.pk), user=None, now=DAY) for decide in decides]
            )
            report.refresh_from_db()
            assert report.state in ("rejected", "verified", "held")
        assert_stored_as_derived()


class TestFilesAnnouncedAtOnce:
    def test_never_become_more_than_a_report_may_have(self, concurrent_world: World, settings):
        settings.FILES_PER_REPORT_MAX = 5
        world, body = concurrent_world, payload()
        report = store_report(world.first, body)
        sender = Sender(election=world.election, observer=world.first.observer, device=world.first.device)

        def announce() -> str:
            return try_to_announce(report, Announcement(uuid=uuid4()), sender)

        retries = [lambda: send_report(world.first, body | {"evidence": [build_photo()]}) for _ in range(8)]
        answers = run_concurrently([announce] * 8 + retries)
        assert report.evidence.count() == 5
        assert set(answers[:8]) <= {"announced", "invalid_report"}


class TestOneFileAnnouncedByTwoObserversAtOnce:
    def test_belongs_to_one_and_the_other_is_told(self, concurrent_world: World):
        world = concurrent_world
        reports = [store_report(phone, payload()) for phone in (world.first, world.second)]
        senders = [
            Sender(election=world.election, observer=phone.observer, device=phone.device)
            for phone in (world.first, world.second)
        ]
        for _ in range(10):
            file = Announcement(uuid=uuid4())
            answers = run_concurrently(
                [
                    partial(try_to_announce, report, file, sender)
                    for report, sender in zip(reports, senders, strict=True)
                ]
            )
            assert sorted(answers) == ["announced", "changed_content"]


def try_to_announce(report: Report, file: Announcement, sender: Sender) -> str:
    try:
        announce_evidence(report=report, announcements=[file], sender=sender, now=DAY)
    except Rejected as problem:
        return problem.code
    return "announced"
