"""An empty workbook for a list: headings in the reader's language, and beside it one line on what goes into each column."""

import io
from collections.abc import Mapping

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

from observer.models import Election, Level
from observer.services.spreadsheets.columns import Columns, Word
from observer.words import in_language

WIDE = 24  # characters


def template_of(*, columns: Columns, election: Election, roles: Mapping[str, Word]) -> bytes:
    """The sheet that is read comes first; its cells are text, so that 0123 stays 0123. `roles`: their words by code."""
    book = Workbook()
    sheet = book.active
    sheet.title = str(columns.title)[:31]
    headings = _headings(columns, election)
    for now, (code, _help) in enumerate(headings, 1):
        cell = sheet.cell(1, now, columns.word(code))
        cell.font = Font(bold=True)
        letter = cell.column_letter
        sheet.column_dimensions[letter].width = WIDE
        sheet.column_dimensions[letter].number_format = "@"
    sheet.freeze_panes = "A2"
    told = book.create_sheet(_("What goes where")[:31])
    if columns.prefixes:  # places; of people an empty cell says nothing
        told.append([_("A column that is not in the file changes nothing; an empty cell empties what is stored.")])
    told.append([_("Column"), _("Code"), _("What goes in")])
    for code, words in headings:
        must = " " + _("Needed.") if code in columns.required else ""
        told.append([columns.word(code), code, words + must])
    for label, values in _values(columns, election, roles):
        told.append([])
        told.append([label])
        for code, words in values:
            told.append(["", code, words])
    for letter, width in (("A", WIDE), ("B", WIDE), ("C", 80)):
        told.column_dimensions[letter].width = width
    for row in told.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.data_type == "f":  # a name that begins with = is a name
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _headings(columns: Columns, election: Election) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for code, (_word, words) in columns.words.items():
        each = [f"{code}_{language}" for language in election.languages] if code in columns.prefixes else [code]
        found += [(one, str(words)) for one in each]
    return found


def _values(columns: Columns, election: Election, roles: Mapping[str, Word]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What cells may hold where there is a choice."""
    found = []
    if "level" in columns.words:
        levels = Level.objects.filter(election=election).order_by("order")
        found.append((columns.word("level"), [(one.code, in_language(one.names)) for one in levels]))
    if "language" in columns.words:
        found.append((columns.word("language"), [(one, "") for one in election.languages]))
    if "role" in columns.words:
        found.append((columns.word("role"), [(code, str(word)) for code, word in roles.items()]))
    return found
