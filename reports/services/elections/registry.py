"""Changes of commissions that also change figures.

They call the services of `observer.services` and mark the affected commissions for recomputation.
"""

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction

from observer.models import Commission, Election, Level, User
from observer.services.importing import commission_import
from observer.services.registry import commissions
from observer.services.spreadsheets.columns import COMMISSION_COLUMNS
from observer.services.spreadsheets.sheets import read_sheet
from reports.services.background.recompute_queue import mark_due


def import_commissions(
    *, election: Election, source: bytes, file: str, now: datetime, user: User | None = None
) -> commission_import.CommissionImportResult:
    """Adds and updates commissions from a CSV file or workbook, and marks them as due.

    All or nothing: raises BadTable with every bad line. Importing the same file again changes nothing.
    """
    table = COMMISSION_COLUMNS.build_table(read_sheet(source=source, file=file))
    with transaction.atomic():
        imported = commission_import.import_commissions(
            election=election, table=table, sha256=hashlib.sha256(source).hexdigest(), now=now, user=user
        )
        if imported.touched:
            mark_due(commissions=imported.touched, now=now)
    return imported


def write_commissions(
    *, plan: commission_import.CommissionImportPlan, sha256: str, now: datetime, user: User | None
) -> commission_import.CommissionImportResult:
    """As `observer.services.importing.commission_import.write_commissions`, and makes due what it touched."""
    imported = commission_import.write_commissions(plan=plan, sha256=sha256, now=now, user=user)
    if imported.touched:
        mark_due(commissions=imported.touched, now=now)
    return imported


def create_commission(
    *,
    election: Election,
    parent: Commission | None,
    level: Level,
    code: str,
    now: datetime,
    user: User | None = None,
    **fields: Any,
) -> Commission:
    """Creates a commission, and marks it and its parent as due. Raises Impossible."""
    with transaction.atomic():
        commission = commissions.create_commission(
            election=election, parent=parent, level=level, code=code, now=now, user=user, **fields
        )
        mark_due(commissions=[key for key in (commission.pk, commission.parent_id) if key], now=now)
    return commission


def move_commission(*, commission: Commission, parent: Commission, user: User | None, now: datetime) -> None:
    """Moves a branch of the tree, and marks the old and the new parent as due. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.move_commission(commission=commission, parent=parent, user=user, now=now)
        if touched:
            mark_due(commissions=touched, now=now)


def delete_commission(*, commission: Commission, user: User | None, now: datetime) -> None:
    """Deletes a commission that has no commissions, assignments or reports. Raises Impossible."""
    with transaction.atomic():
        touched = commissions.delete_commission(commission=commission, user=user, now=now)
        if touched:
            mark_due(commissions=touched, now=now)
