"""The queue of commissions whose figures must be recomputed.

The queue is the rows of `Due`. They are written in the transaction that changes something.
"""

from collections.abc import Iterable
from datetime import datetime

from reports.models import Due
from reports.services.background.wakeups import wake_after_commit
from reports.services.storage.intake_sql import insert_rows


def mark_due(*, commissions: Iterable[int], now: datetime) -> None:
    """Marks commissions whose figures may have changed as due.

    Wakes the worker after the commit. Call it inside the transaction that changes them. `commissions`
    are keys.
    """
    insert_rows(build_due_rows(commissions=commissions, now=now))
    wake_after_commit("reports.refresh_summaries")


def build_due_rows(*, commissions: Iterable[int], now: datetime) -> list[Due]:
    """Builds the unsaved rows of `mark_due`.

    For callers that insert them together with other rows. It wakes no worker.
    """
    return [Due(commission_id=key, created_at=now) for key in sorted(set(commissions))]
