"""The effect of a quarantine on the figures, computed before it is made."""

import pytest

from observer.models import User
from reports.models import Due, Report, Summary
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.review import decisions
from reports.services.review.what_if import compute_quarantine_effect
from tests.support.intake import store_report
from tests.support.world import DAY, World, payload


def refresh_tally(world: World) -> dict:
    recompute_due_summaries(now=lambda: DAY)
    return Summary.objects.get(pk=world.tree["KZ"].pk).tally


@pytest.fixture
def reported_world(world: World) -> World:
    for n in range(3):
        store_report(world.first, payload(answers={"V03": "yes" if n else "no", "V15": "no", "V90": "bad"}))
        store_report(world.second, payload(commission="KZ-1-1-1"))
    store_report(world.first, payload("opening"))
    return world


def compute_changes(world: World, aside: bool) -> dict[str, tuple[str, str]]:
    effect = compute_quarantine_effect(observer=world.first.observer, election=world.election, quarantine=aside)
    return {one.code: (one.before, one.after) for one in effect.lines}


class TestTheComputedEffect:
    def test_is_what_the_quarantine_does(self, reported_world):
        refresh_tally(reported_world)
        before = compute_changes(reported_world, True)
        assert before["reports"] == ("7", "3")
        assert before["V03"] == ("2 / 6", "0 / 3")
        user = User.objects.create(username="u")
        decisions.quarantine_observer(
            observer=reported_world.first.observer, election=reported_world.election, user=user, now=DAY
        )
        tally = refresh_tally(reported_world)
        assert tally["reports"] == 3
        finding = tally["stages"]["voting"]["lists"]["voting"]["V03"]["finding"]
        assert (finding["n"], finding["of"]) == (0, 3)
        for code, question in tally["stages"]["voting"]["lists"]["voting"].items():
            if code in before and before[code][1] != "—":
                found = question["finding"]
                assert before[code][1].startswith(f"{found['n']} / {found['of']}"), code
        back = compute_changes(reported_world, False)
        assert {code: (after, was) for code, (was, after) in before.items()} == back

    def test_writes_nothing(self, reported_world):
        refresh_tally(reported_world)
        rows = list(Report.objects.values())
        compute_changes(reported_world, True)
        assert list(Report.objects.values()) == rows
        assert not Due.objects.exists()

    def test_brings_back_no_report_that_another_stands_for(self, world):
        first = store_report(world.first, payload())
        store_report(world.first, payload(supersedes=str(first.uuid)))
        decisions.quarantine_observer(observer=world.first.observer, election=world.election, user=None, now=DAY)
        effect = compute_quarantine_effect(observer=world.first.observer, election=world.election, quarantine=False)
        assert (effect.reports, effect.moved) == (2, 1)

    def test_asks_a_bounded_number_of_times(self, reported_world, django_assert_max_num_queries):
        refresh_tally(reported_world)
        with django_assert_max_num_queries(16):
            compute_changes(reported_world, True)
