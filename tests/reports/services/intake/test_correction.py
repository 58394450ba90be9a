"""One answer corrected on the phone."""

from uuid import uuid4

import pytest

from observer.models import User
from reports.models import Case, Report, Violation
from reports.problems import Rejected
from reports.services.cases.cases import case_open, reports_of
from reports.services.cases.legal_hold import reports_held
from reports.services.intake.correction import answer_correct, newest_seen
from reports.services.intake.dictation import Meanwhile
from reports.services.review.decisions import report_reject, violation_decide
from tests.support.door import stored
from tests.support.world import DAY, payload


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


@pytest.fixture
def report(world) -> Report:
    return stored(
        world.first, payload(answers={"V03": "yes", "V15": "no", "V30": ["a", "b"], "X06": "1.5"}, comment="c")
    )


def correct(report: Report, user: User, code: str = "V15", value="yes", uuid=None, newest=None):
    return answer_correct(
        report=report, uuid=uuid or uuid4(), code=code, value=value, newest=newest, user=user, now=DAY
    )


class TestACorrection:
    def test_stands_in_the_place_of_the_report_and_is_marked_as_dictated(self, report, user):
        correct(report, user)
        old, new = Report.objects.order_by("pk")
        assert (old.superseded, old.answers["V15"]) == (True, "no")
        assert new.answers == old.answers | {"V15": "yes"}
        assert (new.source, new.author, new.supersedes, new.observed_at) == ("desk", user, old.uuid, old.observed_at)

    def test_takes_along_what_the_desk_found_out(self, report, user, world):
        case = Case.objects.create(commission=report.commission, created_at=DAY)
        violation_decide(violation=report.violations.get(), state="confirmed", user=user, now=DAY, case=case, note="n")
        correct(report, user, "X06", "2")
        found = Report.objects.counted().get().violations.get()
        assert (found.state, found.case, found.note) == ("confirmed", case, "n")

    def test_leaves_what_it_corrects_in_the_case(self, report, user):
        case_open(violation=report.violations.get(), title="t", user=user, now=DAY)
        correct(report, user)
        new = Report.objects.counted().get()
        Violation.objects.filter(report=report).update(case=None)  # as where the case was opened from the new one
        case = Case.objects.get()
        assert set(reports_of(case)) == {report, new}
        Case.objects.update(legal_hold=True)
        assert set(reports_held(report.commission.election)) == {report, new}

    def test_sent_twice_is_one(self, report, user):
        uuid = uuid4()
        assert [correct(report, user, uuid=uuid).kind for _ in range(2)] == ["stored", "duplicate"]
        assert Report.objects.count() == 2

    def test_may_take_an_answer_away(self, report, user):
        correct(report, user, "X06", "")
        assert "X06" not in Report.objects.counted().get().answers

    def test_that_changes_nothing_or_cannot_be_read_is_refused(self, report, user):
        for code, value in (("V15", "no"), ("V15", "perhaps")):
            with pytest.raises(Rejected):
                correct(report, user, code, value)
        assert Report.objects.count() == 1

    def test_of_a_report_that_does_not_count_is_refused(self, report, user):
        report_reject(report=report, user=user, now=DAY)
        with pytest.raises(Rejected):
            correct(report, user)

    def test_is_told_that_a_newer_report_came(self, report, user, world):
        seen = newest_seen(report)
        stored(world.first, payload())
        with pytest.raises(Meanwhile):
            correct(report, user, newest=seen)
