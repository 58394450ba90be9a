"""Opening an .xlsx that somebody made: within bounds, read by pyxform, every complaint with sheet, row and column."""

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

FILE_MAX = 5_000_000  # bytes
UNPACKED_MAX = 60_000_000
ROWS_MAX = 20_000
EVERY = ""  # the language of a text that names none
_LANGUAGE = re.compile(r".*\(\s*([A-Za-z]{2,3}(?:-\w+)?)\s*\)\s*")
_ROW = re.compile(r"\[row : (\d+)\]\s*")
UNSUPPORTED = ("entities", "external_choices", "osm")
Row = Mapping[str, Any]


@dataclass(slots=True)
class Sheets:
    """A workbook's rows with aliases undone and translations grouped, and what was found wrong with them."""

    file: str
    survey: Sequence[Row] = ()
    choices: Sequence[Row] = ()
    settings: Row = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)

    def complain(self, sheet: str, line: int, reason: str, column: str = "") -> None:
        where = _("column %(column)s: %(reason)s") % {"column": column, "reason": reason} if column else reason
        self.bad.append(BadLine(_("%(file)s, sheet %(sheet)s") % {"file": self.file, "sheet": sheet}, line, where))

    def refused_by(self, error: PyXFormError) -> None:
        """What the reference converter says, with the row where it names one."""
        found = _ROW.search(str(error))
        self.complain("survey", int(found[1]) if found else 0, _ROW.sub("", str(error)))


def sheets_read(*, source: bytes, file: str) -> Sheets:
    """Raises BadTable where this is no workbook of this kind."""
    _bounded(source, file)
    sheets = Sheets(file)
    try:
        book = get_xlsform(io.BytesIO(source), file_type=".xlsx")
        given: Row = next(iter(book.settings or ()), {})
        language = str(given.get("default_language") or EVERY)
        options: dict[str, Any] = {"default_language": language}
        sheets.settings = _read("settings", book, aliases.settings_header, Survey, {})[0] if given else {}
        sheets.survey = _read("survey", book, aliases.survey_header, MultipleChoiceQuestion, options)
        sheets.choices = _read("choices", book, aliases.list_header, Option, options)
    except PyXFormError as error:
        sheets.refused_by(error)
        raise BadTable(sheets.bad) from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # a workbook damaged on purpose
        raise BadTable([BadLine(file, 0, _("cannot be read: %(why)s") % {"why": type(error).__name__})]) from None
    for name in UNSUPPORTED:
        if getattr(book, name):
            sheets.complain(name, 0, _("this sheet is not supported"))
    if len(sheets.survey) + len(sheets.choices) > ROWS_MAX:
        raise BadTable([BadLine(file, 0, _("has more than %(most)d rows") % {"most": ROWS_MAX})])
    return sheets


def _read(name: str, book: Any, headers: Mapping[str, Any], kind: Any, options: Mapping[str, Any]) -> Sequence[Row]:
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


def _bounded(source: bytes, file: str) -> None:
    """Refuses what is no zip, or one that unpacks to more than any form."""
    reason = ""
    if len(source) > FILE_MAX:
        reason = _("is larger than %(most)d bytes") % {"most": FILE_MAX}
    else:
        try:
            with zipfile.ZipFile(io.BytesIO(source)) as archive:
                if sum(one.file_size for one in archive.infolist()) > UNPACKED_MAX or len(archive.infolist()) > 1_000:
                    reason = _("unpacks to more than any form")
        except zipfile.BadZipFile:
            reason = _("is no .xlsx workbook")
    if reason:
        raise BadTable([BadLine(file, 0, reason)])


def language_of(column: str) -> str:
    """The code of a language as XLSForms name it (`Қазақша (kk)`, `kk`, `Kazakh`), EVERY for none, or None-like "?"."""
    if column in (EVERY, "default"):
        return EVERY
    found = _LANGUAGE.fullmatch(column)
    if found:
        return found[1].lower()
    name = column.strip().casefold()
    known = {code.casefold(): code for code in LANG_INFO}
    known |= {
        info[key].casefold(): code for code, info in LANG_INFO.items() for key in ("name", "name_local") if key in info
    }
    known |= {str(words).casefold(): code for code, words in settings.LANGUAGES}
    return known.get(name, "?")
