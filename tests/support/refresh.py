"""What tests of recomputing share: reports, moves, and whether the figures are what the reports say."""

from django.db import transaction

from observer.models import Commission
from reports.services.background.recompute_queue import due_add
from reports.services.figures.recount import summaries_check
from reports.services.figures.refresh import summaries_refresh
from tests.support.door import stored
from tests.support.world import DAY, payload

STATIONS = [f"KZ-{r}-{d}-{p}" for r in (1, 2) for d in (1, 2) for p in (1, 2, 3)]


class Killed(BaseException):
    """The process is gone: nothing that catches exceptions may save it."""


def report(world, phone=None, commission="KZ-1-1-1", **answers):
    return stored(phone or world.first, payload(commission=commission, answers={"V03": "no", "V15": "no"} | answers))


def all_settled():
    """Nothing waits, and every figure is what the reports say."""
    summaries_refresh(patient=True)
    checked = summaries_check()
    assert checked.different == {}
    assert checked.waiting == 0


def move(place, parent):
    """As an import does it: one transaction, with what is due."""
    with transaction.atomic():
        row = Commission.objects.select_for_update(no_key=True).get(pk=place.pk)
        due_add(commissions=[row.parent_id, parent.pk], now=DAY)
        row.parent, row.path = parent, f"{parent.path}{row.code}/"
        row.save(update_fields=["parent", "path"])
