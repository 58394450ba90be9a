"""Importing observers, and where they are sent.

Names and phones are compared decrypted, so that the same file changes nothing. They are never in
a trail, an error or an output: a person is told by line or by code.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from observer.models import Assignment, Commission, Election, Observer, Organisation, User
from observer.services.commissions import election_lock
from observer.services.tables import Row, Table, code_problem, table_read
from observer.services.trail import trail_add

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, O, 1, I, which people mistake for each other
PHONE = re.compile(r"\+?[\d\s().\-]{5,30}", re.ASCII)
BATCH = 1000


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
class Person:
    """One row that was read. An empty name or phone says nothing: what is stored stays."""

    line: int
    code: str
    name: str
    phone: str
    language: str
    organisation: str
    commissions: list[Commission] = field(default_factory=list)
    role: str = ""


def observers_import(
    *, election: Election, source: bytes, file: str, at: datetime, user: User | None = None
) -> Imported:
    """Adds and updates observers from CSV: `code,name,phone,language,organisation[,commissions][,role]`.

    An empty code is generated; the observer of that organisation with the same name and phone is
    taken for the same. Commissions are codes separated by `;`; being sent somewhere is added, never
    taken away. A missing organisation is created. Whoever is named takes part in this election
    from then on. An observer whom the file does not name stays, and an empty cell keeps what is stored. Raises BadTable with every bad line, and has changed
    nothing then. The same file again changes nothing.
    """
    table = table_read(
        source=source, file=file, required=("code", "name", "phone", "language", "organisation"),
        optional=("commissions", "role"),
    )  # fmt: skip
    with transaction.atomic():
        election_lock(election)
        people = _people(table, election)
        observers = {one.code: one for one in Observer.objects.select_related("organisation")}
        organisations = _Organisations(election.languages)
        codes = _codes(table, people, observers, organisations)
        table.raise_if_bad()
        created, changed, phones = _write(people, observers, organisations)
        joined = _join(election, people, observers)
        assigned = _assign(election, people, observers)
        done = Imported(created, len(changed), len(people) - created - len(changed), assigned, codes, tuple(phones))
        if created or changed or joined or assigned:
            trail_add(
                action="observers.import", subject=election, at=at, user=user,
                detail={
                    "created": created, "changed": changed, "assigned": assigned,
                    "sha256": hashlib.sha256(source).hexdigest(),
                },
            )  # fmt: skip
    return done


def code_make(taken: Iterable[str]) -> str:
    """A fresh observer code like OB-7F3K; longer where the short ones run out."""
    known, length, tries = set(taken), 4, 0
    while True:
        code = "OB-" + "".join(secrets.choice(ALPHABET) for _ in range(length))
        if code not in known:
            return code
        tries += 1
        length = 4 + tries // 20


def _people(table: Table, election: Election) -> list[Person]:
    commissions = {one.code: one for one in Commission.objects.filter(election=election)}
    if not table.rows and not table.bad:
        table.complain(0, _("has no rows"))
    seen: dict[str, int] = {}
    people = []
    for row in table.rows:
        _check(table, row, election.languages, seen)
        person = Person(
            line=row.line, code=row["code"], name=row["name"], phone=row["phone"], language=row["language"],
            organisation=row["organisation"], role=row["role"],
        )  # fmt: skip
        for code in dict.fromkeys(part.strip() for part in row["commissions"].split(";")):
            if code in commissions:
                person.commissions.append(commissions[code])
            elif code:
                table.complain(row.line, _("commission %(code)s is unknown") % {"code": code[:80]})
        people.append(person)
    return people


def _check(table: Table, row: Row, languages: Iterable[str], seen: dict[str, int]) -> None:
    """Complains of a row's cells, without repeating what names a person."""
    code = row["code"]
    if code and (reason := code_problem(code, 40)):
        table.complain(row.line, reason)
    elif code and seen.setdefault(code, row.line) != row.line:
        values = {"code": code, "line": seen[code]}
        table.complain(row.line, _("code %(code)s was already in line %(line)d") % values)
    if not code and not row["name"] and not row["phone"]:
        table.complain(row.line, _("has neither code nor name nor phone"))
    phone = row["phone"]
    if phone and not (PHONE.fullmatch(phone) and 5 <= sum(c.isdigit() for c in phone) <= 15):
        table.complain(row.line, _("the phone is not a phone number"))
    if row["language"] and row["language"] not in languages:
        values = {"language": row["language"][:20], "known": ", ".join(languages)}
        table.complain(row.line, _("language %(language)s is unknown; there are %(known)s") % values)
    if not row["organisation"]:
        table.complain(row.line, _("the organisation is missing"))
    elif not slugify(row["organisation"], allow_unicode=True):
        table.complain(row.line, _("the organisation's name holds neither letters nor digits"))
    if row["role"] and row["role"] not in Assignment.Role.values:
        values = {"role": row["role"][:20], "known": ", ".join(Assignment.Role.values)}
        table.complain(row.line, _("role %(role)s is unknown; there are %(known)s") % values)


