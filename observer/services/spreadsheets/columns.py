"""The columns of lists that can be imported.

They have codes, labels and help texts. The lists are commissions, observers and assignments.
A heading in a file may be the column's code or its label in any language of the desk. A column that exists once for
each language, like `name_kk`, may also be written "Name (kk)".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from observer.services.spreadsheets.tables import SheetLines, Table, build_table

Label = str | Promise
LANGUAGE_SUFFIX_PATTERN = re.compile(r"(.+?)\s*\(\s*([a-z]{2,3}(?:-\w+)?)\s*\)")


@dataclass(frozen=True)
class Columns:
    """The columns of one list.

    `labels` has for each code the label and a help text.
    """

    kind: str
    title: Label
    required: tuple[str, ...]
    labels: Mapping[str, tuple[Label, Label]]
    prefixes: tuple[str, ...] = ()  # columns that exist once for each language
    extra_labels: Mapping[str, Label] = field(default_factory=dict)  # of fields that are no columns of the file

    def build_table(self, sheet: SheetLines) -> Table:
        """The rows of an uploaded sheet, by these columns."""
        optional = [one for one in self.labels if one not in self.required]
        return build_table(
            sheet=sheet,
            required=self.required,
            optional=optional,
            prefixes=self.prefixes,
            heading_to_column=self.find_column,
        )

    def find_column(self, heading: str) -> str:
        """The code of the column with this heading.

        The normalized heading where it is unknown.
        """
        normalized = _normalize_heading(heading)
        known = _load_known_headings(self.kind)
        found = LANGUAGE_SUFFIX_PATTERN.fullmatch(normalized)
        if found and (prefix := known.get(found[1], found[1])) in self.prefixes:
            return f"{prefix}_{found[2]}"
        return known.get(normalized, normalized)

    def get_label(self, column: str) -> str:
        """The label of a column in the current language."""
        if column in self.labels:
            return str(self.labels[column][0])
        prefix, _separator, language = column.partition("_")
        if prefix in self.prefixes:
            return f"{self.labels[prefix][0]} ({language})"
        return str(self.extra_labels.get(column, column))


def _normalize_heading(heading: str) -> str:
    return " ".join(heading.casefold().split())


@lru_cache(maxsize=8)
def _load_known_headings(kind: str) -> dict[str, str]:
    """The codes of the columns by normalized heading.

    Headings in all languages of the desk are included.
    """
    columns = COLUMNS_BY_KIND[kind]
    found: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            for code, (label, _help) in columns.labels.items():
                found.setdefault(_normalize_heading(str(label)), code)
    return found | {code: code for code in columns.labels}


COMMISSION_COLUMNS = Columns(
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
OBSERVER_COLUMNS = Columns(
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
    extra_labels={"elections": _("Takes part in this election")},
)
ASSIGNMENT_COLUMNS = Columns(
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
COLUMNS_BY_KIND: dict[str, Columns] = {
    one.kind: one for one in (COMMISSION_COLUMNS, OBSERVER_COLUMNS, ASSIGNMENT_COLUMNS)
}
