"""Reading .xlsx workbooks into lines of text, within limits on size.

The size is checked before anything is kept in memory. Formulas are never evaluated, and their stored results are not
used: each cell must have the value itself. In its read-only mode openpyxl does not report merged cells and hidden
rows, so the sheet's XML is scanned for them.
"""

import io
import re
import struct
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from observer.services.spreadsheets.tables import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_ROWS,
    BadLine,
    BadTable,
    SheetLines,
)

MAX_UNPACKED_BYTES = 60_000_000  # of all parts together
MAX_COMPRESSION_RATIO = 200  # of one part; parts up to a million bytes are exempt
MAX_PARTS = 500
MAX_TAGS_PER_PART = 2_500_000  # each tag becomes an object when it is parsed
MAX_MERGED_RANGES = 1_000
CHUNK_BYTES = 64 * 1024
OVERLAP_BYTES = 512  # kept from one chunk to the next, so that a tag across two chunks is found
MERGED_CELLS_PATTERN = re.compile(
    rb'<(?:\w+:)?mergeCell\b[^<>]{0,200}?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"'
)
HIDDEN_ROW_PATTERN = re.compile(rb"<(?:\w+:)?row\b(?=[^<>]{0,400}?\bhidden=\"(?:1|true)\")")
# What openpyxl and the libraries below it raise for a workbook that is damaged, by chance or on purpose.
DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    InvalidFileException,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,
)


