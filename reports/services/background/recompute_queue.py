"""The queue of figures to recompute: rows, written in the transaction that changed something."""

from collections.abc import Iterable
from datetime import datetime

from reports.models import Due
from reports.services.background.wakeups import wake_after_commit
from reports.services.storage.intake_sql import rows_insert


def due_add(*, commissions: Iterable[int], now: datetime) -> None:
    """These commissions' figures may have changed. Call inside the transaction that changes them."""
    rows_insert(due_rows(commissions=commissions, now=now))
    wake_after_commit("reports.refresh_summaries")


def due_rows(*, commissions: Iterable[int], now: datetime) -> list[Due]:
    """The rows of `due_add`, for who inserts them together with others and wakes nobody."""
    return [Due(commission_id=key, created_at=now) for key in sorted(set(commissions))]
