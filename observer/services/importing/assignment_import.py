"""Importing assignments: who is sent where, as what and when; line by line what a file would do, then exactly that."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from observer.models import Assignment, Commission, Election, Observer, User
from observer.services.importing.changes import EVERYTHING, Change, Line, Lines, Scope, State, rows_hold, territory
from observer.services.importing.observer_import import observers_ask_anew
from observer.services.importing.observer_rows import role_check
from observer.services.registry.commissions import BATCH
from observer.services.spreadsheets.tables import Row, Table
from observer.services.trail import trail_add

FIELDS = ("role", "starts_at", "ends_at")
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d|\d\d?\.\d\d?\.\d{4})(?:[ T]+(\d\d?:\d\d)(?::00)?)?")


@dataclass(slots=True)
class Step:
    """One line: `row` is the assignment that it changes, None for a new one."""

    line: int
    observer: Observer
    commission: Commission
    row: Assignment | None = None
    wanted: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What an import would do, without the lines that are wrong."""

    election: Election
    steps: list[Step]
    lines: list[Line]


def assignments_plan(*, election: Election, table: Table, scope: Scope = EVERYTHING) -> Plan:
    """What importing the table would do now; complains to the table of every line that cannot be.

    An empty cell says nothing. Nobody is taken away, and what ended stays ended, so that the same list
    again brings nobody back whom somebody replaced.
    """
    if not table.rows and not table.bad:
        table.complain(0, _("has no rows"))
    places = territory(election, scope)
    externals = Counter(one.external_id for one in places.values() if one.external_id)
    outside = {one.external_id: one for one in places.values() if externals[one.external_id] == 1}
    own = scope.observers()
    people = Observer.objects.defer("name", "phone", "email", "accreditation_number").order_by("pk")
    observers = {one.code: one for one in people if own is None or one.pk in own}
    sent, team = _sent(election)
    seen: dict[tuple[int, int], int] = {}
    steps = []
    for row in table.rows:
        observer = observers.get(row["observer"])
        place = places.get(row["commission"]) or outside.get(row["commission"])
        if observer is None:
            table.complain(row.line, _("observer %(code)s is unknown") % {"code": row["observer"][:80] or "''"})
        if place is None or (observer and not scope.takes(place.path, observer.organisation_id)):
            table.complain(row.line, _("commission %(code)s is unknown") % {"code": row["commission"][:80] or "''"})
            place = None
        role_check(table, row)
        if observer is None or place is None:
            continue
        step = Step(row.line, observer, place, wanted=_wanted(table, row, place))
        first = seen.setdefault((observer.pk, place.pk), row.line)
        if first != row.line:
            table.complain(
                row.line, _("the same observer and commission were already in line %(line)d") % {"line": first}
            )
        else:
            _find(table, step, sent.get((observer.pk, place.pk), []), team)
        steps.append(step)
    lines = Lines()
    lines.wrong(table.bad, table)
    steps = [step for step in steps if step.line not in lines.of]
    for step in steps:
        changes = _changes(step)
        state = State.NEW if step.row is None else State.CHANGED if changes else State.SAME
        lines.add(step.line, step.observer.code, state, changes)
    return Plan(election, steps, lines.ordered())


