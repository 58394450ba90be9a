"""Imports of uploaded lists of commissions, observers and assignments, with a preview that the user confirms.

Only what the user was shown is written. When the user confirms, the file is checked again under the lock that every
change of an election's registry takes; where a line would now do something else, nothing is written and the new
preview is shown.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet

from observer.models import Commission, Election, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.importing import assignment_import, commission_import, observer_import
from observer.services.importing.changes import (
    FieldChange,
    ImportLine,
    LineState,
    Outdated,
    count_states,
    get_import_scope,
)
from observer.services.registry.commissions import lock_election
from observer.services.spreadsheets.columns import COLUMNS_BY_KIND
from observer.services.spreadsheets.sheets import read_sheet
from observer.services.spreadsheets.tables import BadLine, BadTable, Row, Table
from observer.services.trail import add_trail_entry
from reports.models import Import
from reports.services.elections.registry import write_commissions

RETENTION = timedelta(hours=12)
REQUIRED_PERMISSIONS = {
    Import.Kind.COMMISSIONS: Permission.SETUP,
    Import.Kind.OBSERVERS: Permission.REGISTER,
    Import.Kind.ASSIGNMENTS: Permission.REGISTER,
}
Plan = (
    commission_import.CommissionImportPlan | observer_import.ObserverImportPlan | assignment_import.AssignmentImportPlan
)


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do, by line.

    `notes` are remarks about the file; `differing` are the numbers of lines that changed since they were last shown.
    """

    lines: list[ImportLine]
    notes: list[str]
    differing: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of a confirmation.

    Not done: lines changed since they were shown (`differing`), or some are wrong and were not left out.
    """

    done: bool
    differing: frozenset[int] = frozenset()


def list_import_kinds(*, user: User, election: Election) -> list[str]:
    """Lists the kinds of import that the user may make into the election."""
    may_change_commissions = access.get_permitted_rows(user, Commission, Permission.SETUP, election).exists()
    return [
        str(kind)
        for kind, permission in REQUIRED_PERMISSIONS.items()
        if (
            may_change_commissions
            if permission == Permission.SETUP
            else access.has_permission(user, permission, election)
        )
    ]


def get_imports(*, user: User, election: Election, now: datetime) -> "QuerySet[Import]":
    """Returns the user's own imports that have not expired, of kinds that they may still import."""
    rows = Import.objects.filter(user=user, election=election, expires_at__gt=now)
    return rows.filter(kind__in=list_import_kinds(user=user, election=election))


def create_import(*, kind: str, election: Election, source: bytes, file: str, user: User, now: datetime) -> Import:
    """Stores an uploaded list and what it would do; replaces the user's earlier waiting one of that kind.

    The upload is recorded in the trail, because comparing a list with the registry reveals which lines differ.
    Raises BadTable for a file that cannot be used as a whole.
    """
    sheet = read_sheet(source=source, file=file)
    table = COLUMNS_BY_KIND[kind].build_table(sheet)
    checked = _copy_table(table)
    plan = _make_plan(kind, election, checked, user)
    if checked.file_problems:
        raise BadTable(checked.file_problems)
    sha256 = hashlib.sha256(source).hexdigest()
    row = Import(
        election=election,
        user=user,
        kind=kind,
        file=sheet.file,
        sha256=sha256,
        uploaded_at=now,
        expires_at=now + RETENTION,
        table=_compress_json({"table": _serialize_table(table), "notes": sheet.notes}),
    )
    _set_preview(row, plan.lines, frozenset())
    with transaction.atomic():
        lock_election(election)
        Import.objects.filter(user=user, election=election, kind=kind, done_at=None).delete()
        row.save()
        detail = {"kind": kind, "sha256": sha256} | row.counts
        add_trail_entry(action="import.upload", subject=election, now=now, user=user, detail=detail)
    return row


def load_preview(*, row: Import) -> ImportPreview:
    """Loads the stored preview of an import that waits for confirmation."""
    stored = _decompress_json(row.lines)
    lines = [
        ImportLine(number, code, LineState(state), tuple(FieldChange(*one) for one in changes), tuple(reasons))
        for number, code, state, changes, reasons in stored["lines"]
    ]
    return ImportPreview(lines, list(_decompress_json(row.table)["notes"]), frozenset(stored["differing"]))


def apply_import(*, key: int, stamp: str, leave_out: bool, user: User, now: datetime) -> ImportResult:
    """Writes what the preview with this `stamp` shows, all or nothing.

    An import that is already done counts as done, and nothing is written again. `leave_out` skips wrong lines.
    Raises Import.DoesNotExist where the import is cancelled or expired.
    """
    try:
        with transaction.atomic():
            return _apply_locked(key, stamp, leave_out, user, now)
    except Outdated:  # a row changed after the file was checked, so check again
        with transaction.atomic():
            row = _lock_import(key, user, now)
            return ImportResult(True) if row.done_at else ImportResult(False, _refresh_preview(row, user))


