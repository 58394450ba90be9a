"""Cases: their steps, complaints and deadlines, files, and what a legal hold protects."""

import io
import tarfile
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from observer.models import Trail, User
from reports.models import Case, CaseFile, Complaint, Summary
from reports.problems import Rejected
from reports.services.cases import cases, complaints, legal_hold
from reports.services.cases.case_files import add_case_file
from reports.services.cases.deadlines import Deadline, compute_due_at, is_near_election_day
from reports.services.cases.workflow import get_steps, parse_case_rules
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.operations import backups
from reports.services.review.decisions import EditConflict, decide_violation
from reports.services.storage.sealed_store import open_sealed_file
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_texts, payload

ZONE = "Asia/Almaty"
TERMS = [
    {
        "code": code,
        "days": days,
        "kind_of_days": "calendar",
        "closing_time": "",
        "article": "20(9)",
        "name": make_texts(code),
        "forum": make_texts("court"),
        "who_may_file": {},
        "starts": make_texts("act"),
        "if_near": {},
    }
    for code, days in (("file", 10), ("answer", 5))
]


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


@pytest.fixture
def case(world: World, user: User) -> Case:
    world.election.rules = {"deadlines": TERMS}
    world.election.save()
    report = store_report(world.first, payload("incident"))
    return cases.open_case_from_violation(violation=report.violations.get(), title="", user=user, now=DAY)


class TestCaseWorkflow:
    def test_opens_with_severity_due_time_and_holder(self, case, user):
        assert (case.severity, case.step, case.holder, case.due_at) == (
            "critical",
            "open",
            user,
            DAY + timedelta(hours=1),
        )
        assert case.title.startswith("ACC-01")

    def test_moves_only_along_declared_steps(self, case, user):
        with pytest.raises(Rejected):
            cases.change_case_step(case=case, step="solved", user=user, now=DAY, seen=0)
        cases.change_case_step(case=case, step="checking", user=user, now=DAY, seen=0)
        cases.change_case_step(case=case, step="closed", user=user, now=DAY, seen=1)
        assert (case.closed_at, case.due_at) == (DAY, None)
        assert not Case.objects.open().exists()
        cases.change_case_step(case=case, step="checking", user=user, now=DAY, seen=2)
        assert case.closed_at is None

    def test_uses_the_steps_of_its_election(self, world):
        problems: list[str] = []
        given = {
            "case_steps": [
                {"code": "new", "names": {"en": "new"}, "leads_to": ["end"]},
                {"code": "end", "names": {"en": "end"}, "leads_to": [], "closes": True},
            ],
            "case_clock": {"critical": 30},
        }
        world.election.rules = parse_case_rules(given, problems.append)
        assert problems == []
        assert list(get_steps(world.election)) == ["new", "end"]

    @pytest.mark.parametrize(
        "given",
        [
            {"case_steps": 5},
            {"case_steps": [{"code": "a", "names": {}, "leads_to": ["b"]}]},
            {"case_steps": [{"code": 5, "names": {}, "leads_to": [], "closes": True}]},
            {"case_clock": {"critical": "soon"}},
            {"holidays": ["2022-12-16"]},
        ],
    )
    def test_wrong_steps_in_a_pack_are_reported(self, given):
        problems: list[str] = []
        parse_case_rules(given, problems.append)
        assert problems

    def test_of_several_reports_is_confirmed_once(self, case, world, user):
        world.enrol_phone("OB-4444", "KZ-1-1-1")
        again = store_report(world.first, payload("incident", observed_at="2022-11-20T11:00:00+06:00"))
        violation = again.violations.get()
        cases.add_violation_to_case(case=case, violation=violation, user=user, now=DAY)
        for one in case.violations.all():
            decide_violation(violation=one, state="confirmed", user=user, now=DAY)
        recompute_due_summaries(now=lambda: DAY)
        tally = Summary.objects.get(pk=world.tree["KZ"].pk).tally
        assert tally["violations"]["confirmed"] == 1
        assert cases.get_case_reports(case).count() == 2

    def test_refuses_a_violation_of_another_commission(self, case, world, user):
        elsewhere = store_report(world.second, payload("incident", "KZ-1-1-2")).violations.get()
        with pytest.raises(Rejected):
            cases.add_violation_to_case(case=case, violation=elsewhere, user=user, now=DAY)

    def test_a_comment_on_a_case_closed_meanwhile_is_kept(self, case, user):
        seen = case.revision
        cases.change_case_step(case=case, step="closed", user=user, now=DAY, seen=seen)
        with pytest.raises(EditConflict):
            cases.set_case_escalated(case=case, escalated=True, user=user, now=DAY, seen=seen)
        assert cases.add_case_comment(case=case, text="she called back", user=user, now=DAY) is False
        assert [one.text for one in case.comments.all()] == ["she called back"]

    @pytest.mark.slow
    def test_of_two_concurrent_steps_one_is_refused(self, concurrent_world: World):
        report = store_report(concurrent_world.first, payload("incident"))
        users = [User.objects.create(username=f"c{n}") for n in range(2)]
        case = cases.open_case_from_violation(violation=report.violations.get(), title="", user=users[0], now=DAY)

        def step(user: User) -> str:
            try:
                cases.change_case_step(case=Case.objects.get(pk=case.pk), step="checking", user=user, now=DAY, seen=0)
            except EditConflict:
                return "refused"
            return "done"

        assert sorted(run_concurrently([partial(step, user) for user in users])) == ["done", "refused"]

    def test_the_latest_consent_of_an_observer_counts(self, case, world, user):
        for given in (True, False):
            cases.record_case_consent(
                case=case, observer=world.first.observer, given=given, how="by phone", user=user, now=DAY
            )
        assert cases.load_case_consents(case)[world.first.observer.pk].given is False
        with pytest.raises(Rejected):
            cases.record_case_consent(case=case, observer=world.second.observer, given=True, how="", user=user, now=DAY)

    def test_a_legal_hold_protects_reports_and_people(self, case, world, user):
        assert not legal_hold.get_held_observers(world.election).exists()
        cases.set_legal_hold(case=case, hold=True, user=user, now=DAY, seen=case.revision)
        assert list(legal_hold.get_held_observers(world.election)) == [world.first.observer]
        assert legal_hold.get_held_reports(world.election).count() == 1


