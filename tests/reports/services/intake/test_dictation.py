"""Reports that an observer dictates to the desk by phone."""

from functools import partial
from uuid import uuid4

import pytest

from observer.models import Trail, User
from reports.models import Refusal, Report
from reports.problems import Rejected
from reports.services.checklists.compiled import find_form
from reports.services.intake.dictation import DictatedReport, NewerReportExists, dictate_report, find_newest_report
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, payload


@pytest.fixture
def user(db) -> User:
    return User.objects.create(username="aigul")


def make_dictated_report(world: World, checklist: str = "voting", **fields) -> DictatedReport:
    form = find_form(world.election.pk, checklist, 1)
    assert form is not None
    given = {
        "uuid": uuid4(),
        "observer": world.first.observer,
        "commission": world.tree["KZ-1-1-1"],
        "form": form,
        "observed_at": DAY,
        "answers": payload(checklist)["answers"],
    }
    return DictatedReport(**given | fields)


def dictate(world: World, user: User, one: DictatedReport):
    return dictate_report(dictated=one, election=world.election, user=user, now=DAY)


class TestADictatedReport:
    def test_is_the_observers_and_says_who_typed_it(self, world, user):
        outcome = dictate(world, user, make_dictated_report(world))
        report = Report.objects.get()
        assert outcome.kind == "stored"
        assert (report.observer, report.source, report.channel, report.author) == (
            world.first.observer,
            "desk",
            "desk",
            user,
        )
        assert (report.device, report.submitter, report.state) == (None, None, "received")
        assert Report.objects.counted().count() == 1

    def test_leaves_one_line_in_the_trail(self, world, user):
        one = make_dictated_report(world)
        for _ in range(2):
            dictate(world, user, one)
        assert Trail.objects.get(action="report.dictate").detail == {
            "observer": "OB-2222",
            "commission": "KZ-1-1-1",
            "checklist": "voting",
        }

    def test_of_the_same_form_sent_twice_is_stored_once(self, world, user):
        one = make_dictated_report(world)
        first, second = dictate(world, user, one), dictate(world, user, one)
        assert (first.receipt, second.kind) == (second.receipt, "duplicate")
        assert Report.objects.count() == 1

    def test_that_cannot_be_read_is_told_with_every_field_and_not_kept(self, world, user):
        with pytest.raises(Rejected) as problem:
            dictate(world, user, make_dictated_report(world, answers={"X05": "many", "V03": "perhaps"}))
        assert {error.field for error in problem.value.errors} == {"answers.X05", "answers.V03"}
        assert not Refusal.objects.exists()

    def test_drops_answers_to_questions_that_were_not_asked(self, world, user):
        dictate(world, user, make_dictated_report(world, answers={"V03": "no", "V15": "no", "V16": "yes"}))
        assert Report.objects.get().answers == {"V03": "no", "V15": "no"}

    def test_takes_a_violation_code(self, world, user):
        dictate(world, user, make_dictated_report(world, "incident"))
        assert Report.objects.get().violations.get().code == "ACC-01"

    def test_corrects_an_earlier_one(self, world, user):
        earlier = store_report(world.first, payload(answers={"V03": "yes", "V15": "no"}))
        dictate(world, user, make_dictated_report(world, supersedes=earlier.uuid))
        assert [report.uuid == earlier.uuid for report in Report.objects.counted()] == [False]


class TestANewerReportCameMeanwhile:
    def test_one_is_told_and_nothing_is_stored(self, world, user):
        seen = 0
        theirs = store_report(world.first, payload())
        with pytest.raises(NewerReportExists) as found:
            dictate(world, user, make_dictated_report(world, newest_seen=seen))
        assert found.value.report == theirs
        assert Report.objects.count() == 1

    def test_one_may_insist(self, world, user):
        store_report(world.first, payload())
        assert dictate(world, user, make_dictated_report(world, newest_seen=None)).kind == "stored"

    def test_a_report_that_one_had_seen_is_no_surprise(self, world, user):
        store_report(world.first, payload())
        newest = find_newest_report(
            observer=world.first.observer, commission=world.tree["KZ-1-1-1"], checklist="voting"
        )
        assert newest is not None
        assert dictate(world, user, make_dictated_report(world, newest_seen=newest.sequence)).kind == "stored"

    def test_ones_own_form_sent_again_is_no_surprise(self, world, user):
        one = make_dictated_report(world, newest_seen=0)
        dictate(world, user, one)
        assert dictate(world, user, one).kind == "duplicate"

    @pytest.mark.slow
    def test_of_two_at_once_one_is_told(self, concurrent_world: World):
        world = concurrent_world
        users = [User.objects.create(username=f"desk{n}") for n in range(2)]

        def one(user: User) -> str:
            try:
                return dictate(world, user, make_dictated_report(world, newest_seen=0)).kind
            except NewerReportExists:
                return "told"

        assert sorted(run_concurrently([partial(one, user) for user in users])) == ["stored", "told"]
        assert Report.objects.count() == 1
