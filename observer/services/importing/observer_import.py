"""Importing observers, and where they are sent: what a file would do line by line, then doing exactly that.

Names and phones are compared decrypted, so that the same file changes nothing. They are never in
a trail, an error or an output: a person is told by line or by code.
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
    EVERYTHING,
    Change,
    Line,
    Lines,
    Outdated,
    Scope,
    State,
    rows_hold,
    territory,
)
from observer.services.importing.observer_rows import FIELDS, PROTECTED, Organisations, Person, people_read
from observer.services.registry.commissions import BATCH, election_lock
from observer.services.spreadsheets.columns import OBSERVERS
from observer.services.spreadsheets.sheets import sheet_read
from observer.services.spreadsheets.tables import Table
from observer.services.trail import trail_add

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1, I, which people mistake for each other


@dataclass(frozen=True, slots=True)
class Imported:
    """How many observers did what; `codes`: the generated ones by line; `phones`: codes whose phone was replaced."""

    created: int
    changed: int
    unchanged: int
    assigned: int
    codes: tuple[tuple[int, str], ...]
    phones: tuple[str, ...]


@dataclass(slots=True)
class Step:
    """What one line does: `one` is whom it changes, None for somebody new."""

    person: Person
    one: Observer | None
    differs: dict[str, Any] = field(default_factory=dict)
    joins: bool = True
    send: list[Commission] = field(default_factory=list)
    roles: list[Assignment] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What an import would do, without the lines that are wrong."""

    election: Election
    steps: list[Step]
    organisations: Organisations
    lines: list[Line]


def observers_plan(*, election: Election, table: Table, scope: Scope = EVERYTHING) -> Plan:
    """What importing the table would do now; complains to the table of every line that cannot be.

    The observer of that organisation with the same name and phone is taken for the same where the code is
    empty. Being sent somewhere is added, never taken away; whoever is named takes part in this election.
    Whom the importer may not change is answered as somebody whose code cannot be used, never by phone.
    """
    people = people_read(table, territory(election, scope), election.languages)
    organisations = Organisations(election.languages)
    own = scope.observers()
    rows = Observer.objects.select_related("organisation")
    rows = rows if own is None else rows.filter(pk__in=own)
    observers = {one.code: one for one in rows}
    taken = set(Observer.objects.values_list("code", flat=True)) - observers.keys()
    for person in people:
        _check_scope(table, person, observers.get(person.code), taken, organisations, scope)
    _recognise(table, people, observers, organisations)
    steps = _steps(election, people, observers, organisations)
    _check_phones(table, steps, observers)
    lines = Lines()
    lines.wrong(table.bad, table)
    steps = [step for step in steps if step.person.line not in lines.of]
    for step in steps:
        changes = _changes(step, organisations)
        state = State.NEW if step.one is None else State.CHANGED if changes else State.SAME
        lines.add(step.person.line, step.person.code, state, changes)
    return Plan(election, steps, organisations, lines.ordered())


def observers_write(*, plan: Plan, sha256: str, now: datetime, user: User | None) -> Imported:
    """Does what was planned, in the transaction in which it was planned. Raises Outdated."""
    steps, organisations = plan.steps, plan.organisations
    fresh = _name(steps)
    known = [step.one.pk for step in steps if step.one is not None and step.joins]
    changed = [step for step in steps if step.one is not None and step.differs]
    phones = tuple(step.one.code for step in changed if step.one and "phone" in step.differs and step.one.phone)
    rows_hold([step.one for step in changed if step.one], FIELDS)
    _change(changed, organisations)
    created = _create(steps, organisations)
    joined = _join(plan.election, steps)
    observers_ask_anew(election=plan.election, keys=known, now=now)
    assigned = _assign(plan.election, steps)
    left = len(steps) - created - len(changed)
    if created or changed or joined or assigned:
        trail_add(
            action="observers.import",
            subject=plan.election,
            now=now,
            user=user,
            detail={
                "created": created,
                "changed": len(changed),
                "assigned": assigned,
                "sha256": sha256,
                "left_out": sum(line.state == State.WRONG for line in plan.lines),
            },
        )
    return Imported(created, len(changed), left, assigned, fresh, phones)


def observers_import(
    *, election: Election, source: bytes, file: str, now: datetime, user: User | None = None
) -> Imported:
    """Adds and updates observers from a CSV file or workbook, all or nothing: `columns.OBSERVERS` says what it holds.

    Raises BadTable with every bad line, and has changed nothing then. The same file again changes nothing.
    """
    table = OBSERVERS.table_of(sheet_read(source=source, file=file))
    with transaction.atomic():
        election_lock(election)
        plan = observers_plan(election=election, table=table)
        table.raise_if_bad()
        return observers_write(plan=plan, sha256=hashlib.sha256(source).hexdigest(), now=now, user=user)


