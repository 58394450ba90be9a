"""Any order of reports, corrections and decisions ends in the same result."""

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
from reports.services.review.superseding import LINK_FLAGS, Node, derive_superseding
from tests.reports.services.review.test_superseding import make_uuid
from tests.support.intake import store_report
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
        [
            "send",
            "send",
            "send",
            "reject",
            "restore",
            "hold",
            "verify",
            "rehearse",
            "make_real",
            "quarantine",
            "release",
        ]
    ),
    st.sampled_from(LETTERS),
)


@pytest.fixture
def phones(world: World) -> list[Phone]:
    return [world.first, world.second]


class TestAnyInterleaving:
    """Of reports, corrections (late, forked, in cycles, of other observers), decisions and their reversal."""

    @settings(max_examples=25, **SETTINGS)
    @given(bodies=st.lists(BODY, min_size=7, max_size=7), steps=st.lists(STEP, min_size=5, max_size=18))
    def test_ends_in_what_all_reports_say_together(self, world: World, phones, bodies, steps):
        run_steps(world, phones, bodies, steps)

    @pytest.mark.slow
    @settings(max_examples=150, **SETTINGS)
    @given(bodies=st.lists(BODY, min_size=7, max_size=7), steps=st.lists(STEP, min_size=10, max_size=40))
    def test_ends_in_what_all_reports_say_together_for_long(self, world: World, phones, bodies, steps):
        run_steps(world, phones, bodies, steps)


def run_steps(world: World, phones: list[Phone], bodies: list[dict[str, Any]], steps: list[tuple[str, str]]) -> None:
    """Takes the steps in a transaction and checks after each; rolls everything back at the end."""
    with transaction.atomic():
        before = get_counted_by_commission()
        for verb, letter in steps:
            Due.objects.all().delete()
            take_step(world, phones, bodies, verb, letter)
            after = get_counted_by_commission()
            changed = {key for key in before | after if before.get(key) != after.get(key)}
            assert changed <= set(Due.objects.values_list("commission_id", flat=True)), (verb, letter)
            assert_stored_as_derived()
            before = after
        transaction.set_rollback(True)


def take_step(world: World, phones: list[Phone], bodies: list[dict[str, Any]], verb: str, letter: str) -> None:
    plan = bodies[LETTERS.index(letter)]
    phone = phones[plan["by"]]
    if verb == "send":
        store_report(
            phone,
            payload(
                plan["checklist"],
                plan["commission"],
                id=str(make_uuid(letter)),
                rehearsal=plan["rehearsal"],
                observed_at=(DAY + timedelta(minutes=plan["minute"])).isoformat(),
                supersedes=plan["supersedes"] and str(make_uuid(plan["supersedes"])),
            ),
        )
        return
    if verb in ("quarantine", "release"):
        decide = decisions.quarantine_observer if verb == "quarantine" else decisions.restore_observer
        decide(observer=phone.observer, election=world.election, user=None, now=DAY)
        return
    report = Report.objects.filter(uuid=make_uuid(letter)).first()
    if report is None:
        return
    if verb in ("rehearse", "make_real"):
        decisions.set_rehearsal(report=report, rehearsal=verb == "rehearse", user=None, now=DAY)
    else:
        getattr(decisions, f"{verb}_report")(report=report, user=None, now=DAY)


def get_counted_by_commission() -> dict[int, set[UUID]]:
    found: dict[int, set[UUID]] = defaultdict(set)
    for commission, uuid in Report.objects.counted().values_list("commission_id", "uuid"):
        found[commission].add(uuid)
    return dict(found)


def assert_stored_as_derived() -> None:
    """Asserts that what is stored of every report equals what is derived from all of them."""
    rows = {row.uuid: row for row in Report.objects.select_related("version__checklist")}
    derived = derive_superseding(
        {
            row.uuid: Node(
                uuid=row.uuid,
                observer=row.observer_id,
                checklist=row.version.checklist_id,
                once_key=(row.observer_id, row.version.checklist_id, row.commission_id, row.contest_id, row.slot)
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
            # Unknown when it came; the flag is not updated when another observer's report comes later.
            assert flags in (["supersedes_unknown"], ["supersedes_ignored"])
        else:
            assert flags == ([derived[uuid].flag] if derived[uuid].flag else [])
    assert set(Report.objects.counted()) == {row for row in rows.values() if row.is_eligible and not row.superseded}
