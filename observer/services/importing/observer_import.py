"""Importing observers with their assignments.

First a plan is made line by line, then exactly that is done.
Names and phones are compared decrypted, so that importing the same file again changes nothing. They never appear in
the trail, in an error or in an output: a person is named by line or by code.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from observer import crypto
from observer.models import Assignment, Commission, Consent, Election, Observer, User
from observer.services.importing.changes import (
    UNLIMITED_SCOPE,
    FieldChange,
    ImportLine,
    ImportLines,
    ImportScope,
    LineState,
    Outdated,
    load_commissions,
    lock_unchanged_rows,
)
from observer.services.importing.observer_rows import (
    COMPARED_FIELDS,
    PROTECTED_FIELDS,
    ObserverRow,
    OrganisationIndex,
    read_observer_rows,
)
from observer.services.registry.commissions import BATCH_ROWS, lock_election
from observer.services.spreadsheets.columns import OBSERVER_COLUMNS
from observer.services.spreadsheets.sheets import read_sheet
from observer.services.spreadsheets.tables import Table
from observer.services.trail import add_trail_entry

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1 and I, which people confuse


@dataclass(frozen=True, slots=True)
class ObserverImportResult:
    """Numbers of observers and assignments that an import changed.

    `codes`: the generated codes, by line. `phones`: codes of the observers whose phone was replaced.
    """

    created: int
    changed: int
    unchanged: int
    assigned: int
    codes: tuple[tuple[int, str], ...]
    phones: tuple[str, ...]


@dataclass(slots=True)
class ObserverImportStep:
    """What the import does for one line.

    `observer` is None for a new observer.
    """

    row: ObserverRow
    observer: Observer | None
    changed_values: dict[str, Any] = field(default_factory=dict)
    joins_election: bool = True
    new_commissions: list[Commission] = field(default_factory=list)
    role_changes: list[Assignment] = field(default_factory=list)


@dataclass(slots=True)
class ObserverImportPlan:
    """What an import would do.

    `steps` leave out the wrong lines; `lines` have all.
    """

    election: Election
    steps: list[ObserverImportStep]
    organisations: OrganisationIndex
    lines: list[ImportLine]


def plan_observer_import(
    *, election: Election, table: Table, scope: ImportScope = UNLIMITED_SCOPE
) -> ObserverImportPlan:
    """Plans what importing the table would do now.

    Adds every problem to the table.
    If the code is empty, an observer of the same organisation with the same name and phone is taken for the same
    person. Assignments are added, never removed. Everybody in the file takes part in this election.
    For an observer whom the importer may not change, the problem says that the code cannot be used; the phones of
    such observers are not compared.
    """
    rows = read_observer_rows(table, load_commissions(election, scope), election.languages)
    organisations = OrganisationIndex(election.languages)
    changeable_ids = scope.get_observer_ids()
    query = Observer.objects.select_related("organisation")
    query = query if changeable_ids is None else query.filter(pk__in=changeable_ids)
    observers = {one.code: one for one in query}
    foreign_codes = set(Observer.objects.values_list("code", flat=True)) - observers.keys()
    for row in rows:
        _check_scope(table, row, observers.get(row.code), foreign_codes, organisations, scope)
    _match_known_observers(table, rows, observers, organisations)
    steps = _build_steps(election, rows, observers, organisations)
    _check_phones(table, steps, observers)
    lines = ImportLines()
    lines.add_problems(table.bad, table)
    steps = [step for step in steps if step.row.line not in lines.by_number]
    for step in steps:
        changes = _build_changes(step, organisations)
        state = LineState.NEW if step.observer is None else LineState.CHANGED if changes else LineState.SAME
        lines.add(step.row.line, step.row.code, state, changes)
    return ObserverImportPlan(election, steps, organisations, lines.get_ordered())


def write_observers(*, plan: ObserverImportPlan, sha256: str, now: datetime, user: User | None) -> ObserverImportResult:
    """Carries out the plan. Raises Outdated.

    It must run in the transaction in which the plan was made.
    """
    steps, organisations = plan.steps, plan.organisations
    new_codes = _assign_codes(steps)
    joining_ids = [step.observer.pk for step in steps if step.observer is not None and step.joins_election]
    changed = [step for step in steps if step.observer is not None and step.changed_values]
    phones = tuple(
        step.observer.code
        for step in changed
        if step.observer and "phone" in step.changed_values and step.observer.phone
    )
    lock_unchanged_rows([step.observer for step in changed if step.observer], COMPARED_FIELDS)
    _update_observers(changed, organisations)
    created = _create_observers(steps, organisations)
    joined = _add_to_election(plan.election, steps)
    request_consent_again(election=plan.election, observer_ids=joining_ids, now=now)
    assigned = _create_assignments(plan.election, steps)
    unchanged = len(steps) - created - len(changed)
    if created or changed or joined or assigned:
        add_trail_entry(
            action="observers.import",
            subject=plan.election,
            now=now,
            user=user,
            detail={
                "created": created,
                "changed": len(changed),
                "assigned": assigned,
                "sha256": sha256,
                "left_out": sum(line.state == LineState.WRONG for line in plan.lines),
            },
        )
    return ObserverImportResult(created, len(changed), unchanged, assigned, new_codes, phones)


def import_observers(
    *, election: Election, source: bytes, file: str, now: datetime, user: User | None = None
) -> ObserverImportResult:
    """Imports observers from a CSV file or workbook, all or nothing.

    The columns are `columns.OBSERVER_COLUMNS`. Raises BadTable with every bad line, and changes nothing then.
    Importing the same file again changes nothing.
    """
    table = OBSERVER_COLUMNS.build_table(read_sheet(source=source, file=file))
    with transaction.atomic():
        lock_election(election)
        plan = plan_observer_import(election=election, table=table)
        table.raise_if_bad_lines()
        return write_observers(plan=plan, sha256=hashlib.sha256(source).hexdigest(), now=now, user=user)


def generate_observer_code(taken: Iterable[str]) -> str:
    """A random observer code like OB-7F3K that is not in `taken`.

    It is longer if few short codes are left.
    """
    taken_codes, length, tries = set(taken), 4, 0
    while True:
        code = "OB-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))
        if code not in taken_codes:
            return code
        tries += 1
        length = 4 + tries // 20


def _check_scope(
    table: Table,
    row: ObserverRow,
    observer: Observer | None,
    foreign_codes: set[str],
    organisations: OrganisationIndex,
    scope: ImportScope,
) -> None:
    """Adds a problem if the importer may not change this observer.

    The same goes for adding a new one.
    """
    if row.code in foreign_codes:
        table.add_problem(row.line, _("code %(code)s cannot be used here") % {"code": row.code[:80]})
        return
    organisation = organisations.get(row.organisation)
    organisation_id = organisation.pk if organisation else None
    paths = [commission.path for commission in row.commissions]
    if observer is None and not row.names_commissions and row.organisation:
        paths = [""]
    is_same = observer is not None and organisation_id == observer.organisation_id
    is_allowed = scope.territories is None or any(
        territory.organisation in (None, organisation_id) for territory in scope.territories
    )
    is_unknown = organisation is None and not scope.may_create_organisations
    if row.organisation and (is_unknown or not (is_allowed or is_same)):
        table.add_problem(row.line, _("organisation %(name)s is unknown") % {"name": row.organisation[:80]})
    elif not all(scope.allows_assignment(path, organisation_id) for path in paths):
        table.add_problem(row.line, _("say where they are sent: you may add people of your territory only"))


def _match_known_observers(
    table: Table, rows: list[ObserverRow], observers: dict[str, Observer], organisations: OrganisationIndex
) -> None:
    """Fills in missing codes of known observers.

    Adds problems for duplicates.
    """
    stored = {(one.organisation_id, one.name, one.phone): one.code for one in observers.values()}
    listed = {row.code for row in rows}
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        if row.code:
            continue
        name, phone = row.values["name"], row.values["phone"]
        organisation = organisations.get(row.organisation)
        known = stored.get((organisation.pk, name, phone)) if organisation else None
        identity = (organisations.make_key(row.organisation), name, phone)
        if seen.setdefault(identity, row.line) != row.line:
            table.add_problem(row.line, _("is the same person as line %(line)d") % {"line": seen[identity]})
        elif known in listed:
            table.add_problem(row.line, _("is the same person as code %(code)s in this file") % {"code": known})
        elif known:
            row.code = known


def _build_steps(
    election: Election, rows: list[ObserverRow], observers: dict[str, Observer], organisations: OrganisationIndex
) -> list[ObserverImportStep]:
    """Compares the rows with the registry.

    Returns one step for each row.
    """
    through = Assignment.observers.through
    assignments: dict[tuple[int, int], Assignment] = {}
    team_sizes: dict[int, int] = {}
    for link in through.objects.filter(assignment__election=election).select_related("assignment"):
        assignments[link.observer_id, link.assignment.commission_id] = link.assignment
        team_sizes[link.assignment_id] = team_sizes.get(link.assignment_id, 0) + 1
    participant_ids = set(
        Observer.elections.through.objects.filter(election=election).values_list("observer_id", flat=True)
    )
    steps = []
    for row in rows:
        observer = observers.get(row.code) if row.code else None
        step = ObserverImportStep(row, observer)
        steps.append(step)
        if observer is None:
            step.new_commissions = row.commissions
            continue
        step.joins_election = observer.pk not in participant_ids
        organisation = organisations.get(row.organisation)
        organisation_id = organisation.pk if organisation else 0
        new_values: dict[str, Any] = row.values | row.days | {"organisation_id": organisation_id}
        step.changed_values = {
            name: value for name, value in new_values.items() if value and getattr(observer, name) != value
        }
        if organisation is None:
            step.changed_values["organisation_id"] = None  # the organisation is created when the plan is carried out
        for commission in row.commissions:
            assignment = assignments.get((observer.pk, commission.pk))
            if assignment is None:
                step.new_commissions.append(commission)
            elif row.role and assignment.role != row.role and team_sizes[assignment.pk] == 1:  # a team keeps its role
                step.role_changes.append(assignment)
    return steps


def _check_phones(table: Table, steps: list[ObserverImportStep], observers: dict[str, Observer]) -> None:
    """Adds a problem for each new phone that is not unique.

    It is compared with the observers whom the importer may see, and within the file.
    """
    wrong_lines = {bad.line for bad in table.bad}
    owners = {one.phone_lookup: one.code for one in observers.values() if one.phone_lookup}
    lines: dict[str, int] = {}
    for step in steps:
        phone = step.row.values["phone"]
        if not phone or step.row.line in wrong_lines:
            continue
        lookup = crypto.compute_lookup("phone", phone)
        first = lines.setdefault(lookup, step.row.line)
        if step.observer is not None and "phone" not in step.changed_values:
            continue
        if owners.get(lookup, step.row.code) != step.row.code:
            table.add_problem(step.row.line, _("the phone is that of observer %(code)s") % {"code": owners[lookup]})
        elif first != step.row.line:
            table.add_problem(step.row.line, _("the phone was already in line %(line)d") % {"line": first})


def _build_changes(step: ObserverImportStep, organisations: OrganisationIndex) -> list[FieldChange]:
    """The fields that the step changes.

    Of protected fields the values are left out.
    """
    row, observer = step.row, step.observer
    new_values: dict[str, Any] = row.values | row.days if observer is None else dict(step.changed_values)
    changes = []
    if observer is None or "organisation_id" in step.changed_values:
        organisation = organisations.get(row.organisation)
        old = observer.organisation.code if observer else ""
        new = organisation.code if organisation else "+ " + row.organisation[:80]
        changes.append(FieldChange("organisation", old, new))
    for name in (*PROTECTED_FIELDS, "language", "accredited_from", "accredited_until"):
        value = new_values.get(name)
        if value:
            old = str(getattr(observer, name) or "") if observer else ""
            changes.append(FieldChange(name) if name in PROTECTED_FIELDS else FieldChange(name, old, str(value)))
    if step.new_commissions:
        changes.append(FieldChange("commissions", "", ", ".join(one.code for one in step.new_commissions)))
    changes += [FieldChange("role", assignment.role, row.role) for assignment in step.role_changes[:1]]
    if observer is None and row.role and step.new_commissions:
        changes.append(FieldChange("role", "", row.role))
    if observer is not None and step.joins_election:
        changes.append(FieldChange("elections", "", "+"))
    return changes


def _assign_codes(steps: list[ObserverImportStep]) -> tuple[tuple[int, str], ...]:
    """Gives a new code to each row without one.

    Returns lines with their new codes.
    """
    without_code = [step for step in steps if not step.row.code]
    if not without_code:
        return ()
    taken = set(Observer.objects.values_list("code", flat=True)) | {step.row.code for step in steps}
    for step in without_code:
        step.row.code = generate_observer_code(taken)
        taken.add(step.row.code)
    return tuple((step.row.line, step.row.code) for step in without_code)


def _update_observers(changed: list[ObserverImportStep], organisations: OrganisationIndex) -> None:
    for step in changed:
        assert step.observer is not None
        for name, value in step.changed_values.items():
            setattr(step.observer, name, value)
        if "organisation_id" in step.changed_values:
            step.observer.organisation = organisations.get_or_create(step.row.organisation)
        step.observer.update_contact_lookups()
    if changed:
        names = {name for step in changed for name in step.changed_values}
        fields = sorted(name.removesuffix("_id") for name in names)
        fields += [f"{name}_lookup" for name in ("phone", "email") if name in names]
        Observer.objects.bulk_update([step.observer for step in changed if step.observer], fields, batch_size=200)


def _create_observers(steps: list[ObserverImportStep], organisations: OrganisationIndex) -> int:
    new = [step for step in steps if step.observer is None]
    for step in new:
        row = step.row
        fields: dict[str, Any] = row.values | row.days
        fields["language"] = fields["language"] or organisations.language
        organisation = organisations.get_or_create(row.organisation)
        step.observer = Observer(code=row.code, organisation=organisation, **fields)
        step.observer.update_contact_lookups()
    try:
        with transaction.atomic():
            Observer.objects.bulk_create([step.observer for step in new if step.observer], batch_size=BATCH_ROWS)
    except IntegrityError:  # another transaction has taken one of the codes
        raise Outdated from None
    return len(new)


def _add_to_election(election: Election, steps: list[ObserverImportStep]) -> int:
    """Adds new participants to the election.

    They may have no assignment. Returns their number.
    """
    through = Observer.elections.through
    new_ids = sorted(step.observer.pk for step in steps if step.observer is not None and step.joins_election)
    links = [through(observer_id=pk, election_id=election.pk) for pk in new_ids]
    through.objects.bulk_create(links, batch_size=BATCH_ROWS, ignore_conflicts=True)
    return len(new_ids)


def request_consent_again(*, election: Election, observer_ids: list[int], now: datetime) -> None:
    """Asks observers from other elections for their consent.

    They are asked to accept this election's code of conduct.
    `observer_ids` are those who were just added to this election. A consent that was given in another election
    is not valid in this one.
    """
    if not observer_ids:
        return
    links = Observer.elections.through.objects.exclude(election=election)
    from_elsewhere = set(links.values_list("observer_id", flat=True)).intersection(observer_ids)
    requests = [Consent(observer_id=key, election=election, asked_at=now) for key in sorted(from_elsewhere)]
    Consent.objects.bulk_create(requests, batch_size=BATCH_ROWS, ignore_conflicts=True)


def _create_assignments(election: Election, steps: list[ObserverImportStep]) -> int:
    """Creates new assignments and sets changed roles.

    Returns how many assignments that were.
    """
    new: list[tuple[Assignment, Observer]] = []
    role_changes: list[tuple[Assignment, str]] = []
    for step in steps:
        assert step.observer is not None
        default_role = Assignment.Role.MOBILE if len(step.row.commissions) > 1 else Assignment.Role.STATIONARY
        for commission in step.new_commissions:
            role = step.row.role or default_role
            new.append((Assignment(election=election, commission=commission, role=role), step.observer))
        role_changes += [(assignment, step.row.role) for assignment in step.role_changes]
    lock_unchanged_rows([assignment for assignment, _role in role_changes], ("role",))
    for assignment, role in role_changes:
        assignment.role = role
    Assignment.objects.bulk_create([assignment for assignment, _observer in new], batch_size=BATCH_ROWS)
    through = Assignment.observers.through
    links = [through(assignment_id=assignment.pk, observer_id=observer.pk) for assignment, observer in new]
    through.objects.bulk_create(links, batch_size=BATCH_ROWS)
    if role_changes:
        changed = [assignment for assignment, _role in role_changes]
        Assignment.objects.bulk_update(changed, ["role"], batch_size=BATCH_ROWS)
    return len(new) + len(role_changes)