def code_make(taken: Iterable[str]) -> str:
    """A fresh observer code like OB-7F3K; longer where the short ones run out."""
    known, length, tries = set(taken), 4, 0
    while True:
        code = "OB-" + "".join(secrets.choice(ALPHABET) for _ in range(length))
        if code not in known:
            return code
        tries += 1
        length = 4 + tries // 20


def _check_scope(
    table: Table, person: Person, one: Observer | None, taken: set[str], organisations: Organisations, scope: Scope
) -> None:
    if person.code in taken:
        table.complain(person.line, _("code %(code)s cannot be used here") % {"code": person.code[:80]})
        return
    found = organisations.get(person.organisation)
    key = found.pk if found else None
    paths = [place.path for place in person.commissions]
    if one is None and not person.placed and person.organisation:
        paths = [""]
    stays = one is not None and key == one.organisation_id
    ours = scope.places is None or any(place.organisation in (None, key) for place in scope.places)
    if person.organisation and ((found is None and not scope.organisations) or not (ours or stays)):
        table.complain(person.line, _("organisation %(name)s is unknown") % {"name": person.organisation[:80]})
    elif not all(scope.takes(path, key) for path in paths):
        table.complain(person.line, _("say where they are sent: you may add people of your territory only"))


def _recognise(
    table: Table, people: list[Person], observers: dict[str, Observer], organisations: Organisations
) -> None:
    """Those without a code who are known get theirs."""
    stored = {(one.organisation_id, one.name, one.phone): one.code for one in observers.values()}
    listed = {person.code for person in people}
    seen: dict[tuple[str, str, str], int] = {}
    for person in people:
        if person.code:
            continue
        name, phone = person.values["name"], person.values["phone"]
        found = organisations.get(person.organisation)
        known = stored.get((found.pk, name, phone)) if found else None
        same = (organisations.key(person.organisation), name, phone)
        if seen.setdefault(same, person.line) != person.line:
            table.complain(person.line, _("is the same person as line %(line)d") % {"line": seen[same]})
        elif known in listed:
            table.complain(person.line, _("is the same person as code %(code)s in this file") % {"code": known})
        elif known:
            person.code = known


def _steps(
    election: Election, people: list[Person], observers: dict[str, Observer], organisations: Organisations
) -> list[Step]:
    through = Assignment.observers.through
    sent: dict[tuple[int, int], Assignment] = {}
    team: dict[int, int] = {}
    for link in through.objects.filter(assignment__election=election).select_related("assignment"):
        sent[link.observer_id, link.assignment.commission_id] = link.assignment
        team[link.assignment_id] = team.get(link.assignment_id, 0) + 1
    known = set(Observer.elections.through.objects.filter(election=election).values_list("observer_id", flat=True))
    steps = []
    for person in people:
        one = observers.get(person.code) if person.code else None
        step = Step(person, one)
        steps.append(step)
        if one is None:
            step.send = person.commissions
            continue
        step.joins = one.pk not in known
        found = organisations.get(person.organisation)
        wanted: dict[str, Any] = person.values | person.days | {"organisation_id": found.pk if found else 0}
        step.differs = {name: value for name, value in wanted.items() if value and getattr(one, name) != value}
        if found is None:
            step.differs["organisation_id"] = None  # made when it is written
        for place in person.commissions:
            there = sent.get((one.pk, place.pk))
            if there is None:
                step.send.append(place)
            elif person.role and there.role != person.role and team[there.pk] == 1:  # a team's stays
                step.roles.append(there)
    return steps


def _check_phones(table: Table, steps: list[Step], observers: dict[str, Observer]) -> None:
    """A phone that comes anew belongs to nobody else, as far as the importer may know."""
    wrong = {bad.line for bad in table.bad}
    owners = {one.phone_lookup: one.code for one in observers.values() if one.phone_lookup}
    lines: dict[str, int] = {}
    for step in steps:
        phone = step.person.values["phone"]
        if not phone or step.person.line in wrong:
            continue
        lookup = crypto.lookup("phone", phone)
        first = lines.setdefault(lookup, step.person.line)
        if step.one is not None and "phone" not in step.differs:
            continue
        if owners.get(lookup, step.person.code) != step.person.code:
            table.complain(step.person.line, _("the phone is that of observer %(code)s") % {"code": owners[lookup]})
        elif first != step.person.line:
            table.complain(step.person.line, _("the phone was already in line %(line)d") % {"line": first})


