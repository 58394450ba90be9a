"""Tables written into one file as they come: a ZIP of CSV files, or a workbook. Pure but for the stream they write to.

Memory holds one chunk of rows.
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

from reports.services.figures.csv_rows import cell

Row = Sequence[Any]
Chunks = Iterable[Sequence[Row]]
BOM = b"\xef\xbb\xbf"
LEVEL = 1  # of compression: as small as makes no difference, three times as fast
SHEET_ROWS = 1_048_576  # what a sheet can hold; the next goes on
CELL_MAX = 32_767


class Book(AbstractContextManager["Book"]):
    """Tables in one file: each is added whole, one after another. Left with an error, it is no file."""

    @abstractmethod
    def table(self, name: str, header: Sequence[str], chunks: Chunks) -> None: ...


class CsvBook(Book):
    """One CSV file a table: UTF-8 with a byte order mark, RFC 4180."""

    def __init__(self, stream: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.archive.close()

    def table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        with self.archive.open(f"{name}.csv", "w", force_zip64=True) as member:
            member.write(BOM + csv_bytes([header]))
            for rows in chunks:
                member.write(csv_bytes(rows))


def csv_bytes(rows: Sequence[Row]) -> bytes:
    """Lines of CSV in which no cell can be taken for a formula; numbers stay numbers."""
    text = _csv(rows)
    if _may_run(text):
        text = _csv([[cell(one) for one in row] for row in rows])
    return text.encode()


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _may_run(text: str) -> bool:
    """Whether any cell could begin like a formula. Asked of the text of a chunk, because hardly any does."""
    return (
        any(sign in text for sign in "=+@\t")
        or text.startswith("-")
        or any(start in text for start in (",-", '"-', "\n-", '"\r'))
    )


# What XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XlsxBook(Book):
    """One sheet a table, and as many more as its rows need. Its cells are texts and numbers: nothing in it can be a formula."""

    def __init__(self, stream: BinaryIO, sheet_rows: int = SHEET_ROWS) -> None:
        # Sheets wait in files beside the stream until the book is whole.
        beside = Path(stream.name).parent if isinstance(getattr(stream, "name", None), str) else None
        self.folder = TemporaryDirectory(dir=beside)
        self.book = Workbook(stream, {"constant_memory": True, "tmpdir": self.folder.name})
        self.bold = self.book.add_format({"bold": True})
        self.names: set[str] = set()
        self.sheet_rows = sheet_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.book.close()
        finally:
            self.folder.cleanup()

    def table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        rows = chain.from_iterable(chunks)
        part, ahead = 0, list(islice(rows, 1))
        while not part or ahead:
            part += 1
            sheet = self.book.add_worksheet(self._title(name, part))
            sheet.freeze_panes(1, 0)
            _write(sheet, 0, header, self.bold)
            for number, row in enumerate(islice(chain(ahead, rows), self.sheet_rows - 1), 1):
                _write(sheet, number, row)
            ahead = list(islice(rows, 1))

    def _title(self, name: str, part: int) -> str:
        end = "" if part == 1 else f" {part}"
        again, title = 1, name[: 31 - len(end)] + end
        while title.lower() in self.names:  # two names of which only the ends differ
            again += 1
            title = f"{name[: 30 - len(end) - len(str(again))]}~{again}{end}"
        self.names.add(title.lower())
        return title


def _write(sheet: Worksheet, number: int, row: Row, style: Format | None = None) -> None:
    for column, value in enumerate(row):
        if value is None or value == "":
            continue
        if isinstance(value, int | float | Decimal):
            sheet.write_number(number, column, value, style)
            continue
        text = _FORBIDDEN.sub("\ufffd", str(value))
        if len(text) > CELL_MAX:
            raise ValueError(f"a text of {len(text)} characters does not fit into a cell")
        sheet.write_string(number, column, text, style)
