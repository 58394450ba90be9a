"""Helpers for tests of recomputing figures.

Reports, moved commissions, and a check of the figures.
"""

from django.db import transaction

from observer.models import Commission
from reports.services.background.recompute_queue import mark_due
from reports.services.figures.recount import check_summaries
from reports.services.figures.refresh import recompute_due_summaries
from tests.support.intake import store_report
from tests.support.world import DAY, payload

STATIONS = [f"KZ-{r}-{d}-{p}" for r in (1, 2) for d in (1, 2) for p in (1, 2, 3)]


class Killed(BaseException):
    """Simulates a killed process: no handler of exceptions may catch it."""


def store_station_report(world, phone=None, commission="KZ-1-1-1", **answers):
    return store_report(
        phone or world.first, payload(commission=commission, answers={"V03": "no", "V15": "no"} | answers)
    )


def assert_figures_match():
    """Asserts that nothing is due and all figures are right.

    Every figure must follow from the reports.
    """
    recompute_due_summaries(wait_for_others=True)
    checked = check_summaries()
    assert checked.different == {}
    assert checked.waiting == 0


def move_commission(place, parent):
    """Moves a commission as an import does.

    In one transaction, with the due rows.
    """
    with transaction.atomic():
        row = Commission.objects.select_for_update(no_key=True).get(pk=place.pk)
        mark_due(commissions=[row.parent_id, parent.pk], now=DAY)
        row.parent, row.path = parent, f"{parent.path}{row.code}/"
        row.save(update_fields=["parent", "path"])