def _changes(step: Step, organisations: Organisations) -> list[Change]:
    """Each field that becomes another; of those that name a person, only that they do."""
    person, one = step.person, step.one
    old = dict.fromkeys((*PROTECTED, "language", "accredited_from", "accredited_until"), "")
    wanted: dict[str, Any] = person.values | person.days if one is None else dict(step.differs)
    changes = []
    if one is None or "organisation_id" in step.differs:
        found = organisations.get(person.organisation)
        before = one.organisation.code if one else ""
        changes.append(Change("organisation", before, found.code if found else "+ " + person.organisation[:80]))
    for name in old:
        value = wanted.get(name)
        if value:
            before = str(getattr(one, name) or "") if one else ""
            changes.append(Change(name) if name in PROTECTED else Change(name, before, str(value)))
    if step.send:
        changes.append(Change("commissions", "", ", ".join(place.code for place in step.send)))
    changes += [Change("role", there.role, person.role) for there in step.roles[:1]]
    if one is None and person.role and step.send:
        changes.append(Change("role", "", person.role))
    if one is not None and step.joins:
        changes.append(Change("elections", "", "+"))
    return changes


def _name(steps: list[Step]) -> tuple[tuple[int, str], ...]:
    """Gives a fresh code to each of those who have none; by line."""
    nameless = [step for step in steps if not step.person.code]
    if not nameless:
        return ()
    taken = set(Observer.objects.values_list("code", flat=True)) | {step.person.code for step in steps}
    for step in nameless:
        step.person.code = code_make(taken)
        taken.add(step.person.code)
    return tuple((step.person.line, step.person.code) for step in nameless)


def _change(changed: list[Step], organisations: Organisations) -> None:
    for step in changed:
        assert step.one is not None
        for name, value in step.differs.items():
            setattr(step.one, name, value)
        if "organisation_id" in step.differs:
            step.one.organisation = organisations.make(step.person.organisation)
        step.one.index_contacts()
    if changed:
        names = {name for step in changed for name in step.differs}
        fields = sorted(name.removesuffix("_id") for name in names)
        fields += [f"{name}_lookup" for name in ("phone", "email") if name in names]
        Observer.objects.bulk_update([step.one for step in changed if step.one], fields, batch_size=200)


def _create(steps: list[Step], organisations: Organisations) -> int:
    new = [step for step in steps if step.one is None]
    for step in new:
        person = step.person
        facts: dict[str, Any] = person.values | person.days
        facts["language"] = facts["language"] or organisations.language
        step.one = Observer(code=person.code, organisation=organisations.make(person.organisation), **facts)
        step.one.index_contacts()
    try:
        with transaction.atomic():
            Observer.objects.bulk_create([step.one for step in new if step.one], batch_size=BATCH)
    except IntegrityError:  # somebody has just taken one of the codes
        raise Outdated from None
    return len(new)


def _join(election: Election, steps: list[Step]) -> int:
    """Takes on for this election whoever is not yet, sent somewhere or not."""
    through = Observer.elections.through
    new = sorted(step.one.pk for step in steps if step.one is not None and step.joins)
    links = [through(observer_id=pk, election_id=election.pk) for pk in new]
    through.objects.bulk_create(links, batch_size=BATCH, ignore_conflicts=True)
    return len(new)


def observers_ask_anew(*, election: Election, keys: list[int], now: datetime) -> None:
    """Of those who were just taken on, whoever comes from another election is asked anew: what they consented to there says nothing here."""
    if not keys:
        return
    links = Observer.elections.through.objects.exclude(election=election)
    elsewhere = set(links.values_list("observer_id", flat=True)).intersection(keys)
    asked = [Consent(observer_id=key, election=election, asked_at=now) for key in sorted(elsewhere)]
    Consent.objects.bulk_create(asked, batch_size=BATCH, ignore_conflicts=True)


def _assign(election: Election, steps: list[Step]) -> int:
    """Sends people where they are not sent yet; a role that the file names replaces another."""
    new: list[tuple[Assignment, Observer]] = []
    roles: list[tuple[Assignment, str]] = []
    for step in steps:
        assert step.one is not None
        usual = Assignment.Role.MOBILE if len(step.person.commissions) > 1 else Assignment.Role.STATIONARY
        for place in step.send:
            role = step.person.role or usual
            new.append((Assignment(election=election, commission=place, role=role), step.one))
        roles += [(there, step.person.role) for there in step.roles]
    rows_hold([there for there, _role in roles], ("role",))
    for there, role in roles:
        there.role = role
    Assignment.objects.bulk_create([assignment for assignment, _one in new], batch_size=BATCH)
    through = Assignment.observers.through
    links = [through(assignment_id=assignment.pk, observer_id=one.pk) for assignment, one in new]
    through.objects.bulk_create(links, batch_size=BATCH)
    if roles:
        Assignment.objects.bulk_update([there for there, _role in roles], ["role"], batch_size=BATCH)
    return len(new) + len(roles)
