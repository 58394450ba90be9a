"""Opening an uploaded XLSForm workbook (.xlsx).

Its size is limited, pyxform reads it, and every problem names sheet, row and column.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _
from pyxform import aliases
from pyxform.errors import PyXFormError
from pyxform.parsing.sheet_headers import dealias_and_group_headers
from pyxform.question import MultipleChoiceQuestion, Option
from pyxform.survey import Survey
from pyxform.xls2json_backends import get_xlsform

from observer.services.spreadsheets.tables import BadLine, BadTable

MAX_WORKBOOK_BYTES = 5_000_000
MAX_UNPACKED_BYTES = 60_000_000
MAX_ROWS = 20_000
ALL_LANGUAGES = ""  # the language of a text that names no language
_LANGUAGE_CODE_PATTERN = re.compile(r".*\(\s*([A-Za-z]{2,3}(?:-\w+)?)\s*\)\s*")
_ROW_PATTERN = re.compile(r"\[row : (\d+)\]\s*")
UNSUPPORTED_SHEETS = ("entities", "external_choices", "osm")
Row = Mapping[str, Any]


@dataclass(slots=True)
class WorkbookSheets:
    """A workbook's rows, with aliases resolved and translations grouped, and its problems."""

    file: str
    survey: Sequence[Row] = ()
    choices: Sequence[Row] = ()
    settings: Row = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)

    def add_problem(self, sheet: str, line: int, reason: str, column: str = "") -> None:
        where = _("column %(column)s: %(reason)s") % {"column": column, "reason": reason} if column else reason
        self.bad.append(BadLine(_("%(file)s, sheet %(sheet)s") % {"file": self.file, "sheet": sheet}, line, where))

    def add_converter_error(self, error: PyXFormError) -> None:
        """Adds an error of the reference converter (pyxform).

        With the row where the error names one.
        """
        found = _ROW_PATTERN.search(str(error))
        self.add_problem("survey", int(found[1]) if found else 0, _ROW_PATTERN.sub("", str(error)))


def read_sheets(*, source: bytes, file: str) -> WorkbookSheets:
    """Reads the sheets of a workbook.

    Raises BadTable where it is no XLSForm workbook.
    """
    _check_size(source, file)
    sheets = WorkbookSheets(file)
    try:
        book = get_xlsform(io.BytesIO(source), file_type=".xlsx")
        settings_row: Row = next(iter(book.settings or ()), {})
        language = str(settings_row.get("default_language") or ALL_LANGUAGES)
        options: dict[str, Any] = {"default_language": language}
        sheets.settings = _read_sheet("settings", book, aliases.settings_header, Survey, {})[0] if settings_row else {}
        sheets.survey = _read_sheet("survey", book, aliases.survey_header, MultipleChoiceQuestion, options)
        sheets.choices = _read_sheet("choices", book, aliases.list_header, Option, options)
    except PyXFormError as error:
        sheets.add_converter_error(error)
        raise BadTable(sheets.bad) from None
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as error:  # a damaged workbook, possibly on purpose
        raise BadTable([BadLine(file, 0, _("cannot be read: %(why)s") % {"why": type(error).__name__})]) from None
    for name in UNSUPPORTED_SHEETS:
        if getattr(book, name):
            sheets.add_problem(name, 0, _("this sheet is not supported"))
    if len(sheets.survey) + len(sheets.choices) > MAX_ROWS:
        raise BadTable([BadLine(file, 0, _("has more than %(most)d rows") % {"most": MAX_ROWS})])
    return sheets


def _read_sheet(
    name: str, book: Any, headers: Mapping[str, Any], kind: Any, options: Mapping[str, Any]
) -> Sequence[Row]:
    data = getattr(book, name)
    if not data:
        return ()
    found = dealias_and_group_headers(
        sheet_name=name,
        sheet_data=data,
        sheet_header=getattr(book, f"{name}_header") or [],
        header_aliases=headers,
        header_columns=set(kind.get_slot_names()),
        **options,
    )
    rows: Sequence[Row] = found.data
    return rows


def _check_size(source: bytes, file: str) -> None:
    """Raises BadTable for a file that is too large or no zip.

    The size is limited packed and unpacked.
    """
    reason = ""
    if len(source) > MAX_WORKBOOK_BYTES:
        reason = _("is larger than %(most)d bytes") % {"most": MAX_WORKBOOK_BYTES}
    else:
        try:
            with zipfile.ZipFile(io.BytesIO(source)) as archive:
                if (
                    sum(one.file_size for one in archive.infolist()) > MAX_UNPACKED_BYTES
                    or len(archive.infolist()) > 1_000
                ):
                    reason = _("unpacks to more than any form")
        except zipfile.BadZipFile:
            reason = _("is no .xlsx workbook")
    if reason:
        raise BadTable([BadLine(file, 0, reason)])


def parse_language(column: str) -> str:
    """Parses the name of a language in an XLSForm.

    `Қазақша (kk)`, `kk` and `Kazakh` give `kk`. Returns ALL_LANGUAGES where it names none, and "?" for
    an unknown one.
    """
    if column in (ALL_LANGUAGES, "default"):
        return ALL_LANGUAGES
    found = _LANGUAGE_CODE_PATTERN.fullmatch(column)
    if found:
        return found[1].lower()
    name = column.strip().casefold()
    known = {code.casefold(): code for code in LANG_INFO}
    known |= {
        info[key].casefold(): code for code, info in LANG_INFO.items() for key in ("name", "name_local") if key in info
    }
    known |= {str(words).casefold(): code for code, words in settings.LANGUAGES}
    return known.get(name, "?")
