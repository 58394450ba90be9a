"""Any interleaving of reports, corrections and decisions ends in what all reports say together."""

from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.models import Due, Report
from reports.services.review import decisions
from reports.services.review.superseding import LINK_FLAGS, Node, derive
from tests.reports.services.review.test_superseding import name
from tests.support.door import stored
from tests.support.world import DAY, Phone, World, payload

SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
LETTERS = "ABCDEFG"
BODY = st.fixed_dictionaries(
    {
        "by": st.sampled_from([0, 0, 0, 1]),
        "checklist": st.sampled_from(["opening", "opening", "voting"]),
        "commission": st.sampled_from(["KZ-1-1-1", "KZ-1-1-1", "KZ-1-1-2"]),
        "minute": st.integers(0, 3),
        "supersedes": st.sampled_from([None, *LETTERS, "Z"]),
        "rehearsal": st.sampled_from([False, False, False, True]),
    }
)
STEP = st.tuples(
    st.sampled_from(
        ["send", "send", "send", "reject", "restore", "hold", "verify", "rehearse", "earnest", "quarantine", "release"]
    ),
    st.sampled_from(LETTERS),
)


@pytest.fixture
def phones(world: World) -> list[Phone]:
    return [world.first, world.second]


class TestAnyInterleaving:
    """Of reports, corrections (late, forked, circular, foreign), decisions and their reversal."""

    @settings(max_examples=25, **SETTINGS)
    @given(bodies=st.lists(BODY, min_size=7, max_size=7), steps=st.lists(STEP, min_size=5, max_size=18))
    def test_ends_in_what_all_reports_say_together(self, world: World, phones, bodies, steps):
        run(world, phones, bodies, steps)

    @pytest.mark.slow
    @settings(max_examples=150, **SETTINGS)
    @given(bodies=st.lists(BODY, min_size=7, max_size=7), steps=st.lists(STEP, min_size=10, max_size=40))
    def test_ends_in_what_all_reports_say_together_for_long(self, world: World, phones, bodies, steps):
        run(world, phones, bodies, steps)


def run(world: World, phones: list[Phone], bodies: list[dict[str, Any]], steps: list[tuple[str, str]]) -> None:
    """Takes the steps in a transaction of their own; checks after each; leaves nothing behind."""
    with transaction.atomic():
        before = counted_by_commission()
        for verb, letter in steps:
            Due.objects.all().delete()
            act(world, phones, bodies, verb, letter)
            after = counted_by_commission()
            changed = {key for key in before | after if before.get(key) != after.get(key)}
            assert changed <= set(Due.objects.values_list("commission_id", flat=True)), (verb, letter)
            check()
            before = after
        transaction.set_rollback(True)


def act(world: World, phones: list[Phone], bodies: list[dict[str, Any]], verb: str, letter: str) -> None:
    plan = bodies[LETTERS.index(letter)]
    phone = phones[plan["by"]]
    if verb == "send":
        stored(
            phone,
            payload(
                plan["checklist"],
                plan["commission"],
                id=str(name(letter)),
                rehearsal=plan["rehearsal"],
                observed_at=(DAY + timedelta(minutes=plan["minute"])).isoformat(),
                supersedes=plan["supersedes"] and str(name(plan["supersedes"])),
            ),
        )
        return
    if verb in ("quarantine", "release"):
        decide = decisions.observer_quarantine if verb == "quarantine" else decisions.observer_restore
        decide(observer=phone.observer, election=world.election, user=None, now=DAY)
        return
    report = Report.objects.filter(uuid=name(letter)).first()
    if report is None:
        return
    if verb in ("rehearse", "earnest"):
        decisions.rehearsal_set(report=report, rehearsal=verb == "rehearse", user=None, now=DAY)
    else:
        getattr(decisions, f"report_{verb}")(report=report, user=None, now=DAY)


def counted_by_commission() -> dict[int, set[UUID]]:
    found: dict[int, set[UUID]] = defaultdict(set)
    for commission, uuid in Report.objects.counted().values_list("commission_id", "uuid"):
        found[commission].add(uuid)
    return dict(found)


def check() -> None:
    """What is stored of every report is what a fresh look at all of them derives."""
    rows = {row.uuid: row for row in Report.objects.select_related("version__checklist")}
    derived = derive(
        {
            row.uuid: Node(
                uuid=row.uuid,
                observer=row.observer_id,
                checklist=row.version.checklist_id,
                once=(row.observer_id, row.version.checklist_id, row.commission_id, row.contest_id, row.slot)
                if row.version.checklist.repeat == "once"
                else None,
                observed_at=row.observed_at,
                supersedes=row.supersedes,
                eligible=row.is_eligible,
            )
            for row in rows.values()
        }
    )
    for uuid, row in rows.items():
        assert row.superseded == derived[uuid].superseded
        flags = [flag for flag in row.flags if flag in LINK_FLAGS]
        target = rows.get(row.supersedes)
        if target is not None and target.observer_id != row.observer_id:
            # Unknown when it came, and nobody is told that another observer's report has come since.
            assert flags in (["supersedes_unknown"], ["supersedes_ignored"])
        else:
            assert flags == ([derived[uuid].flag] if derived[uuid].flag else [])
    assert set(Report.objects.counted()) == {row for row in rows.values() if row.is_eligible and not row.superseded}
