"""Tables with a header, and the bad lines found in them.

All bad lines are found before anything is done with a table. `read_csv_table` is strict: it reads the files of a pack.
`build_table` takes the lines that `sheets.py` read from an upload.
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

CODE_PATTERN = re.compile(r"[\w.\-]+")
MAX_CELL_CHARACTERS = 2_000  # characters
MAX_ROWS = 20_000
MAX_COLUMNS = 40


@dataclass(frozen=True, slots=True, order=True)
class BadLine:
    """A problem in one line of one file.

    Line 0: the file as a whole.
    """

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
    """A file has bad lines, so nothing was changed.

    `lines` are all of them, by file and number.
    """

    def __init__(self, lines: Iterable[BadLine]) -> None:
        self.lines = tuple(sorted(lines))
        super().__init__("\n".join(str(line) for line in self.lines))


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line by column, trimmed and in NFC.

    A column that the file does not have is empty.
    """

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def get_translations(self, prefix: str) -> dict[str, str]:
        """The cells of `name_kk`, `name_ru` … by language, without empty ones."""
        start = prefix + "_"
        return {column[len(start) :]: cell for column, cell in self.cells.items() if column.startswith(start) and cell}


@dataclass(slots=True)
class Table:
    """The columns, rows and problems of a file."""

    file: str
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    header_line: int = 1

    @property
    def file_problems(self) -> list[BadLine]:
        """Problems of the whole file or of its header.

        If there are any, the lines have no meaning.
        """
        return [one for one in self.bad if one.line <= self.header_line]

    def add_problem(self, line: int, reason: str) -> None:
        self.bad.append(BadLine(self.file, line, reason))

    def raise_if_bad_lines(self) -> None:
        if self.bad:
            raise BadTable(self.bad)

    def get_languages(self, prefix: str) -> tuple[str, ...]:
        """The languages that have a column of this prefix.

        They are in the order of the columns.
        """
        start = prefix + "_"
        return tuple(column[len(start) :] for column in self.columns if column.startswith(start))

    def index_rows(self, column: str) -> dict[str, Row]:
        """Rows by the code in `column`.

        Adds a problem for each missing, malformed or repeated code.
        """
        found: dict[str, Row] = {}
        for row in self.rows:
            code = row[column]
            if reason := find_code_problem(code):
                self.add_problem(row.line, reason)
            elif code in found:
                values = {"code": code, "line": found[code].line}
                self.add_problem(row.line, _("code %(code)s was already in line %(line)d") % values)
            else:
                found[code] = row
        return found


def read_csv_table(
    *,
    source: bytes,
    file: str,
    required: Iterable[str],
    optional: Iterable[str] = (),
    prefixes: Iterable[str] = (),
) -> Table:
    """The rows of a CSV file with a header.

    The file has commas as separators and is in UTF-8, with or without a byte order mark. Empty lines are skipped.
    `prefixes` are columns that exist once for each language (`name` for `name_kk`, `name_ru` …).
    Lines that cannot be read are in the table's `bad`. If the header is bad, the table has no rows.
    """
    table = Table(file)
    text = _decode(source, table)
    if text is not None:
        _fill_table(table, parse_csv_lines(text, table), set(required), set(optional), tuple(prefixes))
    return table


def build_table(
    *,
    sheet: "SheetLines",
    required: Iterable[str],
    optional: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    heading_to_column: Callable[[str], str] = str.lower,
) -> Table:
    """Builds a table from the lines of an uploaded sheet.

    The first line is the header.
    `heading_to_column` returns the column of a heading. The other parameters are those of `read_csv_table`.
    """
    table = Table(sheet.file, bad=list(sheet.bad))
    if table.bad and not sheet.lines:
        return table
    if len(sheet.lines) > MAX_ROWS + 1:
        table.add_problem(0, _("has more than %(most)d rows") % {"most": MAX_ROWS})
        return table
    bad_numbers = {one.line for one in table.bad}
    lines = (one for index, one in enumerate(sheet.lines) if index == 0 or one[0] not in bad_numbers)
    _fill_table(table, lines, set(required), set(optional), tuple(prefixes), heading_to_column)
    with_long_cells = {
        row.line for row in table.rows if any(len(cell) > MAX_CELL_CHARACTERS for cell in row.cells.values())
    }
    for line in sorted(with_long_cells):
        table.add_problem(line, _("a cell is longer than %(longest)d characters") % {"longest": MAX_CELL_CHARACTERS})
    table.rows = [row for row in table.rows if row.line not in with_long_cells]
    return table


