"""What setting an observer aside would do to the figures, told before it is done."""

import pytest

from observer.models import User
from reports.models import Due, Report, Summary
from reports.services.figures.refresh import summaries_refresh
from reports.services.review import decisions
from reports.services.review.what_if import quarantine_suppose
from tests.support.door import stored
from tests.support.world import DAY, World, payload


def figures(world: World) -> dict:
    summaries_refresh(now=lambda: DAY)
    return Summary.objects.get(pk=world.tree["KZ"].pk).tally


@pytest.fixture
def told(world: World) -> World:
    for n in range(3):
        stored(world.first, payload(answers={"V03": "yes" if n else "no", "V15": "no", "V90": "bad"}))
        stored(world.second, payload(commission="KZ-1-1-1"))
    stored(world.first, payload("opening"))
    return world


def lines(world: World, aside: bool) -> dict[str, tuple[str, str]]:
    supposed = quarantine_suppose(observer=world.first.observer, election=world.election, aside=aside)
    return {one.code: (one.before, one.after) for one in supposed.lines}


class TestWhatItWouldDo:
    def test_is_what_it_does(self, told):
        figures(told)
        before = lines(told, True)
        assert before["reports"] == ("7", "3")
        assert before["V03"] == ("2 / 6", "0 / 3")
        user = User.objects.create(username="u")
        decisions.observer_quarantine(observer=told.first.observer, election=told.election, user=user, now=DAY)
        tally = figures(told)
        assert tally["reports"] == 3
        finding = tally["stages"]["voting"]["lists"]["voting"]["V03"]["finding"]
        assert (finding["n"], finding["of"]) == (0, 3)
        for code, question in tally["stages"]["voting"]["lists"]["voting"].items():
            if code in before and before[code][1] != "—":
                found = question["finding"]
                assert before[code][1].startswith(f"{found['n']} / {found['of']}"), code
        back = lines(told, False)
        assert {code: (after, was) for code, (was, after) in before.items()} == back

    def test_writes_nothing(self, told):
        figures(told)
        rows = list(Report.objects.values())
        lines(told, True)
        assert list(Report.objects.values()) == rows
        assert not Due.objects.exists()

    def test_brings_back_no_report_that_another_stands_for(self, world):
        first = stored(world.first, payload())
        stored(world.first, payload(supersedes=str(first.uuid)))
        decisions.observer_quarantine(observer=world.first.observer, election=world.election, user=None, now=DAY)
        supposed = quarantine_suppose(observer=world.first.observer, election=world.election, aside=False)
        assert (supposed.reports, supposed.moved) == (2, 1)

    def test_asks_a_bounded_number_of_times(self, told, django_assert_max_num_queries):
        figures(told)
        with django_assert_max_num_queries(16):
            lines(told, True)