def assignments_write(*, plan: Plan, sha256: str, now: datetime, user: User | None) -> int:
    """Does what was planned, in the transaction in which it was planned; how many rows. Raises Outdated."""
    changed = [step for step in plan.steps if step.row is not None and _changes(step)]
    rows_hold([step.row for step in changed if step.row], FIELDS)
    for step in changed:
        for name, value in step.wanted.items():
            setattr(step.row, name, value)
    if changed:
        Assignment.objects.bulk_update([step.row for step in changed if step.row], FIELDS, batch_size=BATCH)
    new = [step for step in plan.steps if step.row is None]
    rows = [Assignment(election=plan.election, commission=step.commission, **step.wanted) for step in new]
    Assignment.objects.bulk_create(rows, batch_size=BATCH)
    through, taken = Assignment.observers.through, Observer.elections.through
    through.objects.bulk_create(
        [through(assignment_id=row.pk, observer_id=step.observer.pk) for row, step in zip(rows, new, strict=True)],
        batch_size=BATCH,
    )
    there = set(taken.objects.filter(election=plan.election).values_list("observer_id", flat=True))
    keys = sorted({step.observer.pk for step in new} - there)
    links = [taken(observer_id=key, election_id=plan.election.pk) for key in keys]
    taken.objects.bulk_create(links, batch_size=BATCH, ignore_conflicts=True)
    observers_ask_anew(election=plan.election, keys=keys, now=now)
    if new or changed:
        left_out = sum(line.state == State.WRONG for line in plan.lines)
        detail = {"created": len(new), "changed": len(changed), "left_out": left_out, "sha256": sha256}
        trail_add(action="assignments.import", subject=plan.election, now=now, user=user, detail=detail)
    return len(new) + len(changed)


def _sent(election: Election) -> tuple[dict[tuple[int, int], list[Assignment]], Counter[int]]:
    """Assignments by observer and commission, and how many people each has."""
    sent: dict[tuple[int, int], list[Assignment]] = {}
    team: Counter[int] = Counter()
    links = Assignment.observers.through.objects.filter(assignment__election=election).select_related("assignment")
    for link in links.order_by("pk"):
        sent.setdefault((link.observer_id, link.assignment.commission_id), []).append(link.assignment)
        team[link.assignment_id] += 1
    return sent, team


def _wanted(table: Table, row: Row, place: Commission) -> dict[str, Any]:
    zone = ZoneInfo(place.zone)
    wanted: dict[str, Any] = {"role": row["role"]} if row["role"] else {}
    for column in ("starts_at", "ends_at"):
        found = _moment(row[column], zone, whole_day=column == "ends_at")
        if found is not None:
            wanted[column] = found
        elif row[column]:
            table.complain(row.line, _("%(column)s is not a date like 2026-11-20") % {"column": column})
    return wanted


def _moment(cell: str, zone: ZoneInfo, whole_day: bool) -> datetime | None:
    """A moment by the clock of the place; the end of a day is when the next one begins."""
    found = MOMENT.fullmatch(cell)
    if not found:
        return None
    parts = [int(one) for one in re.split(r"[.\-]", found[1])]
    year, month, day = parts if "-" in found[1] else reversed(parts)
    try:
        hour, minute = (int(one) for one in (found[2] or "0:00").split(":"))
        moment = datetime.combine(date(year, month, day), time(hour, minute), zone)
        return (moment + timedelta(days=int(whole_day and not found[2]))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _find(table: Table, step: Step, known: list[Assignment], team: Counter[int]) -> None:
    """Which assignment the line is about; complains where that cannot be told or it is not theirs alone."""
    same = [one for one in known if all(getattr(one, name) == value for name, value in step.wanted.items())]
    step.row = next(iter(same or known), None)
    if not same and len(known) > 1:
        table.complain(step.line, _("they are sent there several times: change it in the list of assignments"))
    elif not same and known and team[known[0].pk] > 1:
        table.complain(step.line, _("they are sent there as a team: change it in the list of assignments"))
    first = step.wanted.get("starts_at", step.row.starts_at if step.row else None)
    last = step.wanted.get("ends_at", step.row.ends_at if step.row else None)
    if first and last and first >= last:
        table.complain(step.line, _("ends before it begins"))


def _changes(step: Step) -> list[Change]:
    zone = ZoneInfo(step.commission.zone)
    changes = [] if step.row else [Change("commission", "", step.commission.code)]
    for name, value in step.wanted.items():
        before = getattr(step.row, name) if step.row else None
        if before != value:
            changes.append(Change(name, _shown(before, zone), _shown(value, zone)))
    return changes


def _shown(value: Any, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value or "")
