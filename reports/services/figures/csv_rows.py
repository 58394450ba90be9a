"""A summary's JSON as flat rows, one figure a row: what CSV files and data packages hold. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("part", "stage", "contest", "slot", "item", "figure", "value", "of", "text")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """`value` as a cell that no spreadsheet executes."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def summary_rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("election", "revision", "release", "as_of", "cutoff"):
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
