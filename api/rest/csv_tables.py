"""The public figures as CSV.

UTF-8 without a byte order mark, a header row, one figure a row. A cell that a spreadsheet would take for a formula
gets an apostrophe in front; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.services.figures.csv_rows import COLUMNS, build_summary_rows, escape_cell

ELECTION_COLUMNS = ("slug", "name", "date", "languages", "publication", "root")
RELEASE_COLUMNS = ("release", "cutoff", "published_at", "digest", "changes", "data")
COMMISSION_COLUMNS = ("relation", "code", "name", "level")
SUMMARY_COLUMNS = COLUMNS


def render_rows_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([escape_cell(row.get(column)) for column in columns])
    return buffer.getvalue().encode()


def render_commission_csv(place: Mapping[str, Any]) -> bytes:
    listed = [("self", place), ("parent", place["parent"]), *(("child", child) for child in place["children"])]
    return render_rows_csv([{"relation": relation, **row} for relation, row in listed if row], COMMISSION_COLUMNS)


def render_summary_csv(document: Mapping[str, Any]) -> bytes:
    """Returns every figure of the summary's JSON in a row of its own.

    The names of columns are in English.
    """
    return render_rows_csv(build_summary_rows(document), SUMMARY_COLUMNS)
