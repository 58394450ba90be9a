"""Reading and checking the lines of an observer import.

The texts of problems never repeat a name, phone or e-mail.
"""

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
from observer.services.spreadsheets.tables import Row, Table, find_code_problem

PHONE_PATTERN = re.compile(r"\+?[\d\s().\-]{5,30}", re.ASCII)
MAX_COMMISSIONS_PER_ROW = 50
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y")
PROTECTED_FIELDS = ("name", "phone", "email", "accreditation_number")
COMPARED_FIELDS = ("organisation_id", *PROTECTED_FIELDS, "language", "accredited_from", "accredited_until")


@dataclass(slots=True)
class ObserverRow:
    """One row of the file.

    An empty cell leaves the stored value unchanged.
    """

    line: int
    code: str
    organisation: str
    values: dict[str, str]  # name, phone, language …; "" for an empty cell
    days: dict[str, date | None]
    commissions: list[Commission] = field(default_factory=list)
    names_commissions: bool = False  # whether the line names any commission, known or not
    role: str = ""


def read_observer_rows(
    table: Table, commissions: Mapping[str, Commission], languages: Iterable[str]
) -> list[ObserverRow]:
    """The rows of the table.

    Adds a problem for every cell that is not valid.
    """
    if not table.rows and not table.bad:
        table.add_problem(0, _("has no rows"))
    seen: dict[str, int] = {}
    people = []
    for row in table.rows:
        _check_row(table, row, languages, seen)
        person = ObserverRow(
            line=row.line,
            code=row["code"],
            organisation=row["organisation"],
            role=row["role"],
            names_commissions=bool(row["commissions"]),
            values={name: row[name] for name in (*PROTECTED_FIELDS, "language")},
            days={name: _parse_date(table, row, name) for name in ("accredited_from", "accredited_until")},
        )
        first, last = person.days.values()
        if first and last and first > last:
            table.add_problem(row.line, _("ends before it begins"))
        codes = dict.fromkeys(part.strip() for part in row["commissions"].split(";"))
        if len(codes) > MAX_COMMISSIONS_PER_ROW:
            table.add_problem(row.line, _("names more than %(most)d commissions") % {"most": MAX_COMMISSIONS_PER_ROW})
            codes = {}
        for code in codes:
            if code in commissions:
                person.commissions.append(commissions[code])
            elif code:
                table.add_problem(row.line, _("commission %(code)s is unknown") % {"code": code[:80]})
        people.append(person)
    return people


def check_role(table: Table, row: Row) -> None:
    """Adds a problem if the row names an unknown role."""
    if row["role"] and row["role"] not in Assignment.Role.values:
        values = {"role": row["role"][:20], "known": ", ".join(Assignment.Role.values)}
        table.add_problem(row.line, _("role %(role)s is unknown; there are %(known)s") % values)


def _check_row(table: Table, row: Row, languages: Iterable[str], seen: dict[str, int]) -> None:
    """Adds a problem for each invalid cell of the row.

    `seen` has the lines of earlier codes.
    """
    code = row["code"]
    if code and (reason := find_code_problem(code, 40)):
        table.add_problem(row.line, reason)
    elif code and seen.setdefault(code, row.line) != row.line:
        values = {"code": code, "line": seen[code]}
        table.add_problem(row.line, _("code %(code)s was already in line %(line)d") % values)
    if not code and not row["name"] and not row["phone"]:
        table.add_problem(row.line, _("has neither code nor name nor phone"))
    phone = row["phone"]
    if phone and not (PHONE_PATTERN.fullmatch(phone) and 5 <= sum(c.isdigit() for c in phone) <= 15):
        table.add_problem(row.line, _("the phone is not a phone number"))
    if row["language"] and row["language"] not in languages:
        values = {"language": row["language"][:20], "known": ", ".join(languages)}
        table.add_problem(row.line, _("language %(language)s is unknown; there are %(known)s") % values)
    if not row["organisation"]:
        table.add_problem(row.line, _("the organisation is missing"))
    elif not slugify(row["organisation"], allow_unicode=True):
        table.add_problem(row.line, _("the organisation's name holds neither letters nor digits"))
    check_role(table, row)
    if row["email"]:
        try:
            validate_email(row["email"])
        except ValidationError:
            table.add_problem(row.line, _("the e-mail is not an address"))


def _parse_date(table: Table, row: Row, column: str) -> date | None:
    for date_format in DATE_FORMATS:
        try:
            return datetime.strptime(row[column], date_format).date()
        except ValueError:
            continue
    if row[column]:
        table.add_problem(row.line, _("%(column)s is not a date like 2026-11-20") % {"column": column})
    return None


class OrganisationIndex:
    """Finds organisations by code or name, and creates missing ones."""

    def __init__(self, languages: list[str]) -> None:
        self.language = languages[0] if languages else "en"
        self.known: dict[str, Organisation] = {}
        stored = list(Organisation.objects.all())
        for one in stored:
            for name in one.names.values():
                self.known.setdefault(self.make_key(name), one)
        self.known |= {self.make_key(one.code): one for one in stored}

    @staticmethod
    def make_key(cell: str) -> str:
        """A code of at most 40 characters.

        Two long names with the same beginning get different codes.
        """
        slug = slugify(cell, allow_unicode=True)
        return slug if len(slug) <= 40 else f"{slug[:31]}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"

    def get(self, cell: str) -> Organisation | None:
        """The organisation with this code or name, or None."""
        return self.known.get(self.make_key(cell))

    def get_or_create(self, cell: str) -> Organisation:
        """The organisation with this code or name, created if missing."""
        key = self.make_key(cell)
        if key not in self.known:
            self.known[key] = Organisation.objects.create(code=key, names={self.language: cell})
        return self.known[key]
