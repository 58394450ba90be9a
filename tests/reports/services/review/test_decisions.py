"""What the desk decides: a state, a trail, what is due, and what it brings back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from observer.models import Trail, User
from reports.models import Case, Due, Report, Violation
from reports.problems import Rejected
from reports.services.review import decisions
from tests.support.door import send, stored
from tests.support.world import DAY, World, make_election, payload

LATER = DAY + timedelta(hours=5)


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="coordinator")


def due() -> list[str]:
    """The codes of what is due, which is then done."""
    codes = sorted(Due.objects.values_list("commission__code", flat=True))
    Due.objects.all().delete()
    return codes


def counted() -> list[Report]:
    return list(Report.objects.counted().order_by("sequence"))


class TestADecisionAboutAReport:
    @pytest.mark.parametrize(
        ("decide", "state", "standing", "counts"),
        [
            (decisions.report_verify, "verified", "verified", True),
            (decisions.report_reject, "rejected", "rejected", False),
            (decisions.report_hold, "held", "held", False),
            (decisions.report_restore, "received", "received", True),
        ],
    )
    def test_is_a_state_a_trail_and_a_row_due(
        self, world: World, user, decide: Callable[..., None], state, standing, counts
    ):
        report = stored(world.first, payload())
        due()
        decide(report=report, user=user, now=LATER, reason="as seen on the photo")
        assert (report.state, report.standing, report.state_reason) == (state, standing, "as seen on the photo")
        fresh = Report.objects.get()
        assert (fresh.state, fresh.state_reason, fresh.decided_by, fresh.decided_at, fresh.changed_at) == (
            state,
            "as seen on the photo",
            user,
            LATER,
            LATER,
        )
        assert counted() == ([report] if counts else [])
        assert due() == ["KZ-1-1-1"]
        trail = Trail.objects.get()
        assert (trail.at, trail.user, trail.subject) == (LATER, user, f"report:{report.uuid}")
        assert trail.action == f"report.{decide.__name__.removeprefix('report_')}"
        assert trail.detail == {"to": state, "reason": "as seen on the photo"}

    def test_may_be_taken_twice(self, world: World, user):
        report = stored(world.first, payload())
        for _ in range(2):
            decisions.report_reject(report=report, user=user, now=LATER)
        assert Report.objects.get().state == "rejected"
        assert Trail.objects.count() == 2

    def test_may_be_taken_back(self, world: World, user):
        report = stored(world.first, payload())
        decisions.report_reject(report=report, user=user, now=LATER)
        decisions.report_restore(report=report, user=user, now=LATER)
        assert counted() == [report]

    def test_changes_nothing_of_what_was_received(self, world: World, user):
        report = stored(world.first, payload(answers={"V03": "yes"}))
        before = {name: getattr(report, name) for name in ("answers", "content_sha256", "received_at", "observed_at")}
        decisions.report_reject(report=report, user=user, now=LATER)
        report.refresh_from_db()
        assert {name: getattr(report, name) for name in before} == before

    def test_is_told_to_the_phone_in_its_receipt(self, world: World, user):
        body = payload()
        decisions.report_verify(report=stored(world.first, body), user=user, now=LATER)
        receipt = send(world.first, body).receipt
        assert receipt is not None
        assert receipt.state == "verified"

    def test_works_on_a_row_that_was_read_long_ago(self, world: World, user):
        """The desk's page was opened before a colleague decided: the later decision stands, whole."""
        report = stored(world.first, payload())
        stale = Report.objects.get()
        decisions.rehearsal_set(report=report, rehearsal=True, user=user, now=LATER)
        decisions.report_verify(report=stale, user=user, now=LATER)
        fresh = Report.objects.get()
        assert (fresh.rehearsal, fresh.state) == (True, "verified")
        assert stale.rehearsal


