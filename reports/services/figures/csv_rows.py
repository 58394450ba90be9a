"""A summary as flat rows for CSV files and packages.

One figure of the JSON document is one row. Pure: no database.
"""

from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("part", "stage", "contest", "slot", "item", "figure", "value", "of", "text")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escape_cell(value: Any) -> Any:
    """Makes a cell safe: spreadsheets read no text as a formula."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def build_summary_rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the rows of a summary document.

    A row has those keys of `COLUMNS` that have a value.
    """
    for key in ("election", "revision", "release", "as_of", "cutoff"):
        yield {"part": "document", "item": key, "value": document.get(key)}
    for key in ("code", "name", "level"):
        yield {"part": "commission", "item": key, "value": document["commission"][key]}
    yield from _flatten_figures({"part": "coverage"}, document["coverage"])
    for stage, figures in document["stages"].items():
        yield from _build_stage_rows({"part": "stage", "stage": stage}, figures)
        for part in figures.get("parts", ()):
            base = {"part": "stage", "stage": stage, "contest": part.get("contest"), "slot": part.get("slot")}
            yield from _build_stage_rows(base, part)
    for kind, counts_by_code in document["violations"].items():
        if not isinstance(counts_by_code, Mapping):
            yield {"part": "violations", "figure": kind, "value": counts_by_code}
            continue
        for code, counts in counts_by_code.items():
            yield from _flatten_figures({"part": f"violations {kind}", "item": code}, counts)
    for child in document["children"]:
        yield {"part": "child", "item": child["code"], "figure": "name", "value": child["name"]}
        for group in ("coverage", "violations"):
            yield from _flatten_figures({"part": "child", "item": child["code"]}, child.get(group) or {}, group)


def _build_stage_rows(base: dict[str, Any], figures: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in figures.items():
        if key not in ("questions", "parts", "contest", "slot"):
            yield from _flatten_figures(base, {key: value})
    for question, counts in figures.get("questions", {}).items():
        yield from _flatten_figures(base | {"item": question}, counts)


def _flatten_figures(base: dict[str, Any], figures: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yields the rows of a tree of figures.

    An object with `n`, `of` and `text` is one row; its other keys follow as rows of their own.
    """
    for key, value in figures.items():
        name = f"{prefix}.{key}" if prefix else key
        if not isinstance(value, Mapping):
            yield base | {"figure": name, "value": value}
            continue
        rest = dict(value)
        if "n" in rest and "of" in rest:
            yield base | {"figure": name, "value": rest.pop("n"), "of": rest.pop("of"), "text": rest.pop("text", None)}
        yield from _flatten_figures(base, rest, name)
