"""Tables written into one file as they come: a ZIP of CSV files, or a workbook. Pure but for the stream they write to.

Memory holds one chunk of rows. A workbook is written here rather than by a library, because a million rows
of sixty cells take a library's cell objects ten times as long; its cells are texts and numbers only, so that
nothing in it can be a formula.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from html import escape
from itertools import chain, islice
from types import TracebackType
from typing import Any, BinaryIO, Self

from reports.services.summary_rows import cell

Row = Sequence[Any]
Chunks = Iterable[Sequence[Row]]
BOM = b"\xef\xbb\xbf"
LEVEL = 1  # of compression: as small as makes no difference, three times as fast
SHEET_ROWS = 1_048_576  # what a sheet can hold; the next goes on
CELL_MAX = 32_767
LINES = 500  # put together at a time


class Book(AbstractContextManager["Book"]):
    """Tables in one file: each is added whole, one after another."""

    def __init__(self, stream: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        self.archive.close()

    def table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """What can be written only when all tables are known."""


class CsvBook(Book):
    """One CSV file a table: UTF-8 with a byte order mark, RFC 4180."""

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


_CONTENT = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PLAIN = 'numFmtId="0" fillId="0" borderId="0"'
_STYLES = (
    f'{_CONTENT}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/>'
    '</fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    f'<cellStyleXfs count="1"><xf {_PLAIN} fontId="0"/></cellStyleXfs><cellXfs count="2"><xf {_PLAIN} fontId="0" xfId="0"/>'
    f'<xf {_PLAIN} fontId="1" xfId="0" applyFont="1"/></cellXfs><cellStyles count="1">'
    '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET = (
    f'{_CONTENT}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'state="frozen"/></sheetView></sheetViews><sheetData>'
)
# What XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XlsxBook(Book):
    """One sheet a table, and as many more as its rows need."""

    def __init__(self, stream: BinaryIO, sheet_rows: int = SHEET_ROWS) -> None:
        super().__init__(stream)
        self.sheets: list[str] = []
        self.sheet_rows = sheet_rows

    def table(self, name: str, header: Sequence[str], chunks: Chunks) -> None:
        rows = chain.from_iterable(chunks)
        part, ahead = 0, list(islice(rows, 1))
        while not part or ahead:
            part += 1
            here = islice(chain(ahead, rows), self.sheet_rows - 1)
            with self.archive.open(self._sheet(name, part), "w", force_zip64=True) as member:
                member.write(f"{_SHEET}{_line(header, 1)}".encode())
                while some := list(islice(here, LINES)):
                    member.write("".join(map(_line, some)).encode())
                member.write(b"</sheetData></worksheet>")
            ahead = list(islice(rows, 1))

    def _sheet(self, name: str, part: int) -> str:
        """Begins a sheet: the name of its file."""
        end = "" if part == 1 else f" {part}"
        known, again, title = {one.lower() for one in self.sheets}, 1, name[: 31 - len(end)] + end
        while title.lower() in known:  # two names of which only the ends differ
            again += 1
            title = f"{name[: 30 - len(end) - len(str(again))]}~{again}{end}"
        self.sheets.append(title)
        return f"xl/worksheets/sheet{len(self.sheets)}.xml"

    def finish(self) -> None:
        numbers = range(1, len(self.sheets) + 1)
        parts = {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n in numbers
            )
            + "</Types>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
            + "".join(
                f'<sheet name="{escape(title)}" sheetId="{n}" r:id="rId{n}"/>'
                for n, title in enumerate(self.sheets, 1)
            )
            + "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                for n in numbers
            )
            + f'<Relationship Id="rId0" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        }  # fmt: skip
        for name, text in parts.items():
            self.archive.writestr(name, _CONTENT + text)
        self.archive.writestr("xl/styles.xml", _STYLES)


def _line(row: Row, style: int = 0) -> str:
    return f"<row>{''.join([_cell(one, style) for one in row])}</row>"


def _cell(value: Any, style: int = 0) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, int | float | Decimal):
        return f"<c><v>{value}</v></c>"
    text = _FORBIDDEN.sub("\ufffd", str(value))
    if len(text) > CELL_MAX:
        raise ValueError(f"a text of {len(text)} characters does not fit into a cell")
    marked = f' s="{style}"' if style else ""
    return f'<c{marked} t="inlineStr"><is><t xml:space="preserve">{escape(text, quote=False)}</t></is></c>'
