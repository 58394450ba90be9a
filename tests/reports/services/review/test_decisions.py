"""Decisions of the desk: their states, trail entries, due rows and effects on other reports."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from observer.models import Trail, User
from reports.models import Case, Due, Report, Violation
from reports.problems import Rejected
from reports.services.review import decisions
from tests.support.intake import send_report, store_report
from tests.support.world import DAY, World, make_election, payload

LATER = DAY + timedelta(hours=5)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="coordinator")


def take_due_codes() -> list[str]:
    """The codes of the commissions that are due; deletes these rows."""
    codes = sorted(Due.objects.values_list("commission__code", flat=True))
    Due.objects.all().delete()
    return codes


def list_counted_reports() -> list[Report]:
    return list(Report.objects.counted().order_by("sequence"))


class TestADecisionAboutAReport:
    @pytest.mark.parametrize(
        ("decide", "state", "receipt_state", "counts"),
        [
            (decisions.verify_report, "verified", "verified", True),
            (decisions.reject_report, "rejected", "rejected", False),
            (decisions.hold_report, "held", "held", False),
            (decisions.restore_report, "received", "received", True),
        ],
    )
    def test_is_a_state_a_trail_and_a_row_due(
        self, world: World, user, decide: Callable[..., None], state, receipt_state, counts
    ):
        report = store_report(world.first, payload())
        take_due_codes()
        decide(report=report, user=user, now=LATER, reason="as seen on the photo")
        assert (report.state, report.receipt_state, report.state_reason) == (
            state,
            receipt_state,
            "as seen on the photo",
        )
        fresh = Report.objects.get()
        assert (fresh.state, fresh.state_reason, fresh.decided_by, fresh.decided_at, fresh.changed_at) == (
            state,
            "as seen on the photo",
            user,
            LATER,
            LATER,
        )
        assert list_counted_reports() == ([report] if counts else [])
        assert take_due_codes() == ["KZ-1-1-1"]
        trail = Trail.objects.get()
        assert (trail.at, trail.user, trail.subject) == (LATER, user, f"report:{report.uuid}")
        assert trail.action == f"report.{decide.__name__.removesuffix('_report')}"
        assert trail.detail == {"to": state, "reason": "as seen on the photo"}

    def test_may_be_taken_twice(self, world: World, user):
        report = store_report(world.first, payload())
        for _ in range(2):
            decisions.reject_report(report=report, user=user, now=LATER)
        assert Report.objects.get().state == "rejected"
        assert Trail.objects.count() == 2

    def test_may_be_taken_back(self, world: World, user):
        report = store_report(world.first, payload())
        decisions.reject_report(report=report, user=user, now=LATER)
        decisions.restore_report(report=report, user=user, now=LATER)
        assert list_counted_reports() == [report]

    def test_changes_nothing_of_what_was_received(self, world: World, user):
        report = store_report(world.first, payload(answers={"V03": "yes"}))
        before = {name: getattr(report, name) for name in ("answers", "content_sha256", "received_at", "observed_at")}
        decisions.reject_report(report=report, user=user, now=LATER)
        report.refresh_from_db()
        assert {name: getattr(report, name) for name in before} == before

    def test_is_told_to_the_phone_in_its_receipt(self, world: World, user):
        body = payload()
        decisions.verify_report(report=store_report(world.first, body), user=user, now=LATER)
        receipt = send_report(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "verified"

    def test_works_on_a_row_that_was_read_long_ago(self, world: World, user):
        """The page was opened before a colleague decided; the later decision still applies completely."""
        report = store_report(world.first, payload())
        stale = Report.objects.get()
        decisions.set_rehearsal(report=report, rehearsal=True, user=user, now=LATER)
        decisions.verify_report(report=stale, user=user, now=LATER)
        fresh = Report.objects.get()
        assert (fresh.rehearsal, fresh.state) == (True, "verified")
        assert stale.rehearsal


class TestASupersededReport:
    def test_comes_back_when_the_correction_is_rejected_and_leaves_when_it_is_restored(self, world: World, user):
        first = store_report(world.first, payload())
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        decisions.reject_report(report=second, user=user, now=LATER)
        assert list_counted_reports() == [first]
        first.refresh_from_db()
        assert first.changed_at == LATER
        decisions.restore_report(report=second, user=user, now=LATER)
        assert list_counted_reports() == [second]

    def test_elsewhere_is_due_too(self, world: World, user):
        first = store_report(world.first, payload(commission="KZ-2-1-1"))
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        take_due_codes()
        decisions.hold_report(report=second, user=user, now=LATER)
        assert take_due_codes() == ["KZ-1-1-1", "KZ-2-1-1"]

    def test_stays_out_when_it_was_itself_rejected(self, world: World, user):
        first = store_report(world.first, payload())
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        decisions.reject_report(report=first, user=user, now=LATER)
        assert list_counted_reports() == [second]
        decisions.reject_report(report=second, user=user, now=LATER)
        assert list_counted_reports() == []

    def test_verified_or_not_makes_no_difference(self, world: World, user):
        first = store_report(world.first, payload())
        decisions.verify_report(report=first, user=user, now=LATER)
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        assert list_counted_reports() == [second]


class TestARehearsal:
    def test_made_a_real_report_counts(self, world: World, user):
        report = store_report(world.first, payload(rehearsal=True))
        take_due_codes()
        decisions.set_rehearsal(report=report, rehearsal=False, user=user, now=LATER)
        assert (report.rehearsal, report.flags) == (False, [])
        assert list_counted_reports() == [report]
        assert take_due_codes() == ["KZ-1-1-1"]
        decisions.set_rehearsal(report=report, rehearsal=True, user=user, now=LATER)
        assert (report.rehearsal, report.flags, list_counted_reports()) == (True, ["rehearsal"], [])
        assert Trail.objects.filter(action="report.rehearsal").count() == 2

    def test_keeps_its_other_flags(self, world: World, user):
        report = store_report(world.second, payload(rehearsal=True))
        decisions.set_rehearsal(report=report, rehearsal=False, user=user, now=LATER)
        decisions.set_rehearsal(report=report, rehearsal=False, user=user, now=LATER)
        assert Report.objects.get().flags == ["not_assigned"]


class TestAnObserverQuarantined:
    def decide(self, world: World, user: User, aside: bool) -> int:
        arguments: dict[str, Any] = {
            "observer": world.first.observer,
            "election": world.election,
            "user": user,
            "now": LATER,
        }
        return decisions.quarantine_observer(**arguments) if aside else decisions.restore_observer(**arguments)

    def test_takes_every_report_out_of_the_figures_at_once_and_restores_each_state(self, world: World, user):
        reports = [store_report(world.first, payload(commission=f"KZ-1-1-{n % 3 + 1}")) for n in range(6)]
        theirs = store_report(world.second, payload(commission="KZ-1-1-2"))
        decisions.verify_report(report=reports[0], user=user, now=DAY)
        decisions.hold_report(report=reports[1], user=user, now=DAY)
        decisions.reject_report(report=reports[2], user=user, now=DAY)
        decisions.set_rehearsal(report=reports[3], rehearsal=True, user=user, now=DAY)
        states = list(Report.objects.order_by("sequence").values_list("state", "rehearsal", "flags", "superseded"))
        before = list_counted_reports()
        take_due_codes()

        assert self.decide(world, user, True) == 6
        assert list_counted_reports() == [theirs]
        assert take_due_codes() == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]
        assert {report.receipt_state for report in Report.objects.filter(observer=world.first.observer)} == {
            "quarantined"
        }

        assert self.decide(world, user, False) == 6
        assert list_counted_reports() == before
        assert take_due_codes() == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]
        after = list(Report.objects.order_by("sequence").values_list("state", "rehearsal", "flags", "superseded"))
        assert after == states

    def test_leaves_one_line_in_the_trail_under_its_code(self, world: World, user):
        store_report(world.first, payload())
        self.decide(world, user, True)
        trail = Trail.objects.get()
        assert (trail.action, trail.subject, trail.user) == ("observer.quarantine", "observer:OB-2222", user)
        assert trail.detail == {"election": "test-2022", "reports": 1}

    def test_twice_changes_nothing_more(self, world: World, user):
        store_report(world.first, payload())
        assert [self.decide(world, user, True) for _ in range(2)] == [1, 0]
        take_due_codes()
        assert [self.decide(world, user, False) for _ in range(2)] == [1, 0]
        assert take_due_codes() == ["KZ-1-1-1"]

    def test_holds_for_reports_that_come_later_too(self, world: World, user):
        self.decide(world, user, True)
        outcome = send_report(world.first, payload("opening"))
        assert (outcome.kind, outcome.receipt.state) == ("stored", "quarantined")
        assert send_report(world.second, payload(commission="KZ-1-1-2")).receipt.state == "received"
        other = World(election=make_election("other"))
        assert send_report(other.enrol_phone("OB-2222"), payload()).receipt.state == "received"
        assert Report.objects.counted().filter(observer=world.first.observer).count() == 1

        assert self.decide(world, user, False) == 1
        assert Report.objects.counted().filter(observer=world.first.observer).count() == 2
        assert send_report(world.first, payload()).receipt.state == "received"

    def test_a_correction_that_comes_is_quarantined_with_what_it_corrects(self, world: World, user):
        first = store_report(world.first, payload())
        self.decide(world, user, True)
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        assert list_counted_reports() == []
        self.decide(world, user, False)
        assert list_counted_reports() == [second]

    def test_brings_back_corrections_as_corrections(self, world: World, user):
        first = store_report(world.first, payload())
        second = store_report(world.first, payload(supersedes=str(first.uuid)))
        self.decide(world, user, True)
        assert not Report.objects.filter(superseded=True).exists()
        self.decide(world, user, False)
        assert list_counted_reports() == [second]

    def test_holds_in_one_election_only(self, world: World, user):
        other = World(election=make_election("other"))
        elsewhere = store_report(other.enrol_phone("OB-2222"), payload())
        store_report(world.first, payload())
        assert self.decide(world, user, True) == 1
        assert list_counted_reports() == [elsewhere]

    def test_may_have_a_thousand_reports(self, world: World, user, django_assert_max_num_queries):
        report = store_report(world.first, payload())
        fields = {f.attname: getattr(report, f.attname) for f in Report._meta.concrete_fields if not f.primary_key}
        Report.objects.bulk_create([Report(**fields | {"uuid": payload()["id"]}) for _ in range(1_000)])
        with django_assert_max_num_queries(60):
            assert self.decide(world, user, True) == 1_001
        assert list_counted_reports() == []


class TestReadingAReport:
    def test_is_noted_once_and_told_to_the_phone(self, world: World):
        report = store_report(world.first, payload())
        take_due_codes()
        decisions.mark_report_read(report=report, now=LATER)
        decisions.mark_report_read(report=report, now=LATER + timedelta(hours=1))
        report.refresh_from_db()
        assert (report.read_at, report.changed_at, report.receipt_state) == (LATER, LATER, "read")
        assert take_due_codes() == []


class TestADecisionAboutAViolation:
    @pytest.fixture
    def violation(self, world: World) -> Violation:
        report = store_report(world.first, payload(answers={"V03": "yes"}))
        take_due_codes()
        return report.violations.get()

    @pytest.mark.parametrize("state", Violation.State.values)
    def test_is_a_state_a_trail_and_a_row_due(self, violation, user, state):
        decisions.decide_violation(violation=violation, state=state, user=user, now=LATER, note="seen")
        assert (violation.state, violation.note, violation.decided_by, violation.decided_at) == (
            state,
            "seen",
            user,
            LATER,
        )
        assert take_due_codes() == ["KZ-1-1-1"]
        trail = Trail.objects.get()
        assert (trail.action, trail.subject) == ("violation.decide", f"report:{violation.report.uuid}")
        assert trail.detail == {"from": "reported", "to": state, "code": "FRD-05"}

    def test_may_join_it_to_a_case_and_keeps_it_there(self, violation, user):
        case = Case.objects.create(commission=violation.report.commission, created_at=DAY)
        decisions.decide_violation(violation=violation, state="confirmed", user=user, now=LATER, case=case, note="one")
        decisions.decide_violation(violation=violation, state="solved", user=user, now=LATER)
        assert (violation.case, violation.note, violation.state) == (case, "one", "solved")

    def test_cannot_join_it_to_a_case_of_another_commission(self, world: World, violation, user):
        case = Case.objects.create(commission=world.tree["KZ-1-1-2"], created_at=DAY)
        with pytest.raises(Rejected) as caught:
            decisions.decide_violation(violation=violation, state="confirmed", user=user, now=LATER, case=case)
        assert (caught.value.code, caught.value.errors[0].field) == ("invalid_report", "case")
        assert Violation.objects.get().state == "reported"
        assert not Trail.objects.exists()
        assert take_due_codes() == []

    def test_is_one_of_the_states(self, violation, user):
        with pytest.raises(ValueError, match="perhaps"):
            decisions.decide_violation(violation=violation, state="perhaps", user=user, now=LATER)
