"""Lists that are uploaded, looked at and then done or not: commissions, observers, assignments.

What is written is what was shown. When it is confirmed the file is judged anew, under the lock that every change of
an election's registry takes; where a line would now do something else, nothing is written and it is shown again.
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
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.importing import assignment_import, commission_import, observer_import
from observer.services.importing.changes import Change, Line, Outdated, State, counts_of, scope_of
from observer.services.registry.commissions import election_lock
from observer.services.spreadsheets.columns import KINDS
from observer.services.spreadsheets.sheets import sheet_read
from observer.services.spreadsheets.tables import BadLine, BadTable, Row, Table
from observer.services.trail import trail_add
from reports.models import Import
from reports.services.elections.registry import commissions_write

KEPT = timedelta(hours=12)
VERBS = {
    Import.Kind.COMMISSIONS: Verb.SETUP,
    Import.Kind.OBSERVERS: Verb.REGISTER,
    Import.Kind.ASSIGNMENTS: Verb.REGISTER,
}
Plan = commission_import.Plan | observer_import.Plan | assignment_import.Plan


@dataclass(frozen=True, slots=True)
class Shown:
    """What an import would do: its lines, what is to be said of the file, and which lines are not as they were shown."""

    lines: list[Line]
    notes: list[str]
    differing: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a yes: done; or not, because lines differ by now, or because some are wrong and were not left out."""

    done: bool
    differing: frozenset[int] = frozenset()


def kinds_of(*, user: User, election: Election) -> list[str]:
    """What this user may import into the election."""
    places = access.reachable(user, Commission, Verb.SETUP, election).exists()
    return [
        str(kind)
        for kind, verb in VERBS.items()
        if (places if verb == Verb.SETUP else access.may(user, verb, election))
    ]


def imports_of(*, user: User, election: Election, now: datetime) -> "QuerySet[Import]":
    """The user's own that have not expired, of kinds that they may still import."""
    rows = Import.objects.filter(user=user, election=election, expires_at__gt=now)
    return rows.filter(kind__in=kinds_of(user=user, election=election))


def import_upload(*, kind: str, election: Election, source: bytes, file: str, user: User, now: datetime) -> Import:
    """Keeps what a file would do, in place of the user's earlier one of that kind. Raises BadTable where it says nothing.

    That it was uploaded is in the trail: to compare a list with the registry tells which lines differ.
    """
    sheet = sheet_read(source=source, file=file)
    table = KINDS[kind].table_of(sheet)
    judged = _copy(table)
    plan = _plan(kind, election, judged, user)
    if judged.refused:
        raise BadTable(judged.refused)
    sha256 = hashlib.sha256(source).hexdigest()
    row = Import(
        election=election,
        user=user,
        kind=kind,
        file=sheet.file,
        sha256=sha256,
        uploaded_at=now,
        expires_at=now + KEPT,
        table=_pack({"table": _table_out(table), "notes": sheet.notes}),
    )
    _keep(row, plan.lines, frozenset())
    with transaction.atomic():
        election_lock(election)
        Import.objects.filter(user=user, election=election, kind=kind, done_at=None).delete()
        row.save()
        detail = {"kind": kind, "sha256": sha256} | row.counts
        trail_add(action="import.upload", subject=election, now=now, user=user, detail=detail)
    return row


def import_shown(*, row: Import) -> Shown:
    """What was kept of one that waits."""
    kept = _unpack(row.lines)
    lines = [
        Line(number, code, State(state), tuple(Change(*one) for one in changes), tuple(reasons))
        for number, code, state, changes, reasons in kept["lines"]
    ]
    return Shown(lines, list(_unpack(row.table)["notes"]), frozenset(kept["differing"]))


def import_do(*, key: int, stamp: str, leave_out: bool, user: User, now: datetime) -> Answer:
    """Does what was shown under `stamp`, all or nothing. One that is done already is done, and stays as it is.

    Raises Import.DoesNotExist where it is cancelled or expired.
    """
    try:
        with transaction.atomic():
            return _do(key, stamp, leave_out, user, now)
    except Outdated:  # a row moved after the file was judged: judge it again
        with transaction.atomic():
            row = _hold(key, user, now)
            return Answer(True) if row.done_at else Answer(False, _look_again(row, user))


def import_cancel(*, row: Import) -> None:
    Import.objects.filter(pk=row.pk, done_at=None).delete()


