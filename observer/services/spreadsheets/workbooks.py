"""An .xlsx that somebody made, read into lines of text, with its size known before anything of it is kept.

A formula is never evaluated, nor is the value taken that a program last saw in it: what stands in the file
must be what was meant. Beyond openpyxl's own reading, the sheet's XML is looked through for what it does not
tell in this mode: merged cells and hidden rows.
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

from observer.services.spreadsheets.tables import CELL_MAX, COLUMNS_MAX, ROWS_MAX, BadLine, BadTable, Lines

UNPACKED_MAX = 60_000_000  # bytes of all parts together
RATIO_MAX = 200  # how often smaller than its content a part may be, beyond the first million bytes
PARTS_MAX = 500
TAGS_MAX = 2_500_000  # of one part: each becomes an object when it is parsed
MERGED_MAX = 1_000
PIECE = 64 * 1024
OVERLAP = 512  # a tag that lies across two pieces is seen whole in the second
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^<>]{0,200}?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
HIDDEN = re.compile(rb"<(?:\w+:)?row\b(?=[^<>]{0,400}?\bhidden=\"(?:1|true)\")")
# What openpyxl and the parts below it raise for a workbook that is damaged, by chance or on purpose.
DAMAGED = (
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


def workbook_read(*, source: bytes, sheet: Lines) -> None:
    """Fills `sheet` from the first visible sheet. Raises BadTable where the file as a whole is no workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            _bound(archive, sheet)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = load_workbook(io.BytesIO(source), read_only=True, keep_links=False)
                _fill(book, archive, sheet)
    except DAMAGED:
        raise _refused(sheet, _("is damaged or was cut off: save it again and upload it whole")) from None


def _refused(sheet: Lines, reason: str) -> BadTable:
    return BadTable([BadLine(sheet.file, 0, reason)])


def _bound(archive: zipfile.ZipFile, sheet: Lines) -> None:
    """Refuses by what the file says of itself, then counts what really comes out, in constant memory."""
    parts = archive.infolist()
    names = {one.filename for one in parts}
    if "mimetype" in names and "content.xml" in names:
        raise _refused(sheet, _("is an OpenDocument file (.ods): save it as .xlsx"))
    if not any(name.endswith("workbook.xml") for name in names):
        raise _refused(sheet, _("is no .xlsx workbook"))
    if any(one.flag_bits & 1 for one in parts):
        raise _refused(sheet, _("is locked by a password: save it without one"))
    too_large = sum(one.file_size for one in parts) > UNPACKED_MAX or len(parts) > PARTS_MAX
    dense = any(one.file_size > 1_000_000 and one.file_size > RATIO_MAX * max(1, one.compress_size) for one in parts)
    if too_large or dense:
        raise _refused(sheet, _("unpacks to more than a list of %(most)d rows can be") % {"most": ROWS_MAX})
    for one in parts:
        tags = 0
        for piece in _pieces(archive, one.filename):
            tags += piece.count(b"<")
            if tags > TAGS_MAX:
                raise _refused(sheet, _("unpacks to more than a list of %(most)d rows can be") % {"most": ROWS_MAX})
            if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
                raise _refused(sheet, _("is no .xlsx workbook"))


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            yield piece


def _fill(book: Any, archive: zipfile.ZipFile, sheet: Lines) -> None:
    shown = [one for one in book.worksheets if one.sheet_state == "visible"]
    if not shown:
        raise _refused(sheet, _("has no sheet with rows"))
    first = shown[0]
    if len(book.worksheets) > 1:
        others = ", ".join(one.title for one in book.worksheets if one is not first)
        values = {"name": first.title, "others": others[:200]}
        sheet.notes.append(_("Only the first sheet was read: %(name)s. Not read: %(others)s.") % values)
    merged, hidden = _look_through(archive, first._worksheet_path)
    if len(merged) > MERGED_MAX:
        raise _refused(sheet, _("has very many merged cells: split them"))
    if hidden:
        sheet.notes.append(_("Hidden rows were read like all others: %(number)d.") % {"number": hidden})
    first.reset_dimensions()
    blank: Any = None
    for number, cells in enumerate(first.iter_rows(max_col=COLUMNS_MAX + 1), 1):
        if cells is blank:  # one tuple stands for each of the rows before a cell far below
            continue
        texts = [_text(cell, number, sheet) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            blank = cells
            continue
        if len(texts) > COLUMNS_MAX:
            raise _refused(sheet, _("has more than %(most)d columns") % {"most": COLUMNS_MAX})
        if sheet.lines:  # rows end where their last cell is; the header says how many there are
            texts += [""] * (len(sheet.lines[0][1]) - len(texts))
        sheet.lines.append((number, texts))
        if len(sheet.lines) > ROWS_MAX + 1:
            raise _refused(sheet, _("has more than %(most)d rows") % {"most": ROWS_MAX})
    for number, _cells in sheet.lines:
        cells = next((name for name, top, bottom in merged if top <= number <= bottom), "")
        if cells:
            sheet.complain(number, _("the cells %(cells)s are merged: split them, and fill in each") % {"cells": cells})


def _look_through(archive: zipfile.ZipFile, path: str) -> tuple[list[tuple[str, int, int]], int]:
    """The merged ranges with their first and last rows, and how many rows are hidden."""
    merged: dict[str, tuple[str, int, int]] = {}
    hidden, before = 0, b""
    for piece in _pieces(archive, path):
        text = before + piece
        cut = text.rfind(b"<")  # the last tag may go on in the next piece
        whole, before = (text[:cut], text[cut:]) if cut > 0 and len(text) - cut < OVERLAP else (text, b"")
        for found in MERGED.finditer(whole):
            name = b"%s%s:%s%s" % found.groups()
            merged[name.decode()] = (name.decode(), int(found[2]), int(found[4]))
        hidden += sum(1 for _found in HIDDEN.finditer(whole))
    return list(merged.values()), hidden


def _text(cell: Any, row: int, sheet: Lines) -> str:
    """The cell as a person would have typed it; complains of what is no plain value."""
    kind, value = cell.data_type, cell.value
    if kind == "f":
        sheet.complain(row, _("cell %(cell)s holds a formula: put the value itself there") % {"cell": cell.coordinate})
        return "="
    if kind == "e":
        sheet.complain(row, _("cell %(cell)s holds an error of the workbook") % {"cell": cell.coordinate})
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
        return _number(value, cell.number_format)
    return _plain(str(value))


def _number(value: int | float, shown_as: str) -> str:
    """12.0 as 12, a long one without an exponent, and 123 as 0123 where the sheet shows it so."""
    exact = Decimal(repr(value))
    if exact == exact.to_integral_value():
        text = format(exact.quantize(Decimal(1)) if abs(exact) < Decimal(10) ** 20 else exact, "f")
        return text.zfill(len(shown_as)) if re.fullmatch("0{2,30}", shown_as or "") else text
    return format(exact, "f")


def _plain(text: str) -> str:
    """Trimmed and in NFC, as cells of CSV are."""
    return unicodedata.normalize("NFC", text[: CELL_MAX + 1]).strip()  # what is longer is refused by its length