class TestWhatACorrectionSuperseded:
    def test_comes_back_when_the_correction_is_rejected_and_leaves_when_it_is_restored(self, world: World, user):
        first = stored(world.first, payload())
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        decisions.report_reject(report=second, user=user, now=LATER)
        assert counted() == [first]
        first.refresh_from_db()
        assert first.changed_at == LATER
        decisions.report_restore(report=second, user=user, now=LATER)
        assert counted() == [second]

    def test_elsewhere_is_due_too(self, world: World, user):
        first = stored(world.first, payload(commission="KZ-2-1-1"))
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        due()
        decisions.report_hold(report=second, user=user, now=LATER)
        assert due() == ["KZ-1-1-1", "KZ-2-1-1"]

    def test_stays_out_when_it_was_itself_rejected(self, world: World, user):
        first = stored(world.first, payload())
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        decisions.report_reject(report=first, user=user, now=LATER)
        assert counted() == [second]
        decisions.report_reject(report=second, user=user, now=LATER)
        assert counted() == []

    def test_verified_or_not_makes_no_difference(self, world: World, user):
        first = stored(world.first, payload())
        decisions.report_verify(report=first, user=user, now=LATER)
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        assert counted() == [second]


class TestARehearsal:
    def test_meant_in_earnest_counts(self, world: World, user):
        report = stored(world.first, payload(rehearsal=True))
        due()
        decisions.rehearsal_set(report=report, rehearsal=False, user=user, now=LATER)
        assert (report.rehearsal, report.flags) == (False, [])
        assert counted() == [report]
        assert due() == ["KZ-1-1-1"]
        decisions.rehearsal_set(report=report, rehearsal=True, user=user, now=LATER)
        assert (report.rehearsal, report.flags, counted()) == (True, ["rehearsal"], [])
        assert Trail.objects.filter(action="report.rehearsal").count() == 2

    def test_keeps_its_other_flags(self, world: World, user):
        report = stored(world.second, payload(rehearsal=True))
        decisions.rehearsal_set(report=report, rehearsal=False, user=user, now=LATER)
        decisions.rehearsal_set(report=report, rehearsal=False, user=user, now=LATER)
        assert Report.objects.get().flags == ["not_assigned"]


class TestAnObserverQuarantined:
    def decide(self, world: World, user: User, aside: bool) -> int:
        one: dict[str, Any] = {"observer": world.first.observer, "election": world.election, "user": user, "at": LATER}
        return decisions.observer_quarantine(**one) if aside else decisions.observer_restore(**one)

    def test_is_out_with_every_report_at_once_and_back_as_it_was(self, world: World, user):
        reports = [stored(world.first, payload(commission=f"KZ-1-1-{n % 3 + 1}")) for n in range(6)]
        theirs = stored(world.second, payload(commission="KZ-1-1-2"))
        decisions.report_verify(report=reports[0], user=user, now=DAY)
        decisions.report_hold(report=reports[1], user=user, now=DAY)
        decisions.report_reject(report=reports[2], user=user, now=DAY)
        decisions.rehearsal_set(report=reports[3], rehearsal=True, user=user, now=DAY)
        states = list(Report.objects.order_by("sequence").values_list("state", "rehearsal", "flags", "superseded"))
        before = counted()
        due()

        assert self.decide(world, user, True) == 6
        assert counted() == [theirs]
        assert due() == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]
        assert {report.standing for report in Report.objects.filter(observer=world.first.observer)} == {"quarantined"}

        assert self.decide(world, user, False) == 6
        assert counted() == before
        assert due() == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"]
        after = list(Report.objects.order_by("sequence").values_list("state", "rehearsal", "flags", "superseded"))
        assert after == states

    def test_leaves_one_line_in_the_trail_under_its_code(self, world: World, user):
        stored(world.first, payload())
        self.decide(world, user, True)
        trail = Trail.objects.get()
        assert (trail.action, trail.subject, trail.user) == ("observer.quarantine", "observer:OB-2222", user)
        assert trail.detail == {"election": "test-2022", "reports": 1}

    def test_twice_changes_nothing_more(self, world: World, user):
        stored(world.first, payload())
        assert [self.decide(world, user, True) for _ in range(2)] == [1, 0]
        due()
        assert [self.decide(world, user, False) for _ in range(2)] == [1, 0]
        assert due() == ["KZ-1-1-1"]

    def test_is_so_for_the_reports_that_come_too(self, world: World, user):
        self.decide(world, user, True)
        outcome = send(world.first, payload("opening"))
        assert (outcome.kind, outcome.receipt.state) == ("stored", "quarantined")
        assert send(world.second, payload(commission="KZ-1-1-2")).receipt.state == "received"
        other = World(election=make_election("other"))
        assert send(other.enrolled("OB-2222"), payload()).receipt.state == "received"
        assert Report.objects.counted().filter(observer=world.first.observer).count() == 1

        assert self.decide(world, user, False) == 1
        assert Report.objects.counted().filter(observer=world.first.observer).count() == 2
        assert send(world.first, payload()).receipt.state == "received"

    def test_a_correction_that_comes_waits_with_what_it_corrects(self, world: World, user):
        first = stored(world.first, payload())
        self.decide(world, user, True)
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        assert counted() == []
        self.decide(world, user, False)
        assert counted() == [second]

    def test_brings_back_corrections_as_corrections(self, world: World, user):
        first = stored(world.first, payload())
        second = stored(world.first, payload(supersedes=str(first.uuid)))
        self.decide(world, user, True)
        assert not Report.objects.filter(superseded=True).exists()
        self.decide(world, user, False)
        assert counted() == [second]

    def test_is_so_in_one_election_only(self, world: World, user):
        other = World(election=make_election("other"))
        elsewhere = stored(other.enrolled("OB-2222"), payload())
        stored(world.first, payload())
        assert self.decide(world, user, True) == 1
        assert counted() == [elsewhere]

    def test_may_have_a_thousand_reports(self, world: World, user, django_assert_max_num_queries):
        report = stored(world.first, payload())
        fields = {f.attname: getattr(report, f.attname) for f in Report._meta.concrete_fields if not f.primary_key}
        Report.objects.bulk_create([Report(**fields | {"uuid": payload()["id"]}) for _ in range(1_000)])
        with django_assert_max_num_queries(60):
            assert self.decide(world, user, True) == 1_001
        assert counted() == []


