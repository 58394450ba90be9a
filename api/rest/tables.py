"""The public figures as CSV: UTF-8 without a byte order mark, a header row, one figure a row.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

ELECTION = ("slug", "name", "date", "languages", "publication", "root")
COMMISSION = ("relation", "code", "name", "level")
SUMMARY = ("part", "stage", "contest", "slot", "item", "figure", "value", "of", "text")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """`value` as a cell that no spreadsheet executes."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


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
    return rows_csv(_summary(document), SUMMARY)


def _summary(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("election", "revision", "release", "as_of"):
        yield {"part": "document", "item": key, "value": document.get(key)}
    for key in ("code", "name", "level"):
        yield {"part": "commission", "item": key, "value": document["commission"][key]}
    yield from _flat({"part": "coverage"}, document["coverage"])
    for stage, figures in document["stages"].items():
        yield from _stage({"part": "stage", "stage": stage}, figures)
        for part in figures.get("parts", ()):
            own = {"part": "stage", "stage": stage, "contest": part.get("contest"), "slot": part.get("slot")}
            yield from _stage(own, part)
    for kind, found in document["violations"].items():
        if not isinstance(found, Mapping):
            yield {"part": "violations", "figure": kind, "value": found}
            continue
        for code, counts in found.items():
            yield from _flat({"part": f"violations {kind}", "item": code}, counts)
    for child in document["children"]:
        yield {"part": "child", "item": child["code"], "figure": "name", "value": child["name"]}
        for group in ("coverage", "violations"):
            yield from _flat({"part": "child", "item": child["code"]}, child.get(group) or {}, group)


def _stage(own: dict[str, Any], figures: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in figures.items():
        if key not in ("questions", "parts", "contest", "slot"):
            yield from _flat(own, {key: value})
    for question, counts in figures.get("questions", {}).items():
        yield from _flat(own | {"item": question}, counts)


def _flat(own: dict[str, Any], figures: Mapping[str, Any], before: str = "") -> Iterator[dict[str, Any]]:
    """Rows of a tree of figures; one that says n, of and text is one row, what else it says follows."""
    for key, value in figures.items():
        name = f"{before}.{key}" if before else key
        if not isinstance(value, Mapping):
            yield own | {"figure": name, "value": value}
            continue
        rest = dict(value)
        if "n" in rest and "of" in rest:
            yield own | {"figure": name, "value": rest.pop("n"), "of": rest.pop("of"), "text": rest.pop("text", None)}
        yield from _flat(own, rest, name)
