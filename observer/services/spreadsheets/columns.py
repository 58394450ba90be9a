"""The columns of the three lists that can be imported: their codes, the words people may write for them, what goes in.

A heading is known by its code or by its word in any language of the desk; of what comes once a language,
`name_kk` is also "Name (kk)".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from observer.services.spreadsheets.tables import Lines, Table, table_of

Word = str | Promise
IN_A_LANGUAGE = re.compile(r"(.+?)\s*\(\s*([a-z]{2,3}(?:-\w+)?)\s*\)")


@dataclass(frozen=True)
class Columns:
    """What one list may hold: each column's word, and one line that says what goes in."""

    kind: str
    title: Word
    required: tuple[str, ...]
    words: Mapping[str, tuple[Word, Word]]
    prefixes: tuple[str, ...] = ()
    others: Mapping[str, Word] = field(default_factory=dict)  # further words for columns

    def table_of(self, sheet: Lines) -> Table:
        plain = [one for one in self.words if one not in self.required]
        return table_of(sheet=sheet, required=self.required, optional=plain, prefixes=self.prefixes, named=self.column)

    def column(self, heading: str) -> str:
        """The code of a heading's column; the heading itself, in small letters, where it is unknown."""
        folded = _fold(heading)
        known = _known(self.kind)
        found = IN_A_LANGUAGE.fullmatch(folded)
        if found and (prefix := known.get(found[1], found[1])) in self.prefixes:
            return f"{prefix}_{found[2]}"
        return known.get(folded, folded)

    def word(self, column: str) -> str:
        """What a column is called in the reader's language."""
        if column in self.words:
            return str(self.words[column][0])
        prefix, _line, language = column.partition("_")
        if prefix in self.prefixes:
            return f"{self.words[prefix][0]} ({language})"
        return str(self.others.get(column, column))


def _fold(heading: str) -> str:
    return " ".join(heading.casefold().split())


@lru_cache(maxsize=8)
def _known(kind: str) -> dict[str, str]:
    columns = KINDS[kind]
    found: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            for code, (word, _help) in columns.words.items():
                found.setdefault(_fold(str(word)), code)
    return found | {code: code for code in columns.words}


COMMISSIONS = Columns(
    "commissions",
    _("Commissions"),
    ("code", "parent", "level"),
    {
        "code": (_("Code"), _("Short and unique in the election: letters, digits, dot, dash.")),
        "parent": (_("Higher commission"), _("The code of the one above; empty for the topmost only.")),
        "level": (_("Level"), _("The code or name of one of the election's levels.")),
        "name": (_("Name of the place"), _("One column a language.")),
        "address": (_("Address"), _("One column a language, or one without a language.")),
        "lat": (_("Latitude"), _("Degrees, like 43.238.")),
        "lon": (_("Longitude"), _("Degrees, like 76.945.")),
        "voters": (_("Voters"), _("How many are on the list; a whole number.")),
        "type": (_("Type"), _("ordinary, hospital, military, abroad …")),
        "timezone": (_("Time zone"), _("Only where it is not the election's, like Asia/Aqtobe.")),
        "external_id": (_("External number"), _("The same station in other elections; unique.")),
    },
    ("name", "address"),
)
OBSERVERS = Columns(
    "observers",
    _("Observers"),
    ("name", "phone", "language", "organisation"),
    {
        "code": (_("Code"), _("Of somebody known. Empty: a code is made.")),
        "name": (_("Name"), _("Kept encrypted, as phone, e-mail and accreditation number are.")),
        "phone": (_("Phone"), _("With the country's code, like +7 701 123 45 67.")),
        "email": (_("E-mail"), _("May be empty.")),
        "language": (_("Language"), _("The code of one of the election's languages.")),
        "organisation": (_("Organisation"), _("Its code or name.")),
        "commissions": (_("Commissions"), _("Codes of where they are sent, separated by semicolons.")),
        "role": (_("Role"), _("stationary, mobile or long_term.")),
        "accreditation_number": (_("Accreditation number"), _("May be empty.")),
        "accredited_from": (_("Accredited from"), _("A date, like 2026-11-20.")),
        "accredited_until": (_("Accredited until"), _("A date, the last day.")),
    },
    others={"elections": _("Takes part in this election")},
)
ASSIGNMENTS = Columns(
    "assignments",
    _("Assignments"),
    ("observer", "commission"),
    {
        "observer": (_("Observer"), _("The observer's code.")),
        "commission": (_("Commission"), _("Its code or external number.")),
        "role": (_("Role"), _("stationary, mobile or long_term.")),
        "starts_at": (_("Begins"), _("A date, or date and time by the clock of the place, like 2026-11-20 06:30.")),
        "ends_at": (_("Ends"), _("The same; a date alone is that whole day.")),
    },
)
KINDS: dict[str, Columns] = {one.kind: one for one in (COMMISSIONS, OBSERVERS, ASSIGNMENTS)}
