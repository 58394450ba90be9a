"""Empty workbooks for lists, with headings and explanations.

A second sheet explains each column.
"""

import io
from collections.abc import Mapping

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

from observer.models import Election, Level
from observer.services.spreadsheets.columns import Columns, Label
from observer.words import get_translation

COLUMN_WIDTH = 24  # in characters


def build_template(*, columns: Columns, election: Election, roles: Mapping[str, Label]) -> bytes:
    """Builds an .xlsx file with headings in the current language.

    The first sheet is the one that is read on import. Its cells have the format text, so that 0123 stays 0123.
    `roles` are the labels of the observers' roles by code.
    """
    book = Workbook()
    sheet = book.active
    sheet.title = str(columns.title)[:31]
    headings = _list_headings(columns, election)
    for number, (code, _help) in enumerate(headings, 1):
        cell = sheet.cell(1, number, columns.get_label(code))
        cell.font = Font(bold=True)
        letter = cell.column_letter
        sheet.column_dimensions[letter].width = COLUMN_WIDTH
        sheet.column_dimensions[letter].number_format = "@"
    sheet.freeze_panes = "A2"
    help_sheet = book.create_sheet(_("What goes where")[:31])
    if columns.prefixes:  # only for commissions: an empty cell of an observer or assignment changes nothing
        help_sheet.append(
            [_("A column that is not in the file changes nothing; an empty cell empties what is stored.")]
        )
    help_sheet.append([_("Column"), _("Code"), _("What goes in")])
    for code, help_text in headings:
        needed = " " + _("Needed.") if code in columns.required else ""
        help_sheet.append([columns.get_label(code), code, help_text + needed])
    for label, values in _list_choices(columns, election, roles):
        help_sheet.append([])
        help_sheet.append([label])
        for code, value_label in values:
            help_sheet.append(["", code, value_label])
    for letter, width in (("A", COLUMN_WIDTH), ("B", COLUMN_WIDTH), ("C", 80)):
        help_sheet.column_dimensions[letter].width = width
    for row in help_sheet.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.data_type == "f":  # openpyxl takes a text that begins with = for a formula
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _list_headings(columns: Columns, election: Election) -> list[tuple[str, str]]:
    """The columns' codes with their help texts.

    Codes with a prefix once for each language of the election.
    """
    found: list[tuple[str, str]] = []
    for code, (_label, help_text) in columns.labels.items():
        codes = [f"{code}_{language}" for language in election.languages] if code in columns.prefixes else [code]
        found += [(one, str(help_text)) for one in codes]
    return found


def _list_choices(
    columns: Columns, election: Election, roles: Mapping[str, Label]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices of the columns that have fixed choices.

    For each such column: its label, and codes with labels of the choices.
    """
    found = []
    if "level" in columns.labels:
        levels = Level.objects.filter(election=election).order_by("order")
        found.append((columns.get_label("level"), [(one.code, get_translation(one.names)) for one in levels]))
    if "language" in columns.labels:
        found.append((columns.get_label("language"), [(one, "") for one in election.languages]))
    if "role" in columns.labels:
        found.append((columns.get_label("role"), [(code, str(label)) for code, label in roles.items()]))
    return found
