"""Reading uploaded tables: CSV in any usual encoding, or .xlsx workbooks.

The result is lines of text. Where another encoding or sheet was possible, `notes` say which one was used.
"""

import re
from itertools import islice
from pathlib import PurePath

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import MAX_COLUMNS, MAX_ROWS, BadLine, BadTable, SheetLines, parse_csv_lines
from observer.services.spreadsheets.workbooks import read_workbook

MAX_FILE_BYTES = 10_000_000  # bytes
SEPARATORS = ",;\t"
# The share of Russian letters among the characters beyond ASCII, from which a text is taken for Windows-1251.
MIN_RUSSIAN_SHARE = 0.8
# The first bytes of old Office files, and of workbooks with a password.
OLD_OFFICE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_sheet(*, source: bytes, file: str) -> SheetLines:
    """The lines of an uploaded table.

    Raises BadTable if the file as a whole cannot be read. Problems of single lines are in the result's `bad`.
    """
    sheet = SheetLines(PurePath(file).name[:120] or "?")
    reason = ""
    if not source.strip():
        reason = _("is empty")
    elif len(source) > MAX_FILE_BYTES:
        reason = _("is larger than %(most)d bytes") % {"most": MAX_FILE_BYTES}
    elif source.startswith(OLD_OFFICE_SIGNATURE):
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
        read_workbook(source=source, sheet=sheet)
    else:
        _read_csv(source, sheet)
    _remove_empty_columns(sheet)
    return sheet


def _read_csv(source: bytes, sheet: SheetLines) -> None:
    text = _decode(source, sheet)
    first, _end, rest = text.partition("\n")
    hint = re.fullmatch(r"sep=([,;\t])\r?", first, re.IGNORECASE)  # a line that Excel understands
    separator = hint[1] if hint else _detect_separator(text)
    lines = parse_csv_lines(("\n" + rest) if hint else text, sheet, separator)
    sheet.lines = list(islice(lines, MAX_ROWS + 2))
    if sheet.lines and len(sheet.lines[0][1]) > MAX_COLUMNS:
        raise BadTable([BadLine(sheet.file, 0, _("has more than %(most)d columns") % {"most": MAX_COLUMNS})])


def _decode(source: bytes, sheet: SheetLines) -> str:
    """Decodes UTF-8, UTF-16 with a byte order mark, or Windows-1251.

    Raises BadTable.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if source.startswith(mark):
            return _decode_strictly(source, encoding, sheet)
    unknown = _("is in an encoding that is not known: save the file as CSV UTF-8 or as .xlsx")
    if b"\0" in source[:4]:  # UTF-16 without a byte order mark
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
    non_ascii = [sign for sign in text if sign > "\x7f" and sign.isprintable()]
    russian = sum("А" <= sign <= "я" or sign in "Ёё№«»—–" for sign in non_ascii)
    # KOI8 that is decoded as Windows-1251 has small and capital letters exchanged.
    swapped_case = len(re.findall("[а-я][А-Я]", text)) > len(re.findall("[А-Я][а-я]", text))
    if "\ufffd" in text or swapped_case or russian < MIN_RUSSIAN_SHARE * len(non_ascii):
        raise BadTable([BadLine(sheet.file, 0, unknown)])
    sheet.notes.append(_("The file is in Windows-1251, which has no Kazakh letters: look whether every name is right."))
    return text


def _decode_strictly(source: bytes, encoding: str, sheet: SheetLines) -> str:
    """Decodes with the given encoding.

    Raises BadTable with the line of the first wrong byte.
    """
    try:
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source[: error.start].decode(encoding, "ignore").count("\n") + 1
        reason = _("the file ends in the middle of a letter, or is damaged here: save it again")
        raise BadTable([BadLine(sheet.file, line, reason)]) from None
    if encoding == "utf-16":
        sheet.notes.append(_("The file is in UTF-16."))
    return text


def _detect_separator(text: str) -> str:
    """The separator that occurs most often in the first line.

    Empty lines and text in quotation marks do not count.
    """
    first = next((line for line in text.splitlines() if line.strip(' ,;\t"')), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(SEPARATORS, key=unquoted.count)


def _remove_empty_columns(sheet: SheetLines) -> None:
    """Removes empty columns without a heading from the end."""
    header = sheet.lines[0][1] if sheet.lines else []
    extra = len(header)
    while header and not header[-1]:
        header.pop()
    extra -= len(header)
    for _line, cells in sheet.lines[1:] if extra else ():
        if len(cells) > len(header) and not any(cells[len(header) :]):
            del cells[len(header) :]