def cancel_import(*, row: Import) -> None:
    """Deletes an import that is not done."""
    Import.objects.filter(pk=row.pk, done_at=None).delete()


def delete_expired_imports(*, now: datetime) -> int:
    """Deletes expired imports; returns how many."""
    deleted: int = Import.objects.filter(expires_at__lte=now).delete()[0]
    return deleted


def _apply_locked(key: int, stamp: str, leave_out: bool, user: User, now: datetime) -> ImportResult:
    row = _lock_import(key, user, now)
    if row.done_at is not None:
        return ImportResult(True)
    plan = _make_plan(row.kind, row.election, _deserialize_table(_decompress_json(row.table)["table"]), user)
    shown_lines = load_preview(row=row).lines
    differing = _find_differing_lines(shown_lines, plan.lines)
    if differing or stamp != row.stamp:
        _set_preview(row, plan.lines, differing)
        row.save()
        return ImportResult(False, differing)
    if row.counts[LineState.WRONG] and not leave_out:
        return ImportResult(False)
    codes: Iterable[tuple[int, str]] = ()
    if isinstance(plan, commission_import.CommissionImportPlan):
        write_commissions(plan=plan, sha256=row.sha256, now=now, user=user)
    elif isinstance(plan, observer_import.ObserverImportPlan):
        codes = observer_import.write_observers(plan=plan, sha256=row.sha256, now=now, user=user).codes
    else:
        assignment_import.write_assignments(plan=plan, sha256=row.sha256, now=now, user=user)
    row.codes, row.done_at, row.expires_at = [list(one) for one in codes], now, now + RETENTION
    row.file = row.table = row.lines = ""
    row.save()
    return ImportResult(True)


def _lock_import(key: int, user: User, now: datetime) -> Import:
    """Locks the election's registry and then the user's import; always in this order, to avoid deadlocks."""
    lock_election(get_own_imports(user, now).get(pk=key).election)
    return get_own_imports(user, now).select_for_update(of=("self",), no_key=True).get(pk=key)


def get_own_imports(user: User, now: datetime) -> "QuerySet[Import]":
    """Returns the user's imports that have not expired."""
    return Import.objects.filter(user=user, expires_at__gt=now).select_related("election")


def _refresh_preview(row: Import, user: User) -> frozenset[int]:
    plan = _make_plan(row.kind, row.election, _deserialize_table(_decompress_json(row.table)["table"]), user)
    differing = _find_differing_lines(load_preview(row=row).lines, plan.lines)
    _set_preview(row, plan.lines, differing)
    row.save()
    return differing


def _make_plan(kind: str, election: Election, table: Table, user: User) -> Plan:
    scope = get_import_scope(user=user, permission=REQUIRED_PERMISSIONS[Import.Kind(kind)], election=election)
    if kind == Import.Kind.COMMISSIONS:
        return commission_import.plan_commission_import(election=election, table=table, scope=scope)
    if kind == Import.Kind.OBSERVERS:
        return observer_import.plan_observer_import(election=election, table=table, scope=scope)
    return assignment_import.plan_assignment_import(election=election, table=table, scope=scope)


def _find_differing_lines(shown: Iterable[ImportLine], current: Iterable[ImportLine]) -> frozenset[int]:
    old, new = ({line.number: line.outcome for line in lines} for lines in (shown, current))
    return frozenset(number for number in old.keys() | new.keys() if old.get(number) != new.get(number))


def _set_preview(row: Import, lines: list[ImportLine], differing: frozenset[int]) -> None:
    row.counts = count_states(lines)
    row.stamp = hashlib.sha256(json.dumps([line.outcome for line in lines]).encode()).hexdigest()
    stored = [
        (one.number, one.code, str(one.state), [(c.field, c.old, c.new) for c in one.changes], one.reasons)
        for one in lines
    ]
    row.lines = _compress_json({"lines": stored, "differing": sorted(differing)})


def _compress_json(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), 1)).decode()


def _decompress_json(text: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(zlib.decompress(base64.b64decode(text))))


def _copy_table(table: Table) -> Table:
    """Copies a table, because checking adds problems to it and the table is stored as it was read."""
    return Table(table.file, table.columns, list(table.rows), list(table.bad), table.header_line)


def _serialize_table(table: Table) -> dict[str, Any]:
    return {
        "file": table.file,
        "columns": table.columns,
        "header": table.header_line,
        "rows": [(row.line, list(row.cells.values())) for row in table.rows],
        "bad": [asdict(one) for one in table.bad],
    }


def _deserialize_table(data: dict[str, Any]) -> Table:
    columns = tuple(data["columns"])
    rows = [Row(line, dict(zip(columns, cells, strict=True))) for line, cells in data["rows"]]
    return Table(data["file"], columns, rows, [BadLine(**one) for one in data["bad"]], data["header"])
