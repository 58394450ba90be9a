"""Cases: from open to closed, complaints and their terms, papers, what a hold keeps."""

import io
import tarfile
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from observer.models import Trail, User
from reports.models import Case, CaseFile, Complaint, Summary
from reports.problems import Rejected
from reports.services.cases import cases, complaints, legal_hold
from reports.services.cases.case_files import case_file_add
from reports.services.cases.deadlines import Term, is_near, term_ends
from reports.services.cases.workflow import case_rules_read, steps_of
from reports.services.figures.refresh import summaries_refresh
from reports.services.operations import backups
from reports.services.review.decisions import Changed, violation_decide
from reports.services.storage.sealed_store import open_sealed
from tests.support.door import stored
from tests.support.threads import at_once
from tests.support.world import DAY, World, payload, words

ZONE = "Asia/Almaty"
TERMS = [
    {
        "code": code,
        "days": days,
        "kind_of_days": "calendar",
        "closing_time": "",
        "article": "20(9)",
        "name": words(code),
        "forum": words("court"),
        "who_may_file": {},
        "starts": words("act"),
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
    report = stored(world.first, payload("incident"))
    return cases.case_open(violation=report.violations.get(), title="", user=user, now=DAY)


class TestACase:
    def test_opens_with_severity_clock_and_holder(self, case, user):
        assert (case.severity, case.step, case.holder, case.due_at) == (
            "critical",
            "open",
            user,
            DAY + timedelta(hours=1),
        )
        assert case.title.startswith("ACC-01")

    def test_goes_by_declared_steps_only(self, case, user):
        with pytest.raises(Rejected):
            cases.case_step(case=case, step="solved", user=user, now=DAY, seen=0)
        cases.case_step(case=case, step="checking", user=user, now=DAY, seen=0)
        cases.case_step(case=case, step="closed", user=user, now=DAY, seen=1)
        assert (case.closed_at, case.due_at) == (DAY, None)
        assert not Case.objects.open().exists()
        cases.case_step(case=case, step="checking", user=user, now=DAY, seen=2)
        assert case.closed_at is None

    def test_takes_the_steps_of_its_election(self, world):
        told: list[str] = []
        given = {
            "case_steps": [
                {"code": "new", "names": {"en": "new"}, "leads_to": ["end"]},
                {"code": "end", "names": {"en": "end"}, "leads_to": [], "closes": True},
            ],
            "case_clock": {"critical": 30},
        }
        world.election.rules = case_rules_read(given, told.append)
        assert told == []
        assert list(steps_of(world.election)) == ["new", "end"]

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
    def test_a_pack_with_wrong_steps_is_told(self, given):
        told: list[str] = []
        case_rules_read(given, told.append)
        assert told

    def test_of_several_reports_is_confirmed_once(self, case, world, user):
        world.enrolled("OB-4444", "KZ-1-1-1")
        again = stored(world.first, payload("incident", observed_at="2022-11-20T11:00:00+06:00"))
        violation = again.violations.get()
        cases.case_join(case=case, violation=violation, user=user, now=DAY)
        for one in case.violations.all():
            violation_decide(violation=one, state="confirmed", user=user, now=DAY)
        summaries_refresh(now=lambda: DAY)
        tally = Summary.objects.get(pk=world.tree["KZ"].pk).tally
        assert tally["violations"]["confirmed"] == 1
        assert cases.reports_of(case).count() == 2

    def test_of_another_place_does_not_take_it(self, case, world, user):
        elsewhere = stored(world.second, payload("incident", "KZ-1-1-2")).violations.get()
        with pytest.raises(Rejected):
            cases.case_join(case=case, violation=elsewhere, user=user, now=DAY)

    def test_closed_while_another_writes_loses_no_word(self, case, user):
        seen = case.revision
        cases.case_step(case=case, step="closed", user=user, now=DAY, seen=seen)
        with pytest.raises(Changed):
            cases.case_escalate(case=case, escalated=True, user=user, now=DAY, seen=seen)
        assert cases.comment_add(case=case, text="she called back", user=user, now=DAY) is False
        assert [one.text for one in case.comments.all()] == ["she called back"]

    @pytest.mark.slow
    def test_of_two_steps_at_once_one_is_told(self, concurrent_world: World):
        report = stored(concurrent_world.first, payload("incident"))
        users = [User.objects.create(username=f"c{n}") for n in range(2)]
        case = cases.case_open(violation=report.violations.get(), title="", user=users[0], now=DAY)

        def step(user: User) -> str:
            try:
                cases.case_step(case=Case.objects.get(pk=case.pk), step="checking", user=user, now=DAY, seen=0)
            except Changed:
                return "told"
            return "done"

        assert sorted(at_once([partial(step, user) for user in users])) == ["done", "told"]

    def test_names_an_observer_only_as_they_said_last(self, case, world, user):
        for given in (True, False):
            cases.consent_record(
                case=case, observer=world.first.observer, given=given, how="by phone", user=user, now=DAY
            )
        assert cases.consents_of(case)[world.first.observer.pk].given is False
        with pytest.raises(Rejected):
            cases.consent_record(case=case, observer=world.second.observer, given=True, how="", user=user, now=DAY)

    def test_held_keeps_its_reports_files_and_people(self, case, world, user):
        assert not legal_hold.observers_held(world.election).exists()
        cases.case_hold(case=case, hold=True, user=user, now=DAY, seen=case.revision)
        assert list(legal_hold.observers_held(world.election)) == [world.first.observer]
        assert legal_hold.reports_held(world.election).count() == 1


class TestATerm:
    def ends(self, days: int, start: str, *, working: bool = False, closing: str = "", holidays=()) -> str:
        term = Term("x", days, working, closing)
        starts_at = datetime.fromisoformat(start).astimezone(UTC)
        return term_ends(term=term, starts_at=starts_at, zone=ZONE, holidays=holidays).isoformat()

    def test_ends_with_its_last_day_in_the_zone_of_the_place(self):
        assert self.ends(10, "2022-11-20T23:30:00+06:00") == "2022-11-30T18:00:00+00:00"

    def test_ends_at_the_closing_hour(self):
        assert self.ends(3, "2022-11-20T10:00:00+06:00", closing="18:00") == "2022-11-23T12:00:00+00:00"

    def test_of_working_days_skips_weekends_and_holidays(self):
        # Friday, then Monday and Tuesday; with Monday a holiday, Tuesday and Wednesday.
        assert self.ends(2, "2022-11-18T10:00:00+06:00", working=True, closing="18:00") == "2022-11-22T12:00:00+00:00"
        later = self.ends(2, "2022-11-18T10:00:00+06:00", working=True, closing="18:00", holidays=["2022-11-21"])
        assert later == "2022-11-23T12:00:00+00:00"

    def test_of_no_days_ends_the_same_day(self):
        assert self.ends(0, "2022-11-20T10:00:00+06:00") == "2022-11-20T18:00:00+00:00"

    def test_is_faster_near_the_day_where_the_law_says_so(self):
        term = Term("x", 5, False, if_near={"en": "at once"})
        near = [
            is_near(term=term, starts_at=DAY + timedelta(days=n), election_day=DAY.date(), zone=ZONE)
            for n in (-2, -1, 0, 1)
        ]
        assert near == [False, True, True, False]


class TestAComplaint:
    def opened(self, case: Case, user: User) -> Complaint:
        return complaints.complaint_open(case=case, term="file", starts_at=DAY, user=user, now=DAY)

    def test_draws_term_and_forum_from_the_pack_and_counts_down(self, case, user):
        one = self.opened(case, user)
        assert (one.due_at.isoformat(), one.forum) == ("2022-11-30T18:00:00+00:00", "court en")
        assert complaints.complaints_waiting(one) == one.due_at
        complaints.complaint_file(complaint=one, filed_at=DAY, answer_term="answer", user=user, now=DAY, seen=0)
        assert complaints.complaints_waiting(one).isoformat() == "2022-11-25T18:00:00+00:00"
        complaints.complaint_answer(complaint=one, answered_at=DAY, outcome="denied", user=user, now=DAY, seen=1)
        assert complaints.complaints_waiting(one) is None

    def test_chains_into_one_appeal(self, case, user):
        one = self.opened(case, user)
        appeal = partial(
            complaints.complaint_open, case=case, term="file", starts_at=DAY, user=user, now=DAY, appeals=one
        )
        with pytest.raises(Rejected):
            appeal()
        complaints.complaint_file(complaint=one, filed_at=DAY, answer_term="", user=user, now=DAY, seen=0)
        complaints.complaint_answer(complaint=one, answered_at=DAY, outcome="denied", user=user, now=DAY, seen=1)
        assert appeal().appeals == one
        with pytest.raises(Rejected):
            appeal()

    def test_is_not_rewritten_once_filed_or_by_who_saw_an_older_one(self, case, user):
        one = self.opened(case, user)
        write = partial(complaints.complaint_write, complaint=one, forum="x", text="words", user=user, now=DAY)
        write(seen=0)
        with pytest.raises(Changed):
            write(seen=0)
        complaints.complaint_file(complaint=one, filed_at=DAY, answer_term="", user=user, now=DAY, seen=1)
        with pytest.raises(Rejected):
            write(seen=2)
        assert Complaint.objects.get().text == "words"

    def test_leaves_no_words_in_the_trail(self, case, user):
        one = self.opened(case, user)
        complaints.complaint_write(complaint=one, forum="x", text="secret words", user=user, now=DAY, seen=0)
        assert "secret" not in str(list(Trail.objects.values()))


class TestAPaper:
    def test_is_sealed_and_the_same_again_is_one(self, case, user):
        for _ in range(2):
            paper = case_file_add(
                case=case,
                complaint=None,
                kind="receipt",
                name="receipt.pdf",
                stream=io.BytesIO(b"%PDF"),
                user=user,
                now=DAY,
            )
        assert CaseFile.objects.count() == 1
        assert open_sealed(sha256=paper.sha256).read() == b"%PDF"

    def test_that_is_empty_or_of_no_kind_is_refused(self, case, user):
        for kind, content in (("receipt", b""), ("anything", b"x")):
            with pytest.raises(Rejected):
                case_file_add(
                    case=case, complaint=None, kind=kind, name="x", stream=io.BytesIO(content), user=user, now=DAY
                )

    def test_is_in_the_backup(self, case, user, tmp_path, monkeypatch):
        monkeypatch.setattr(backups, "database_dump", lambda **_: [])
        paper = case_file_add(
            case=case, complaint=None, kind="answer", name="x", stream=io.BytesIO(b"paper"), user=user, now=DAY
        )
        backups.backup_write(path=tmp_path / "all.tar", now=DAY)
        with tarfile.open(tmp_path / "all.tar") as tar:
            held = tar.extractfile(f"sealed/{paper.sha256}")
            assert held is not None and held.read() == b"paper"