def imports_expire(*, now: datetime) -> int:
    """Takes away what waited too long; how many."""
    found: int = Import.objects.filter(expires_at__lte=now).delete()[0]
    return found


def _do(key: int, stamp: str, leave_out: bool, user: User, now: datetime) -> Answer:
    row = _hold(key, user, now)
    if row.done_at is not None:
        return Answer(True)
    plan = _plan(row.kind, row.election, _table_in(_unpack(row.table)["table"]), user)
    before = import_shown(row=row).lines
    differing = _differing(before, plan.lines)
    if differing or stamp != row.stamp:
        _keep(row, plan.lines, differing)
        row.save()
        return Answer(False, differing)
    if row.counts[State.WRONG] and not leave_out:
        return Answer(False)
    codes: Iterable[tuple[int, str]] = ()
    if isinstance(plan, commission_import.Plan):
        commissions_write(plan=plan, sha256=row.sha256, now=now, user=user)
    elif isinstance(plan, observer_import.Plan):
        codes = observer_import.observers_write(plan=plan, sha256=row.sha256, now=now, user=user).codes
    else:
        assignment_import.assignments_write(plan=plan, sha256=row.sha256, now=now, user=user)
    row.codes, row.done_at, row.expires_at = [list(one) for one in codes], now, now + KEPT
    row.file = row.table = row.lines = ""
    row.save()
    return Answer(True)


def _hold(key: int, user: User, now: datetime) -> Import:
    """The user's own import, with its election's registry locked, then itself: in that order everywhere."""
    election_lock(imports_own(user, now).get(pk=key).election)
    return imports_own(user, now).select_for_update(of=("self",), no_key=True).get(pk=key)


def imports_own(user: User, now: datetime) -> "QuerySet[Import]":
    return Import.objects.filter(user=user, expires_at__gt=now).select_related("election")


def _look_again(row: Import, user: User) -> frozenset[int]:
    plan = _plan(row.kind, row.election, _table_in(_unpack(row.table)["table"]), user)
    differing = _differing(import_shown(row=row).lines, plan.lines)
    _keep(row, plan.lines, differing)
    row.save()
    return differing


def _plan(kind: str, election: Election, table: Table, user: User) -> Plan:
    scope = scope_of(user=user, verb=VERBS[Import.Kind(kind)], election=election)
    if kind == Import.Kind.COMMISSIONS:
        return commission_import.commissions_plan(election=election, table=table, scope=scope)
    if kind == Import.Kind.OBSERVERS:
        return observer_import.observers_plan(election=election, table=table, scope=scope)
    return assignment_import.assignments_plan(election=election, table=table, scope=scope)


def _differing(before: Iterable[Line], now: Iterable[Line]) -> frozenset[int]:
    old, new = ({line.number: line.outcome for line in lines} for lines in (before, now))
    return frozenset(number for number in old.keys() | new.keys() if old.get(number) != new.get(number))


def _keep(row: Import, lines: list[Line], differing: frozenset[int]) -> None:
    row.counts = counts_of(lines)
    row.stamp = hashlib.sha256(json.dumps([line.outcome for line in lines]).encode()).hexdigest()
    kept = [
        (one.number, one.code, str(one.state), [(c.field, c.old, c.new) for c in one.changes], one.reasons)
        for one in lines
    ]
    row.lines = _pack({"lines": kept, "differing": sorted(differing)})


def _pack(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), 1)).decode()


def _unpack(text: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(zlib.decompress(base64.b64decode(text))))


def _copy(table: Table) -> Table:
    """Judging complains to a table: what is kept is the table as it was read."""
    return Table(table.file, table.columns, list(table.rows), list(table.bad), table.header)


def _table_out(table: Table) -> dict[str, Any]:
    return {
        "file": table.file,
        "columns": table.columns,
        "header": table.header,
        "rows": [(row.line, list(row.cells.values())) for row in table.rows],
        "bad": [asdict(one) for one in table.bad],
    }


def _table_in(kept: dict[str, Any]) -> Table:
    columns = tuple(kept["columns"])
    rows = [Row(line, dict(zip(columns, cells, strict=True))) for line, cells in kept["rows"]]
    return Table(kept["file"], columns, rows, [BadLine(**one) for one in kept["bad"]], kept["header"])