@dataclass(slots=True)
class SheetLines:
    """The lines of an upload, with notes and problems.

    Each line has its number. The notes are for the user.
    """

    file: str
    lines: list[tuple[int, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)

    def add_problem(self, line: int, reason: str) -> None:
        self.bad.append(BadLine(self.file, line, reason))


def _fill_table(
    table: Table,
    lines: Iterator[tuple[int, list[str]]],
    required: set[str],
    optional: set[str],
    prefixes: tuple[str, ...],
    heading_to_column: Callable[[str], str] = str.lower,
) -> None:
    table.header_line, header = next(lines, (1, []))
    table.columns = tuple(heading_to_column(cell) for cell in header)
    if not _is_header_valid(table, required, optional, prefixes):
        return
    for line, cells in lines:
        if len(cells) != len(table.columns):
            values = {"found": len(cells), "expected": len(table.columns)}
            table.add_problem(line, _("has %(found)d cells where the header has %(expected)d") % values)
        elif any(_has_control_character(cell) for cell in cells):
            table.add_problem(line, _("holds a control character"))
        else:
            table.rows.append(Row(line, dict(zip(table.columns, cells, strict=True))))


def read_file(*, path: Path) -> bytes:
    """The bytes of a file.

    Raises BadTable if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = _("cannot be read: %(why)s") % {"why": error.strerror or type(error).__name__}
        raise BadTable([BadLine(path.name, 0, reason)]) from None


def find_code_problem(code: str, longest: int = 60) -> str:
    """Why this cannot be a code; "" where it can."""
    if not code:
        return _("the code is missing")
    if not CODE_PATTERN.fullmatch(code):
        return _("code %(code)s may hold letters, digits, dot, dash and underscore only") % {"code": code}
    if len(code) > longest:
        return _("code %(code)s is longer than %(longest)d characters") % {"code": code, "longest": longest}
    return ""


@lru_cache(maxsize=512)
def is_known_timezone(name: str) -> bool:
    return name in available_timezones()


def _decode(source: bytes, table: Table) -> str | None:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        table.add_problem(line, _("is not UTF-8: save the file as CSV UTF-8"))
        return None


def parse_csv_lines(text: str, target: Table | SheetLines, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with its line number.

    That is the number of its first line. Cells are trimmed and in NFC.
    Rows that are not CSV are added to the problems of `target`.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            target.add_problem(line, _("is not CSV: %(why)s") % {"why": error})
            continue
        if any(cell.strip() for cell in cells):
            yield line, [unicodedata.normalize("NFC", cell).strip() for cell in cells]


def _is_header_valid(table: Table, required: set[str], optional: set[str], prefixes: tuple[str, ...]) -> bool:
    known = required | optional
    for column in sorted({c for c in table.columns if table.columns.count(c) > 1}):
        table.add_problem(table.header_line, _("column %(column)s is there twice") % {"column": column or "''"})
    for column in sorted(required - set(table.columns)):
        table.add_problem(table.header_line, _("column %(column)s is missing") % {"column": column})
    for column in table.columns:
        if column not in known and not any(re.fullmatch(rf"{p}_[a-z]{{2,3}}(-\w+)?", column) for p in prefixes):
            table.add_problem(table.header_line, _("column %(column)s is unknown") % {"column": column or "''"})
    return not table.file_problems


def _has_control_character(cell: str) -> bool:
    return any(c < " " and c not in "\t\r\n" for c in cell)