class TestReading:
    def test_is_noted_once_and_told_to_the_phone(self, world: World):
        report = stored(world.first, payload())
        due()
        decisions.report_read(report=report, now=LATER)
        decisions.report_read(report=report, now=LATER + timedelta(hours=1))
        report.refresh_from_db()
        assert (report.read_at, report.changed_at, report.standing) == (LATER, LATER, "read")
        assert due() == []


class TestADecisionAboutAViolation:
    @pytest.fixture
    def violation(self, world: World) -> Violation:
        report = stored(world.first, payload(answers={"V03": "yes"}))
        due()
        return report.violations.get()

    @pytest.mark.parametrize("state", Violation.State.values)
    def test_is_a_state_a_trail_and_a_row_due(self, violation, user, state):
        decisions.violation_decide(violation=violation, state=state, user=user, now=LATER, note="seen")
        assert (violation.state, violation.note, violation.decided_by, violation.decided_at) == (
            state,
            "seen",
            user,
            LATER,
        )
        assert due() == ["KZ-1-1-1"]
        trail = Trail.objects.get()
        assert (trail.action, trail.subject) == ("violation.decide", f"report:{violation.report.uuid}")
        assert trail.detail == {"from": "reported", "to": state, "code": "FRD-05"}

    def test_may_join_it_to_a_case_and_keeps_it_there(self, violation, user):
        case = Case.objects.create(commission=violation.report.commission, created_at=DAY)
        decisions.violation_decide(violation=violation, state="confirmed", user=user, now=LATER, case=case, note="one")
        decisions.violation_decide(violation=violation, state="solved", user=user, now=LATER)
        assert (violation.case, violation.note, violation.state) == (case, "one", "solved")

    def test_cannot_join_it_to_a_case_of_another_commission(self, world: World, violation, user):
        case = Case.objects.create(commission=world.tree["KZ-1-1-2"], created_at=DAY)
        with pytest.raises(Rejected) as caught:
            decisions.violation_decide(violation=violation, state="confirmed", user=user, now=LATER, case=case)
        assert (caught.value.code, caught.value.errors[0].field) == ("invalid_report", "case")
        assert Violation.objects.get().state == "reported"
        assert not Trail.objects.exists()
        assert due() == []

    def test_is_one_of_the_states(self, violation, user):
        with pytest.raises(ValueError, match="perhaps"):
            decisions.violation_decide(violation=violation, state="perhaps", user=user, now=LATER)
