"""What people upload as a table, CSV as their programs write it or a workbook, read into lines of text.

Which encoding and sheet were taken, where another was possible, is said in `notes`, so that nobody wonders later.
"""

import re
from itertools import islice
from pathlib import PurePath

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import COLUMNS_MAX, ROWS_MAX, BadLine, BadTable, Lines, csv_lines
from observer.services.spreadsheets.workbooks import workbook_read

FILE_MAX = 10_000_000  # bytes
SEPARATORS = ",;\t"
SCRIPT_MIN = 0.8  # of the letters beyond ASCII that are Russian ones, in a text that is Windows-1251
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how the files of old Office begin, and those locked by a password


def sheet_read(*, source: bytes, file: str) -> Lines:
    """The lines of an uploaded table. Raises BadTable where the file as a whole cannot be one."""
    sheet = Lines(PurePath(file).name[:120] or "?")
    reason = ""
    if not source.strip():
        reason = _("is empty")
    elif len(source) > FILE_MAX:
        reason = _("is larger than %(most)d bytes") % {"most": FILE_MAX}
    elif source.startswith(OLD):
        locked = "EncryptedPackage".encode("utf-16-le") in source
        reason = (
            _("is locked by a password: save it without one")
            if locked
            else _("is a workbook of the old kind (.xls): save it as .xlsx")
        )
    elif source.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf")):
        reason = _("is neither a workbook nor CSV")
    if reason:
        raise BadTable([BadLine(sheet.file, 0, reason)])
    if source.startswith(b"PK"):
        workbook_read(source=source, sheet=sheet)
    else:
        _csv_read(source, sheet)
    _trim(sheet)
    return sheet


def _csv_read(source: bytes, sheet: Lines) -> None:
    text = _decoded(source, sheet)
    first, _end, rest = text.partition("\n")
    said = re.fullmatch(r"sep=([,;\t])\r?", first, re.IGNORECASE)  # Excel's own hint
    separator = said[1] if said else _separator(text)
    lines = csv_lines(("\n" + rest) if said else text, sheet, separator)
    sheet.lines = list(islice(lines, ROWS_MAX + 2))
    if sheet.lines and len(sheet.lines[0][1]) > COLUMNS_MAX:
        raise BadTable([BadLine(sheet.file, 0, _("has more than %(most)d columns") % {"most": COLUMNS_MAX})])


def _decoded(source: bytes, sheet: Lines) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if source.startswith(mark):
            return _strictly(source, encoding, sheet)
    unknown = _("is in an encoding that is not known: save the file as CSV UTF-8 or as .xlsx")
    if b"\0" in source[:4]:  # UTF-16 without its mark
        raise BadTable([BadLine(sheet.file, 0, unknown)])
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end >= len(source) and error.reason == "unexpected end of data":
            line = source.count(b"\n") + 1
            raise BadTable(
                [BadLine(sheet.file, line, _("the file ends in the middle of a letter: it was cut off"))]
            ) from None
    text = source.decode("cp1251", "replace")
    beyond = [sign for sign in text if sign > "\x7f" and sign.isprintable()]
    russian = sum("А" <= sign <= "я" or sign in "Ёё№«»—–" for sign in beyond)
    upside_down = len(re.findall("[а-я][А-Я]", text)) > len(re.findall("[А-Я][а-я]", text))  # KOI8, read as this
    if "\ufffd" in text or upside_down or russian < SCRIPT_MIN * len(beyond):
        raise BadTable([BadLine(sheet.file, 0, unknown)])
    sheet.notes.append(_("The file is in Windows-1251, which has no Kazakh letters: look whether every name is right."))
    return text


def _strictly(source: bytes, encoding: str, sheet: Lines) -> str:
    try:
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source[: error.start].decode(encoding, "ignore").count("\n") + 1
        reason = _("the file ends in the middle of a letter, or is damaged here: save it again")
        raise BadTable([BadLine(sheet.file, line, reason)]) from None
    if encoding == "utf-16":
        sheet.notes.append(_("The file is in UTF-16."))
    return text


def _separator(text: str) -> str:
    """The one that the first line with anything in it has most of, outside quotation marks."""
    first = next((line for line in text.splitlines() if line.strip(' ,;\t"')), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(SEPARATORS, key=bare.count)


def _trim(sheet: Lines) -> None:
    """Columns at the end without a heading, in which nothing stands, are no columns."""
    header = sheet.lines[0][1] if sheet.lines else []
    extra = len(header)
    while header and not header[-1]:
        header.pop()
    extra -= len(header)
    for _line, cells in sheet.lines[1:] if extra else ():
        if len(cells) > len(header) and not any(cells[len(header) :]):
            del cells[len(header) :]