class TestDeadline:
    def compute(self, days: int, start: str, *, working: bool = False, closing: str = "", holidays=()) -> str:
        term = Deadline("x", days, working, closing)
        starts_at = datetime.fromisoformat(start).astimezone(UTC)
        return compute_due_at(deadline=term, starts_at=starts_at, zone=ZONE, holidays=holidays).isoformat()

    def test_ends_with_its_last_day_in_the_commissions_time_zone(self):
        assert self.compute(10, "2022-11-20T23:30:00+06:00") == "2022-11-30T18:00:00+00:00"

    def test_ends_at_the_closing_hour(self):
        assert self.compute(3, "2022-11-20T10:00:00+06:00", closing="18:00") == "2022-11-23T12:00:00+00:00"

    def test_of_working_days_skips_weekends_and_holidays(self):
        # Friday, then Monday and Tuesday; with Monday a holiday, Tuesday and Wednesday.
        assert (
            self.compute(2, "2022-11-18T10:00:00+06:00", working=True, closing="18:00") == "2022-11-22T12:00:00+00:00"
        )
        later = self.compute(2, "2022-11-18T10:00:00+06:00", working=True, closing="18:00", holidays=["2022-11-21"])
        assert later == "2022-11-23T12:00:00+00:00"

    def test_of_no_days_ends_the_same_day(self):
        assert self.compute(0, "2022-11-20T10:00:00+06:00") == "2022-11-20T18:00:00+00:00"

    def test_is_near_election_day_on_that_day_and_the_day_before(self):
        term = Deadline("x", 5, False, if_near={"en": "at once"})
        near = [
            is_near_election_day(deadline=term, starts_at=DAY + timedelta(days=n), election_day=DAY.date(), zone=ZONE)
            for n in (-2, -1, 0, 1)
        ]
        assert near == [False, True, True, False]


