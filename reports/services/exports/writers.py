"""Writers that put tables into one file: a ZIP of CSV files, or an XLSX workbook.

Rows are written chunk by chunk, so that memory holds one chunk. Uses no database; writes only to the given stream
(and, for a workbook, to temporary files).
"""

import csv
import io
import re
import zipfile
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.services.figures.csv_rows import escape_cell

Row = Sequence[Any]
Chunks = Iterable[Sequence[Row]]
BOM = b"\xef\xbb\xbf"
COMPRESSION_LEVEL = 1  # of zlib: nearly as small as the default, three times as fast
MAX_SHEET_ROWS = 1_048_576  # of the XLSX format; further rows go to the next sheet
MAX_CELL_CHARACTERS = 32_767  # of the XLSX format


class TableWriter(AbstractContextManager["TableWriter"]):
    """Base of the writers: tables are added one after another.

    Where the `with` block ends with an error, the file is not usable.
    """

    @abstractmethod
    def write_table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        """Writes one table with its header; `chunks` gives its rows."""


class CsvWriter(TableWriter):
    """Writes a ZIP with one CSV file per table: UTF-8 with a byte order mark, RFC 4180."""

    def __init__(self, stream: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.archive.close()

    def write_table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        with self.archive.open(f"{name}.csv", "w", force_zip64=True) as member:
            member.write(BOM + encode_csv([header]))
            for rows in chunks:
                member.write(encode_csv(rows))


def encode_csv(rows: Sequence[Row]) -> bytes:
    """Encodes rows as CSV so that no spreadsheet takes a cell for a formula; numbers stay numbers."""
    text = _format_csv(rows)
    if _may_hold_formula(text):
        text = _format_csv([[escape_cell(one) for one in row] for row in rows])
    return text.encode()


def _format_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _may_hold_formula(text: str) -> bool:
    """Says whether any cell could start like a formula.

    It looks at the text of a whole chunk, because hardly any cell does and this is fast.
    """
    return (
        any(sign in text for sign in "=+@\t")
        or text.startswith("-")
        or any(start in text for start in (",-", '"-', "\n-", '"\r'))
    )


# Characters that XML cannot hold, not even escaped.
_XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XlsxWriter(TableWriter):
    """Writes a workbook with one sheet per table, or more where it has more rows than a sheet can hold.

    Cells are texts and numbers, never formulas.
    """

    def __init__(self, stream: BinaryIO, sheet_rows: int = MAX_SHEET_ROWS) -> None:
        # Sheets are kept in temporary files in the same folder until the workbook is complete.
        folder = Path(stream.name).parent if isinstance(getattr(stream, "name", None), str) else None
        self.folder = TemporaryDirectory(dir=folder)
        self.workbook = Workbook(stream, {"constant_memory": True, "tmpdir": self.folder.name})
        self.header_format = self.workbook.add_format({"bold": True})
        self.used_titles: set[str] = set()
        self.sheet_rows = sheet_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.workbook.close()
        finally:
            self.folder.cleanup()

    def write_table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        rows = chain.from_iterable(chunks)
        part, next_row = 0, list(islice(rows, 1))
        while not part or next_row:
            part += 1
            sheet = self.workbook.add_worksheet(self._make_sheet_title(name, part))
            sheet.freeze_panes(1, 0)
            _write_row(sheet, 0, header, self.header_format)
            for number, row in enumerate(islice(chain(next_row, rows), self.sheet_rows - 1), 1):
                _write_row(sheet, number, row)
            next_row = list(islice(rows, 1))

    def _make_sheet_title(self, name: str, part: int) -> str:
        suffix = "" if part == 1 else f" {part}"
        attempt, title = 1, name[: 31 - len(suffix)] + suffix
        while title.lower() in self.used_titles:  # two names may differ only in the part that is cut off
            attempt += 1
            title = f"{name[: 30 - len(suffix) - len(str(attempt))]}~{attempt}{suffix}"
        self.used_titles.add(title.lower())
        return title


def _write_row(sheet: Worksheet, number: int, row: Row, style: Format | None = None) -> None:
    for column, value in enumerate(row):
        if value is None or value == "":
            continue
        if isinstance(value, int | float | Decimal):
            sheet.write_number(number, column, value, style)
            continue
        text = _XML_FORBIDDEN.sub("\ufffd", str(value))
        if len(text) > MAX_CELL_CHARACTERS:
            raise ValueError(f"a text of {len(text)} characters does not fit into a cell")
        sheet.write_string(number, column, text, style)
