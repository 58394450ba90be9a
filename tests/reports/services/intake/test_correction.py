"""Correction of one answer by phone."""

from uuid import uuid4

import pytest

from observer.models import User
from reports.models import Case, Report, Violation
from reports.problems import Rejected
from reports.services.cases.cases import get_case_reports, open_case_from_violation
from reports.services.cases.legal_hold import get_held_reports
from reports.services.intake.correction import correct_answer, get_newest_sequence
from reports.services.intake.dictation import NewerReportExists
from reports.services.review.decisions import decide_violation, reject_report
from tests.support.intake import store_report
from tests.support.world import DAY, payload


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


@pytest.fixture
def report(world) -> Report:
    return store_report(
        world.first, payload(answers={"V03": "yes", "V15": "no", "V30": ["a", "b"], "X06": "1.5"}, comment="c")
    )


def correct_report(report: Report, user: User, code: str = "V15", value="yes", uuid=None, newest=None):
    return correct_answer(
        report=report, uuid=uuid or uuid4(), code=code, value=value, newest_seen=newest, user=user, now=DAY
    )


class TestACorrection:
    def test_stands_in_the_place_of_the_report_and_is_marked_as_dictated(self, report, user):
        correct_report(report, user)
        old, new = Report.objects.order_by("pk")
        assert (old.superseded, old.answers["V15"]) == (True, "no")
        assert new.answers == old.answers | {"V15": "yes"}
        assert (new.source, new.author, new.supersedes, new.observed_at) == ("desk", user, old.uuid, old.observed_at)

    def test_takes_along_what_the_desk_found_out(self, report, user, world):
        case = Case.objects.create(commission=report.commission, created_at=DAY)
        decide_violation(violation=report.violations.get(), state="confirmed", user=user, now=DAY, case=case, note="n")
        correct_report(report, user, "X06", "2")
        found = Report.objects.counted().get().violations.get()
        assert (found.state, found.case, found.note) == ("confirmed", case, "n")

    def test_leaves_what_it_corrects_in_the_case(self, report, user):
        open_case_from_violation(violation=report.violations.get(), title="t", user=user, now=DAY)
        correct_report(report, user)
        new = Report.objects.counted().get()
        Violation.objects.filter(report=report).update(case=None)  # as where the case was opened from the new one
        case = Case.objects.get()
        assert set(get_case_reports(case)) == {report, new}
        Case.objects.update(legal_hold=True)
        assert set(get_held_reports(report.commission.election)) == {report, new}

    def test_sent_twice_is_one(self, report, user):
        uuid = uuid4()
        assert [correct_report(report, user, uuid=uuid).kind for _ in range(2)] == ["stored", "duplicate"]
        assert Report.objects.count() == 2

    def test_may_take_an_answer_away(self, report, user):
        correct_report(report, user, "X06", "")
        assert "X06" not in Report.objects.counted().get().answers

    def test_that_changes_nothing_or_cannot_be_read_is_refused(self, report, user):
        for code, value in (("V15", "no"), ("V15", "perhaps")):
            with pytest.raises(Rejected):
                correct_report(report, user, code, value)
        assert Report.objects.count() == 1

    def test_of_a_report_that_does_not_count_is_refused(self, report, user):
        reject_report(report=report, user=user, now=DAY)
        with pytest.raises(Rejected):
            correct_report(report, user)

    def test_is_told_that_a_newer_report_came(self, report, user, world):
        seen = get_newest_sequence(report)
        store_report(world.first, payload())
        with pytest.raises(NewerReportExists):
            correct_report(report, user, newest=seen)
