"""One line of an import as a person's values, or what is wrong with it, without repeating what names a person."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify
from django.utils.translation import gettext as _

from observer.models import Assignment, Commission, Organisation
from observer.services.spreadsheets.tables import Row, Table, code_problem

PHONE = re.compile(r"\+?[\d\s().\-]{5,30}", re.ASCII)
PLACES_MAX = 50  # where one person can be sent
DAYS = ("%Y-%m-%d", "%d.%m.%Y")
PROTECTED = ("name", "phone", "email", "accreditation_number")
FIELDS = ("organisation_id", *PROTECTED, "language", "accredited_from", "accredited_until")


@dataclass(slots=True)
class Person:
    """One row that was read. An empty cell says nothing: what is stored stays."""

    line: int
    code: str
    organisation: str
    values: dict[str, str]  # name, phone, language …; empty where the cell is
    days: dict[str, date | None]
    commissions: list[Commission] = field(default_factory=list)
    placed: bool = False  # whether the line names any place, known or not
    role: str = ""


def people_read(table: Table, commissions: Mapping[str, Commission], languages: Iterable[str]) -> list[Person]:
    """The table's rows; complains of every cell that cannot be."""
    if not table.rows and not table.bad:
        table.complain(0, _("has no rows"))
    seen: dict[str, int] = {}
    people = []
    for row in table.rows:
        _check(table, row, languages, seen)
        person = Person(
            line=row.line,
            code=row["code"],
            organisation=row["organisation"],
            role=row["role"],
            placed=bool(row["commissions"]),
            values={name: row[name] for name in (*PROTECTED, "language")},
            days={name: _day(table, row, name) for name in ("accredited_from", "accredited_until")},
        )
        first, last = person.days.values()
        if first and last and first > last:
            table.complain(row.line, _("ends before it begins"))
        codes = dict.fromkeys(part.strip() for part in row["commissions"].split(";"))
        if len(codes) > PLACES_MAX:
            table.complain(row.line, _("names more than %(most)d commissions") % {"most": PLACES_MAX})
            codes = {}
        for code in codes:
            if code in commissions:
                person.commissions.append(commissions[code])
            elif code:
                table.complain(row.line, _("commission %(code)s is unknown") % {"code": code[:80]})
        people.append(person)
    return people


def role_check(table: Table, row: Row) -> None:
    if row["role"] and row["role"] not in Assignment.Role.values:
        values = {"role": row["role"][:20], "known": ", ".join(Assignment.Role.values)}
        table.complain(row.line, _("role %(role)s is unknown; there are %(known)s") % values)


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
    role_check(table, row)
    if row["email"]:
        try:
            validate_email(row["email"])
        except ValidationError:
            table.complain(row.line, _("the e-mail is not an address"))


def _day(table: Table, row: Row, column: str) -> date | None:
    for shape in DAYS:
        try:
            return datetime.strptime(row[column], shape).date()
        except ValueError:
            continue
    if row[column]:
        table.complain(row.line, _("%(column)s is not a date like 2026-11-20") % {"column": column})
    return None


class Organisations:
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
