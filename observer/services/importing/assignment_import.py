"""Importing assignments: first a plan line by line, then exactly that."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from observer.models import Assignment, Commission, Election, Observer, User
from observer.services.importing.changes import (
    UNLIMITED_SCOPE,
    FieldChange,
    ImportLine,
    ImportLines,
    ImportScope,
    LineState,
    load_commissions,
    lock_unchanged_rows,
)
from observer.services.importing.observer_import import request_consent_again
from observer.services.importing.observer_rows import check_role
from observer.services.registry.commissions import BATCH_ROWS
from observer.services.spreadsheets.tables import Row, Table
from observer.services.trail import add_trail_entry

COMPARED_FIELDS = ("role", "starts_at", "ends_at")
DATETIME_PATTERN = re.compile(r"(\d{4}-\d\d-\d\d|\d\d?\.\d\d?\.\d{4})(?:[ T]+(\d\d?:\d\d)(?::00)?)?")


@dataclass(slots=True)
class AssignmentImportStep:
    """What the import does for one line.

    `assignment` is None for a new assignment.
    """

    line: int
    observer: Observer
    commission: Commission
    assignment: Assignment | None = None
    new_values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class AssignmentImportPlan:
    """What an import would do.

    `steps` leave out the wrong lines; `lines` have all.
    """

    election: Election
    steps: list[AssignmentImportStep]
    lines: list[ImportLine]


def plan_assignment_import(
    *, election: Election, table: Table, scope: ImportScope = UNLIMITED_SCOPE
) -> AssignmentImportPlan:
    """Plans what importing the table would do now.

    Adds every problem to the table.
    An empty cell leaves the stored value unchanged. No assignment is removed, and ended assignments stay ended: so
    importing the same list again does not bring back an observer who was replaced.
    """
    if not table.rows and not table.bad:
        table.add_problem(0, _("has no rows"))
    commissions = load_commissions(election, scope)
    id_counts = Counter(one.external_id for one in commissions.values() if one.external_id)
    by_external_id = {one.external_id: one for one in commissions.values() if id_counts[one.external_id] == 1}
    changeable_ids = scope.get_observer_ids()
    query = Observer.objects.defer("name", "phone", "email", "accreditation_number").order_by("pk")
    observers = {one.code: one for one in query if changeable_ids is None or one.pk in changeable_ids}
    assignments, team_sizes = _load_assignments(election)
    seen: dict[tuple[int, int], int] = {}
    steps = []
    for row in table.rows:
        observer = observers.get(row["observer"])
        commission = commissions.get(row["commission"]) or by_external_id.get(row["commission"])
        if observer is None:
            table.add_problem(row.line, _("observer %(code)s is unknown") % {"code": row["observer"][:80] or "''"})
        if commission is None or (observer and not scope.allows_assignment(commission.path, observer.organisation_id)):
            table.add_problem(row.line, _("commission %(code)s is unknown") % {"code": row["commission"][:80] or "''"})
            commission = None
        check_role(table, row)
        if observer is None or commission is None:
            continue
        step = AssignmentImportStep(row.line, observer, commission, new_values=_parse_values(table, row, commission))
        first = seen.setdefault((observer.pk, commission.pk), row.line)
        if first != row.line:
            table.add_problem(
                row.line, _("the same observer and commission were already in line %(line)d") % {"line": first}
            )
        else:
            _match_assignment(table, step, assignments.get((observer.pk, commission.pk), []), team_sizes)
        steps.append(step)
    lines = ImportLines()
    lines.add_problems(table.bad, table)
    steps = [step for step in steps if step.line not in lines.by_number]
    for step in steps:
        changes = _build_changes(step)
        state = LineState.NEW if step.assignment is None else LineState.CHANGED if changes else LineState.SAME
        lines.add(step.line, step.observer.code, state, changes)
    return AssignmentImportPlan(election, steps, lines.get_ordered())


def write_assignments(*, plan: AssignmentImportPlan, sha256: str, now: datetime, user: User | None) -> int:
    """Carries out the plan. Raises Outdated.

    It must run in the transaction in which the plan was made.
    Returns how many assignments were created or changed.
    """
    changed = [step for step in plan.steps if step.assignment is not None and _build_changes(step)]
    lock_unchanged_rows([step.assignment for step in changed if step.assignment], COMPARED_FIELDS)
    for step in changed:
        for name, value in step.new_values.items():
            setattr(step.assignment, name, value)
    if changed:
        Assignment.objects.bulk_update(
            [step.assignment for step in changed if step.assignment], COMPARED_FIELDS, batch_size=BATCH_ROWS
        )
    new = [step for step in plan.steps if step.assignment is None]
    rows = [Assignment(election=plan.election, commission=step.commission, **step.new_values) for step in new]
    Assignment.objects.bulk_create(rows, batch_size=BATCH_ROWS)
    team_link, election_link = Assignment.observers.through, Observer.elections.through
    team_link.objects.bulk_create(
        [team_link(assignment_id=row.pk, observer_id=step.observer.pk) for row, step in zip(rows, new, strict=True)],
        batch_size=BATCH_ROWS,
    )
    participant_ids = set(election_link.objects.filter(election=plan.election).values_list("observer_id", flat=True))
    joining_ids = sorted({step.observer.pk for step in new} - participant_ids)
    links = [election_link(observer_id=key, election_id=plan.election.pk) for key in joining_ids]
    election_link.objects.bulk_create(links, batch_size=BATCH_ROWS, ignore_conflicts=True)
    request_consent_again(election=plan.election, observer_ids=joining_ids, now=now)
    if new or changed:
        left_out = sum(line.state == LineState.WRONG for line in plan.lines)
        detail = {"created": len(new), "changed": len(changed), "left_out": left_out, "sha256": sha256}
        add_trail_entry(action="assignments.import", subject=plan.election, now=now, user=user, detail=detail)
    return len(new) + len(changed)


def _load_assignments(election: Election) -> tuple[dict[tuple[int, int], list[Assignment]], Counter[int]]:
    """The assignments of an election, and the sizes of their teams.

    The assignments are by the keys of observer and commission, the sizes by the key of the assignment.
    """
    assignments: dict[tuple[int, int], list[Assignment]] = {}
    team_sizes: Counter[int] = Counter()
    links = Assignment.observers.through.objects.filter(assignment__election=election).select_related("assignment")
    for link in links.order_by("pk"):
        assignments.setdefault((link.observer_id, link.assignment.commission_id), []).append(link.assignment)
        team_sizes[link.assignment_id] += 1
    return assignments, team_sizes


def _parse_values(table: Table, row: Row, commission: Commission) -> dict[str, Any]:
    """The values of the row's cells that are not empty.

    Adds a problem for each date that is not valid.
    """
    zone = ZoneInfo(commission.zone)
    values: dict[str, Any] = {"role": row["role"]} if row["role"] else {}
    for column in ("starts_at", "ends_at"):
        value = _parse_datetime(row[column], zone, whole_day=column == "ends_at")
        if value is not None:
            values[column] = value
        elif row[column]:
            table.add_problem(row.line, _("%(column)s is not a date like 2026-11-20") % {"column": column})
    return values


def _parse_datetime(cell: str, zone: ZoneInfo, whole_day: bool) -> datetime | None:
    """The date and time in a cell, or None.

    They are by the clock of the commission's place.
    With `whole_day`, a date without a time is the end of that day, which is the beginning of the next.
    """
    found = DATETIME_PATTERN.fullmatch(cell)
    if not found:
        return None
    parts = [int(one) for one in re.split(r"[.\-]", found[1])]
    year, month, day = parts if "-" in found[1] else reversed(parts)
    try:
        hour, minute = (int(one) for one in (found[2] or "0:00").split(":"))
        local = datetime.combine(date(year, month, day), time(hour, minute), zone)
        return (local + timedelta(days=int(whole_day and not found[2]))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _match_assignment(
    table: Table, step: AssignmentImportStep, known: list[Assignment], team_sizes: Counter[int]
) -> None:
    """Sets the stored assignment that the line is about.

    Adds a problem if several assignments are possible, or if a change would concern a whole team.
    """
    same = [one for one in known if all(getattr(one, name) == value for name, value in step.new_values.items())]
    step.assignment = next(iter(same or known), None)
    if not same and len(known) > 1:
        table.add_problem(step.line, _("they are sent there several times: change it in the list of assignments"))
    elif not same and known and team_sizes[known[0].pk] > 1:
        table.add_problem(step.line, _("they are sent there as a team: change it in the list of assignments"))
    starts_at = step.new_values.get("starts_at", step.assignment.starts_at if step.assignment else None)
    ends_at = step.new_values.get("ends_at", step.assignment.ends_at if step.assignment else None)
    if starts_at and ends_at and starts_at >= ends_at:
        table.add_problem(step.line, _("ends before it begins"))


def _build_changes(step: AssignmentImportStep) -> list[FieldChange]:
    zone = ZoneInfo(step.commission.zone)
    changes = [] if step.assignment else [FieldChange("commission", "", step.commission.code)]
    for name, value in step.new_values.items():
        old = getattr(step.assignment, name) if step.assignment else None
        if old != value:
            changes.append(FieldChange(name, _format_value(old, zone), _format_value(value, zone)))
    return changes


def _format_value(value: Any, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value or "")
