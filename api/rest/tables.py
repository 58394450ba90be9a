"""The public figures as CSV: UTF-8 without a byte order mark, a header row, one figure a row.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.services.figures.csv_rows import COLUMNS, cell, summary_rows

ELECTION = ("slug", "name", "date", "languages", "publication", "root")
RELEASES = ("release", "cutoff", "published_at", "digest", "changes", "data")
COMMISSION = ("relation", "code", "name", "level")
SUMMARY = COLUMNS


def rows_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row.get(column)) for column in columns])
    return text.getvalue().encode()


def commission_csv(place: Mapping[str, Any]) -> bytes:
    listed = [("self", place), ("parent", place["parent"]), *(("child", child) for child in place["children"])]
    return rows_csv([{"relation": relation, **row} for relation, row in listed if row], COMMISSION)


def summary_csv(document: Mapping[str, Any]) -> bytes:
    """Every figure of the summary's JSON in a row of its own; names of columns in English."""
    return rows_csv(summary_rows(document), SUMMARY)