class TestComplaint:
    def open_complaint(self, case: Case, user: User) -> Complaint:
        return complaints.open_complaint(case=case, term="file", starts_at=DAY, user=user, now=DAY)

    def test_takes_deadlines_and_forum_from_the_pack(self, case, user):
        one = self.open_complaint(case, user)
        assert (one.due_at.isoformat(), one.forum) == ("2022-11-30T18:00:00+00:00", "court en")
        assert complaints.get_pending_deadline(one) == one.due_at
        complaints.file_complaint(complaint=one, filed_at=DAY, answer_term="answer", user=user, now=DAY, seen=0)
        assert complaints.get_pending_deadline(one).isoformat() == "2022-11-25T18:00:00+00:00"
        complaints.record_complaint_answer(complaint=one, answered_at=DAY, outcome="denied", user=user, now=DAY, seen=1)
        assert complaints.get_pending_deadline(one) is None

    def test_an_answer_can_be_appealed_once(self, case, user):
        one = self.open_complaint(case, user)
        appeal = partial(
            complaints.open_complaint, case=case, term="file", starts_at=DAY, user=user, now=DAY, appeals=one
        )
        with pytest.raises(Rejected):
            appeal()
        complaints.file_complaint(complaint=one, filed_at=DAY, answer_term="", user=user, now=DAY, seen=0)
        complaints.record_complaint_answer(complaint=one, answered_at=DAY, outcome="denied", user=user, now=DAY, seen=1)
        assert appeal().appeals == one
        with pytest.raises(Rejected):
            appeal()

    def test_cannot_be_edited_once_filed_or_on_an_older_revision(self, case, user):
        one = self.open_complaint(case, user)
        write = partial(complaints.edit_complaint, complaint=one, forum="x", text="words", user=user, now=DAY)
        write(seen=0)
        with pytest.raises(EditConflict):
            write(seen=0)
        complaints.file_complaint(complaint=one, filed_at=DAY, answer_term="", user=user, now=DAY, seen=1)
        with pytest.raises(Rejected):
            write(seen=2)
        assert Complaint.objects.get().text == "words"

    def test_leaves_no_text_in_the_trail(self, case, user):
        one = self.open_complaint(case, user)
        complaints.edit_complaint(complaint=one, forum="x", text="secret words", user=user, now=DAY, seen=0)
        assert "secret" not in str(list(Trail.objects.values()))


class TestCaseFile:
    def test_is_sealed_and_added_once(self, case, user):
        for _ in range(2):
            paper = add_case_file(
                case=case,
                complaint=None,
                kind="receipt",
                name="receipt.pdf",
                stream=io.BytesIO(b"%PDF"),
                user=user,
                now=DAY,
            )
        assert CaseFile.objects.count() == 1
        assert open_sealed_file(sha256=paper.sha256).read() == b"%PDF"

    def test_that_is_empty_or_of_unknown_kind_is_refused(self, case, user):
        for kind, content in (("receipt", b""), ("anything", b"x")):
            with pytest.raises(Rejected):
                add_case_file(
                    case=case, complaint=None, kind=kind, name="x", stream=io.BytesIO(content), user=user, now=DAY
                )

    def test_is_in_the_backup(self, case, user, tmp_path, monkeypatch):
        monkeypatch.setattr(backups, "dump_database", lambda **_: [])
        paper = add_case_file(
            case=case, complaint=None, kind="answer", name="x", stream=io.BytesIO(b"paper"), user=user, now=DAY
        )
        backups.write_backup(path=tmp_path / "all.tar", now=DAY)
        with tarfile.open(tmp_path / "all.tar") as tar:
            held = tar.extractfile(f"sealed/{paper.sha256}")
            assert held is not None and held.read() == b"paper"
