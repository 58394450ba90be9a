"""Importing commissions: first a plan line by line, then exactly that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, User
from observer.services.importing.changes import (
    UNLIMITED_SCOPE,
    FieldChange,
    ImportLine,
    ImportLines,
    ImportScope,
    LineState,
    lock_unchanged_rows,
)
from observer.services.importing.commission_rows import CommissionRow, read_commission_rows
from observer.services.importing.commission_tree import CommissionTree
from observer.services.registry.commissions import BATCH_ROWS, lock_election
from observer.services.spreadsheets.tables import Table
from observer.services.trail import add_trail_entry

COMPARED_FIELDS = (
    "parent_id",
    "level_id",
    "names",
    "address",
    "lat",
    "lon",
    "voters",
    "type",
    "timezone",
    "external_id",
    "path",
    "depth",
)
MAX_PASSES = 5  # of removing lines that are below removed lines


@dataclass(frozen=True, slots=True)
class CommissionImportResult:
    """The numbers of commissions that an import changed.

    `touched` are the keys of the commissions whose figures may have changed.
    """

    created: int
    changed: int
    unchanged: int
    touched: frozenset[int]


@dataclass(slots=True)
class CommissionImportPlan:
    """What an import would do.

    `file_rows` and `tree` leave out the wrong lines; `lines` have all.
    """

    election: Election
    file_rows: dict[str, CommissionRow]
    stored: dict[str, Commission]
    tree: CommissionTree
    lines: list[ImportLine]


def plan_commission_import(
    *, election: Election, table: Table, scope: ImportScope = UNLIMITED_SCOPE
) -> CommissionImportPlan:
    """Plans what importing the table would do now.

    Adds every problem to the table.
    Rows may be in any order. Commissions that the file does not name stay unchanged, and so do fields for which it has
    no column; an empty cell empties the field. Lines below a wrong line are wrong too, but only the plan's `lines`
    say so, not the table.
    """
    stored = {one.code: one for one in Commission.objects.filter(election=election).select_related("level")}
    levels = {level.code: level for level in Level.objects.filter(election=election)}
    codes = {one.pk: code for code, one in stored.items()}
    parent_codes = {code: codes[one.parent_id] if one.parent_id else "" for code, one in stored.items()}
    file_rows = read_commission_rows(table, levels, election.languages)
    for code in file_rows.keys() - stored.keys():
        if not file_rows[code].names:
            table.add_problem(file_rows[code].line, _("has no name in any language"))
    _check_territory(table, file_rows, stored, parent_codes, scope)
    _check_external_ids(table, file_rows, stored)
    tree, lines = CommissionTree(table, file_rows, stored), ImportLines()
    tree.check()
    lines.add_problems(table.bad, table)
    file_rows, tree = _remove_wrong_lines(table, file_rows, stored, tree, lines)
    for code, file_row in file_rows.items():
        commission = stored.get(code)
        changes = _build_changes(commission, file_row, parent_codes.get(code, ""))
        state = LineState.NEW if commission is None else LineState.CHANGED if changes else LineState.SAME
        lines.add(file_row.line, code, state, changes)
    return CommissionImportPlan(election, file_rows, stored, tree, lines.get_ordered())


def write_commissions(
    *, plan: CommissionImportPlan, sha256: str, now: datetime, user: User | None
) -> CommissionImportResult:
    """Carries out the plan. Raises Outdated.

    It must run in the transaction in which the plan was made.
    """
    result = _apply_plan(plan.election, plan.file_rows, plan.stored, plan.tree)
    if result.created or result.changed:
        add_trail_entry(
            action="commissions.import",
            subject=plan.election,
            now=now,
            user=user,
            detail={
                "created": result.created,
                "changed": result.changed,
                "sha256": sha256,
                "left_out": sum(line.state == LineState.WRONG for line in plan.lines),
            },
        )
    return result


def import_commissions(
    *, election: Election, table: Table, sha256: str, now: datetime, user: User | None = None
) -> CommissionImportResult:
    """Adds and updates commissions, all or nothing.

    Raises BadTable with every bad line, and changes nothing then. Importing the same file again changes nothing.
    """
    with transaction.atomic():
        lock_election(election)
        plan = plan_commission_import(election=election, table=table)
        table.raise_if_bad_lines()
        return write_commissions(plan=plan, sha256=sha256, now=now, user=user)


def _remove_wrong_lines(
    table: Table,
    file_rows: dict[str, CommissionRow],
    stored: dict[str, Commission],
    tree: CommissionTree,
    lines: ImportLines,
) -> tuple[dict[str, CommissionRow], CommissionTree]:
    """Removes the wrong lines and those below them.

    It repeats this until the rest is a valid tree.
    Adds the removed lines to `lines`. After MAX_PASSES without a valid tree no rows are left, and the table has a
    problem.
    """
    for _pass in range(MAX_PASSES):
        scratch = Table(table.file, rows=table.rows)
        for code, file_row in file_rows.items():
            if file_row.line not in lines.by_number and code not in tree.paths:
                scratch.add_problem(file_row.line, _("hangs below a line that is wrong"))
        lines.add_problems(scratch.bad, table)
        good_rows = {code: row for code, row in file_rows.items() if row.line not in lines.by_number}
        if len(good_rows) == len(file_rows):
            return file_rows, tree
        file_rows, scratch = good_rows, Table(table.file, rows=table.rows)
        tree = CommissionTree(scratch, file_rows, stored)
        if file_rows:
            tree.check()
        lines.add_problems((one for one in scratch.bad if one.line > table.header_line), table)
    if not table.file_problems:
        table.add_problem(0, _("too many lines hang on each other that are wrong: mend those first"))
    return {}, tree


def _check_territory(
    table: Table,
    file_rows: dict[str, CommissionRow],
    stored: dict[str, Commission],
    parent_codes: dict[str, str],
    scope: ImportScope,
) -> None:
    """Adds a problem for each row outside the importer's territories.

    The problem does not tell whether the commission exists there.
    """
    if scope.territories is None:
        return
    for code, file_row in file_rows.items():
        commission, parent = stored.get(code), stored.get(file_row.parent)
        if commission is not None and not scope.contains(commission.path):
            table.add_problem(file_row.line, _("code %(code)s cannot be used here") % {"code": code})
        elif commission is not None and parent_codes[code] == file_row.parent:
            continue
        elif not file_row.parent or (parent is not None and not scope.contains(parent.path)):
            table.add_problem(file_row.line, _("parent %(parent)s is unknown") % {"parent": file_row.parent or "''"})


def _check_external_ids(table: Table, file_rows: dict[str, CommissionRow], stored: dict[str, Commission]) -> None:
    """Adds a problem for each external number that occurs twice.

    It must be unique in the election.
    """
    codes_by_id = {one.external_id: code for code, one in stored.items() if one.external_id and code not in file_rows}
    for code, file_row in file_rows.items():
        external_id = file_row.fields.get("external_id") or ""
        if "external_id" not in file_row.fields and code in stored:
            external_id = stored[code].external_id
        other = codes_by_id.setdefault(external_id, code) if external_id else code
        if other == code or (code in stored and stored[code].external_id == external_id):
            continue
        table.add_problem(file_row.line, _("external_id %(id)s is there already") % {"id": external_id})


def _build_changes(commission: Commission | None, file_row: CommissionRow, parent_code: str) -> list[FieldChange]:
    """The fields that the row changes, by column name."""
    old_level, new_level = commission.level.code if commission else "", file_row.level.code if file_row.level else ""
    names, address = (commission.names, commission.address) if commission else ({}, {})
    values = [("parent", parent_code, file_row.parent), ("level", old_level, new_level)]
    for prefix, old, new, languages in (
        ("name", names, file_row.names, file_row.name_languages),
        ("address", address, file_row.address, file_row.address_languages),
    ):
        values += [(f"{prefix}_{code}", old.get(code, ""), new.get(code, "")) for code in dict.fromkeys(languages)]
    for field, value in file_row.fields.items():
        stored_value = getattr(commission, field) if commission else None
        values.append((field, _format_value(stored_value), _format_value(value)))
    return [FieldChange(field, old, new) for field, old, new in values if old != new]


def _format_value(value: Any) -> str:
    return "" if value is None else str(value)


def _apply_plan(
    election: Election, file_rows: dict[str, CommissionRow], stored: dict[str, Commission], tree: CommissionTree
) -> CommissionImportResult:
    """Creates and updates the commissions, parents before children."""
    by_code = dict(stored)
    new_codes = sorted(file_rows.keys() - stored.keys(), key=lambda code: (tree.paths[code][1], file_rows[code].line))
    touched: set[int] = set()
    for _depth, codes in groupby(new_codes, key=lambda code: tree.paths[code][1]):
        rows = [
            _build_commission(election, file_rows[code], by_code.get(file_rows[code].parent), tree) for code in codes
        ]
        for one in Commission.objects.bulk_create(rows, batch_size=BATCH_ROWS):
            by_code[one.code] = one
            touched.add(one.pk)
    new_values = {code: _find_changed_values(one, file_rows.get(code), by_code, tree) for code, one in stored.items()}
    changed = [stored[code] for code, fields in new_values.items() if fields]
    lock_unchanged_rows(changed, COMPARED_FIELDS)
    for one in changed:
        fields = new_values[one.code]
        if "parent_id" in fields:
            touched.update(key for key in (one.pk, one.parent_id, fields["parent_id"]) if key)
        if "level_id" in fields:
            touched.add(one.pk)
        for name, value in fields.items():
            setattr(one, name, value)
    names = {name for fields in new_values.values() for name in fields}
    if changed:
        columns = sorted(name.removesuffix("_id") if name != "external_id" else name for name in names)
        Commission.objects.bulk_update(changed, columns, batch_size=BATCH_ROWS)
    touched.update(by_code[file_rows[code].parent].pk for code in new_codes if file_rows[code].parent)
    rows_created, rows_changed = len(new_codes), sum(one.code in file_rows for one in changed)
    unchanged = len(file_rows) - rows_created - rows_changed
    return CommissionImportResult(rows_created, rows_changed, unchanged, frozenset(touched))


def _build_commission(
    election: Election, file_row: CommissionRow, parent: Commission | None, tree: CommissionTree
) -> Commission:
    path, depth = tree.paths[file_row.code]
    fields = {
        name: value for name, value in file_row.fields.items() if value is not None or name in ("lat", "lon", "voters")
    }
    return Commission(
        election=election,
        parent=parent,
        level=file_row.level,
        code=file_row.code,
        path=path,
        depth=depth,
        names=file_row.names,
        address=file_row.address,
        **fields,
    )


def _find_changed_values(
    commission: Commission, file_row: CommissionRow | None, by_code: dict[str, Commission], tree: CommissionTree
) -> dict[str, Any]:
    """The new values of a stored commission that differ.

    They change by its row in the file, or because a commission above it moves.
    """
    path, depth = tree.paths[commission.code]
    values: dict[str, Any] = {"path": path, "depth": depth}
    if file_row is not None:
        values |= file_row.fields | {
            "parent_id": by_code[file_row.parent].pk if file_row.parent else None,
            "level_id": file_row.level.pk if file_row.level else commission.level_id,
            "names": _merge_translations(commission.names, file_row.names, file_row.name_languages),
            "address": _merge_translations(commission.address, file_row.address, file_row.address_languages),
        }
    return {name: value for name, value in values.items() if getattr(commission, name) != value}


def _merge_translations(old: dict[str, str], new: dict[str, str], languages: Iterable[str]) -> dict[str, str]:
    """The old texts, with the given languages replaced."""
    return {language: text for language, text in old.items() if language not in languages} | new