class _Organisations:
    """Organisations by code or by any of their names; the missing ones are made when they are needed."""

    def __init__(self, languages: list[str]) -> None:
        self.language = languages[0] if languages else "en"
        self.known: dict[str, Organisation] = {}
        stored = list(Organisation.objects.all())
        for one in stored:
            for name in one.names.values():
                self.known.setdefault(self.key(name), one)
        self.known |= {self.key(one.code): one for one in stored}

    @staticmethod
    def key(cell: str) -> str:
        """A code of at most 40 characters; two long names that begin alike keep apart."""
        slug = slugify(cell, allow_unicode=True)
        return slug if len(slug) <= 40 else f"{slug[:31]}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"

    def get(self, cell: str) -> Organisation | None:
        return self.known.get(self.key(cell))

    def make(self, cell: str) -> Organisation:
        key = self.key(cell)
        if key not in self.known:
            self.known[key] = Organisation.objects.create(code=key, names={self.language: cell})
        return self.known[key]


def _codes(
    table: Table, people: list[Person], observers: dict[str, Observer], organisations: _Organisations
) -> tuple[tuple[int, str], ...]:
    """Gives a code to those who have none: their own from before, or a fresh one. Returns the fresh by line."""
    nameless = [person for person in people if not person.code]
    if not nameless:
        return ()
    taken = set(observers) | {person.code for person in people}
    stored = {(one.organisation_id, one.name, one.phone): one.code for one in observers.values()}
    listed = {person.code for person in people}
    seen: dict[tuple[str, str, str], int] = {}
    fresh = []
    for person in nameless:
        organisation = organisations.get(person.organisation)
        same = (organisations.key(person.organisation), person.name, person.phone)
        known = stored.get((organisation.pk, person.name, person.phone)) if organisation else None
        if seen.setdefault(same, person.line) != person.line:
            table.complain(person.line, _("is the same person as line %(line)d") % {"line": seen[same]})
        elif known in listed:
            table.complain(person.line, _("is the same person as code %(code)s in this file") % {"code": known})
        elif known:
            person.code = known
        else:
            person.code = code_make(taken)
            taken.add(person.code)
            fresh.append((person.line, person.code))
    return tuple(fresh)


def _write(
    people: list[Person], observers: dict[str, Observer], organisations: _Organisations
) -> tuple[int, list[str], list[str]]:
    new: list[Observer] = []
    changed: list[Observer] = []
    phones: list[str] = []
    for person in people:
        organisation = organisations.make(person.organisation)
        one = observers.get(person.code)
        if one is None:
            one = Observer(
                code=person.code, organisation=organisation, name=person.name, phone=person.phone,
                language=person.language or organisations.language,
            )  # fmt: skip
            one.index_contacts()
            new.append(one)
            continue
        wanted = {"organisation": organisation, "name": person.name, "phone": person.phone, "language": person.language}
        differs = {name: value for name, value in wanted.items() if value and getattr(one, name) != value}
        if not differs:
            continue
        if "phone" in differs and one.phone:
            phones.append(one.code)
        for name, value in differs.items():
            setattr(one, name, value)
        one.index_contacts()
        changed.append(one)
    for one in Observer.objects.bulk_create(new, batch_size=BATCH):
        observers[one.code] = one
    if changed:
        fields = ["organisation", "name", "phone", "phone_lookup", "language"]
        Observer.objects.bulk_update(changed, fields, batch_size=200)
    return len(new), [one.code for one in changed], phones


def _join(election: Election, people: list[Person], observers: dict[str, Observer]) -> int:
    """Takes on for this election whoever is not yet, sent somewhere or not."""
    through = Observer.elections.through
    known = set(through.objects.filter(election=election).values_list("observer_id", flat=True))
    new = {observers[person.code].pk for person in people} - known
    through.objects.bulk_create(
        [through(observer_id=pk, election_id=election.pk) for pk in sorted(new)], batch_size=BATCH
    )
    return len(new)


def _assign(election: Election, people: list[Person], observers: dict[str, Observer]) -> int:
    """Sends people where they are not sent yet; a role that the file names replaces another, but not a team's."""
    sent: dict[tuple[int, int], Assignment] = {}
    team: dict[int, int] = {}
    through = Assignment.observers.through
    for link in through.objects.filter(assignment__election=election).select_related("assignment"):
        sent[link.observer_id, link.assignment.commission_id] = link.assignment
        team[link.assignment_id] = team.get(link.assignment_id, 0) + 1
    new: list[tuple[Assignment, Observer]] = []
    roles: list[Assignment] = []
    for person in people:
        one = observers[person.code]
        usual = Assignment.Role.MOBILE if len(person.commissions) > 1 else Assignment.Role.STATIONARY
        for commission in person.commissions:
            there = sent.get((one.pk, commission.pk))
            if there is None:
                role = person.role or usual
                new.append((Assignment(election=election, commission=commission, role=role), one))
            elif person.role and there.role != person.role and team[there.pk] == 1:
                there.role = person.role
                roles.append(there)
    Assignment.objects.bulk_create([assignment for assignment, _one in new], batch_size=BATCH)
    links = [through(assignment_id=assignment.pk, observer_id=one.pk) for assignment, one in new]
    through.objects.bulk_create(links, batch_size=BATCH)
    if roles:
        Assignment.objects.bulk_update(roles, ["role"], batch_size=BATCH)
    return len(new) + len(roles)