def read_workbook(*, source: bytes, sheet: SheetLines) -> None:
    """Fills `sheet` from the workbook's first visible sheet.

    Raises BadTable for a file that is no workbook.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            _check_size(archive, sheet)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = load_workbook(io.BytesIO(source), read_only=True, keep_links=False)
                _fill_lines(book, archive, sheet)
    except DAMAGE_ERRORS:
        raise _make_error(sheet, _("is damaged or was cut off: save it again and upload it whole")) from None


def _make_error(sheet: SheetLines, reason: str) -> BadTable:
    return BadTable([BadLine(sheet.file, 0, reason)])


def _check_size(archive: zipfile.ZipFile, sheet: SheetLines) -> None:
    """Checks the sizes of the workbook's parts. Raises BadTable.

    It checks the declared sizes first, then the real ones, in constant memory.
    """
    parts = archive.infolist()
    names = {one.filename for one in parts}
    if "mimetype" in names and "content.xml" in names:
        raise _make_error(sheet, _("is an OpenDocument file (.ods): save it as .xlsx"))
    if not any(name.endswith("workbook.xml") for name in names):
        raise _make_error(sheet, _("is no .xlsx workbook"))
    if any(one.flag_bits & 1 for one in parts):
        raise _make_error(sheet, _("is locked by a password: save it without one"))
    too_large = sum(one.file_size for one in parts) > MAX_UNPACKED_BYTES or len(parts) > MAX_PARTS
    too_dense = any(
        one.file_size > 1_000_000 and one.file_size > MAX_COMPRESSION_RATIO * max(1, one.compress_size) for one in parts
    )
    if too_large or too_dense:
        raise _make_error(sheet, _("unpacks to more than a list of %(most)d rows can be") % {"most": MAX_ROWS})
    for one in parts:
        tags = 0
        for chunk in _read_chunks(archive, one.filename):
            tags += chunk.count(b"<")
            if tags > MAX_TAGS_PER_PART:
                raise _make_error(sheet, _("unpacks to more than a list of %(most)d rows can be") % {"most": MAX_ROWS})
            if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                raise _make_error(sheet, _("is no .xlsx workbook"))


def _read_chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as part:
        while chunk := part.read(CHUNK_BYTES):
            yield chunk


def _fill_lines(book: Any, archive: zipfile.ZipFile, sheet: SheetLines) -> None:
    """Fills `sheet` from the first visible sheet of the workbook.

    It adds notes and problems too.
    """
    visible = [one for one in book.worksheets if one.sheet_state == "visible"]
    if not visible:
        raise _make_error(sheet, _("has no sheet with rows"))
    first = visible[0]
    if len(book.worksheets) > 1:
        others = ", ".join(one.title for one in book.worksheets if one is not first)
        values = {"name": first.title, "others": others[:200]}
        sheet.notes.append(_("Only the first sheet was read: %(name)s. Not read: %(others)s.") % values)
    merged, hidden = _scan_sheet_xml(archive, first._worksheet_path)
    if len(merged) > MAX_MERGED_RANGES:
        raise _make_error(sheet, _("has very many merged cells: split them"))
    if hidden:
        sheet.notes.append(_("Hidden rows were read like all others: %(number)d.") % {"number": hidden})
    first.reset_dimensions()
    blank: Any = None
    for number, cells in enumerate(first.iter_rows(max_col=MAX_COLUMNS + 1), 1):
        if cells is blank:  # openpyxl repeats one tuple for all empty rows before a cell far below
            continue
        texts = [_format_cell(cell, number, sheet) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            blank = cells
            continue
        if len(texts) > MAX_COLUMNS:
            raise _make_error(sheet, _("has more than %(most)d columns") % {"most": MAX_COLUMNS})
        if sheet.lines:  # rows end at their last cell; the header says how many cells there must be
            texts += [""] * (len(sheet.lines[0][1]) - len(texts))
        sheet.lines.append((number, texts))
        if len(sheet.lines) > MAX_ROWS + 1:
            raise _make_error(sheet, _("has more than %(most)d rows") % {"most": MAX_ROWS})
    for number, _cells in sheet.lines:
        cells = next((name for name, top, bottom in merged if top <= number <= bottom), "")
        if cells:
            sheet.add_problem(
                number, _("the cells %(cells)s are merged: split them, and fill in each") % {"cells": cells}
            )


def _scan_sheet_xml(archive: zipfile.ZipFile, path: str) -> tuple[list[tuple[str, int, int]], int]:
    """The merged ranges, and the number of hidden rows.

    Each range has its first and last row.
    """
    merged: dict[str, tuple[str, int, int]] = {}
    hidden, rest = 0, b""
    for chunk in _read_chunks(archive, path):
        text = rest + chunk
        cut = text.rfind(b"<")  # the last tag may continue in the next chunk
        complete, rest = (text[:cut], text[cut:]) if cut > 0 and len(text) - cut < OVERLAP_BYTES else (text, b"")
        for found in MERGED_CELLS_PATTERN.finditer(complete):
            name = b"%s%s:%s%s" % found.groups()
            merged[name.decode()] = (name.decode(), int(found[2]), int(found[4]))
        hidden += sum(1 for _found in HIDDEN_ROW_PATTERN.finditer(complete))
    return list(merged.values()), hidden


def _format_cell(cell: Any, row: int, sheet: SheetLines) -> str:
    """The cell's value as a person would type it.

    Formulas and errors are added to the problems.
    """
    kind, value = cell.data_type, cell.value
    if kind == "f":
        sheet.add_problem(
            row, _("cell %(cell)s holds a formula: put the value itself there") % {"cell": cell.coordinate}
        )
        return "="
    if kind == "e":
        sheet.add_problem(row, _("cell %(cell)s holds an error of the workbook") % {"cell": cell.coordinate})
        return "#"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, int | float):
        return _format_number(value, cell.number_format)
    return _normalize_text(str(value))


def _format_number(value: int | float, number_format: str) -> str:
    """The number as a person would type it.

    12.0 is 12, long numbers have no exponent, and 123 is 0123 if the number format is 0000.
    """
    exact = Decimal(repr(value))
    if exact == exact.to_integral_value():
        text = format(exact.quantize(Decimal(1)) if abs(exact) < Decimal(10) ** 20 else exact, "f")
        return text.zfill(len(number_format)) if re.fullmatch("0{2,30}", number_format or "") else text
    return format(exact, "f")


def _normalize_text(text: str) -> str:
    """Trimmed and in NFC, like cells of CSV."""
    # One character more than allowed is kept: a longer text is refused later by its length.
    return unicodedata.normalize("NFC", text[: MAX_CELL_CHARACTERS + 1]).strip()
