"""Reading tables that people made, with every bad line found before anything is done.

`table_read` is strict, for files that belong to a pack; `table_of` takes what `sheets.py` read of an upload.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

CODE = re.compile(r"[\w.\-]+")
CELL_MAX = 2_000  # characters
ROWS_MAX = 20_000
COLUMNS_MAX = 40


@dataclass(frozen=True, slots=True, order=True)
class BadLine:
    """What is wrong in one line of one file. Line 0: the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.reason}"
        return _("%(file)s, line %(line)d: %(reason)s") % {
            "file": self.file,
            "line": self.line,
            "reason": self.reason,
        }


class BadTable(Exception):
    """Nothing was changed: `lines` are all the bad ones, by file and number."""

    def __init__(self, lines: Iterable[BadLine]) -> None:
        self.lines = tuple(sorted(lines))
        super().__init__("\n".join(str(line) for line in self.lines))


@dataclass(frozen=True, slots=True)
class Row:
    """One line's cells by column, trimmed and in NFC. A column that the file does not have reads as empty."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def words(self, prefix: str) -> dict[str, str]:
        """`name_kk`, `name_ru` … as one text in several languages, without the empty ones."""
        start = prefix + "_"
        return {column[len(start) :]: cell for column, cell in self.cells.items() if column.startswith(start) and cell}


@dataclass(slots=True)
class Table:
    """A file's columns and rows, and what was found bad in it so far."""

    file: str
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    header: int = 1  # the line it stands in

    @property
    def refused(self) -> list[BadLine]:
        """What is wrong with the file as a whole or with its header: then its lines mean nothing."""
        return [one for one in self.bad if one.line <= self.header]

    def complain(self, line: int, reason: str) -> None:
        self.bad.append(BadLine(self.file, line, reason))

    def raise_if_bad(self) -> None:
        if self.bad:
            raise BadTable(self.bad)

    def languages(self, prefix: str) -> tuple[str, ...]:
        """The languages that have a column of this prefix, in the order of the columns."""
        start = prefix + "_"
        return tuple(column[len(start) :] for column in self.columns if column.startswith(start))

    def unique(self, column: str) -> dict[str, Row]:
        """Rows by the code in `column`; complains of a missing, malformed or repeated one."""
        found: dict[str, Row] = {}
        for row in self.rows:
            code = row[column]
            if reason := code_problem(code):
                self.complain(row.line, reason)
            elif code in found:
                values = {"code": code, "line": found[code].line}
                self.complain(row.line, _("code %(code)s was already in line %(line)d") % values)
            else:
                found[code] = row
        return found


def table_read(
    *,
    source: bytes,
    file: str,
    required: Iterable[str],
    optional: Iterable[str] = (),
    prefixes: Iterable[str] = (),
) -> Table:
    """The rows of a CSV file with a header, separated by commas, in UTF-8 with or without a byte order mark.

    `prefixes` are columns that come once a language (`name` for `name_kk`, `name_ru` …). Empty
    lines are passed over. What cannot be read is in the table's `bad`; with a bad header it has no rows.
    """
    table = Table(file)
    text = _decoded(source, table)
    if text is not None:
        _fill(table, csv_lines(text, table), set(required), set(optional), tuple(prefixes))
    return table


def table_of(
    *,
    sheet: "Lines",
    required: Iterable[str],
    optional: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    named: Callable[[str], str] = str.lower,
) -> Table:
    """The same of an uploaded sheet, the first line of which is the header; `named` gives a heading's column."""
    table = Table(sheet.file, bad=list(sheet.bad))
    if table.bad and not sheet.lines:
        return table
    if len(sheet.lines) > ROWS_MAX + 1:
        table.complain(0, _("has more than %(most)d rows") % {"most": ROWS_MAX})
        return table
    spoilt = {one.line for one in table.bad}
    lines = (one for now, one in enumerate(sheet.lines) if now == 0 or one[0] not in spoilt)
    _fill(table, lines, set(required), set(optional), tuple(prefixes), named)
    long = {row.line for row in table.rows if any(len(cell) > CELL_MAX for cell in row.cells.values())}
    for line in sorted(long):
        table.complain(line, _("a cell is longer than %(longest)d characters") % {"longest": CELL_MAX})
    table.rows = [row for row in table.rows if row.line not in long]
    return table


@dataclass(slots=True)
class Lines:
    """What was read of an upload: its rows with their numbers, what is to be said about it, what is wrong in it."""

    file: str
    lines: list[tuple[int, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)

    def complain(self, line: int, reason: str) -> None:
        self.bad.append(BadLine(self.file, line, reason))


def _fill(
    table: Table,
    lines: Iterator[tuple[int, list[str]]],
    required: set[str],
    optional: set[str],
    prefixes: tuple[str, ...],
    named: Callable[[str], str] = str.lower,
) -> None:
    table.header, header = next(lines, (1, []))
    table.columns = tuple(named(cell) for cell in header)
    if not _header_is_good(table, required, optional, prefixes):
        return
    for line, cells in lines:
        if len(cells) != len(table.columns):
            values = {"found": len(cells), "expected": len(table.columns)}
            table.complain(line, _("has %(found)d cells where the header has %(expected)d") % values)
        elif any(_has_control(cell) for cell in cells):
            table.complain(line, _("holds a control character"))
        else:
            table.rows.append(Row(line, dict(zip(table.columns, cells, strict=True))))


def file_read(*, path: Path) -> bytes:
    """A file's bytes. Raises BadTable where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = _("cannot be read: %(why)s") % {"why": error.strerror or type(error).__name__}
        raise BadTable([BadLine(path.name, 0, reason)]) from None


def code_problem(code: str, longest: int = 60) -> str:
    """Why this cannot be a code, or empty where it can."""
    if not code:
        return _("the code is missing")
    if not CODE.fullmatch(code):
        return _("code %(code)s may hold letters, digits, dot, dash and underscore only") % {"code": code}
    if len(code) > longest:
        return _("code %(code)s is longer than %(longest)d characters") % {"code": code, "longest": longest}
    return ""


@lru_cache(maxsize=512)
def zone_is_known(name: str) -> bool:
    return name in available_timezones()


def _decoded(source: bytes, table: Table) -> str | None:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        table.complain(line, _("is not UTF-8: save the file as CSV UTF-8"))
        return None


def csv_lines(text: str, told: Table | Lines, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line it begins on; its cells trimmed and in NFC."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            told.complain(line, _("is not CSV: %(why)s") % {"why": error})
            continue
        if any(cell.strip() for cell in cells):
            yield line, [unicodedata.normalize("NFC", cell).strip() for cell in cells]


def _header_is_good(table: Table, required: set[str], optional: set[str], prefixes: tuple[str, ...]) -> bool:
    known = required | optional
    for column in sorted({c for c in table.columns if table.columns.count(c) > 1}):
        table.complain(table.header, _("column %(column)s is there twice") % {"column": column or "''"})
    for column in sorted(required - set(table.columns)):
        table.complain(table.header, _("column %(column)s is missing") % {"column": column})
    for column in table.columns:
        if column not in known and not any(re.fullmatch(rf"{p}_[a-z]{{2,3}}(-\w+)?", column) for p in prefixes):
            table.complain(table.header, _("column %(column)s is unknown") % {"column": column or "''"})
    return not table.refused


def _has_control(cell: str) -> bool:
    return any(c < " " and c not in "\t\r\n" for c in cell)
