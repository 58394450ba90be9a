"""How one finding is spread over the commissions below: a map where there are outlines, and always a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from observer.words import in_language
from reports.pages.http.formats import number
from reports.pages.places.headline_finding import Choice
from reports.pages.places.mapping import Shape, shapes_of
from reports.pages.places.source_choice import Opened
from reports.pages.places.stages import Ratio, answer_word, ratio
from reports.services.figures.format import figure
from reports.services.figures.share_words import STEPS, quantity
from reports.services.publishing.place_parts import Part

FEW = 20  # stations below which a share is not shaded
# One shade a word of the statement: the steps are fixed, so that maps compare, and declared with the method.
SHADES = {"none": "0", "few": "1", "several": "2", "many": "3", "large": "4", "half": "5", "most": "6", "all": "6"}


@dataclass(frozen=True)
class Line:
    """One commission below. `shade`: 0 to 6, "few" or "none"; `said`: its figure in words."""

    code: str
    name: str
    url: str
    ratio: Ratio
    conflicting: str
    shade: str
    said: str
    shape: Shape | None


@dataclass(frozen=True)
class SpreadView:
    """`unit`: what is counted, stations or observations."""

    stage: str
    code: str
    question: str
    answer: str
    url: str
    of_stations: bool
    whole: Ratio
    lines: tuple[Line, ...]
    has_map: bool
    width: int
    height: int
    legend: tuple[tuple[str, str], ...]


def spread_view(opened: Opened, part: Part, findings: Mapping[str, Any], choice: Choice) -> SpreadView:
    """The finding `choice` at `part`'s commission, over its territories."""
    language, order = opened.language, opened.order
    stage, asked = choice.stage["code"], choice.question["code"]
    of_stations = choice.question["type"] == "yes_no"
    children = [one for one in part["children"] if one["kind"] != "precinct"]
    shapes = shapes_of(opened.figures.shapes(), [one["code"] for one in children])
    lines = tuple(
        _line(
            opened,
            (stage, asked),
            one,
            findings.get(one["code"], {}).get(stage, {}).get(asked),
            of_stations,
            shapes.get(one["code"]),
        )
        for one in children
    )
    answer = choice.question["findings"][0] if choice.question["findings"] else ""
    return SpreadView(
        stage=in_language(choice.stage["titles"], language, order) or stage,
        code=asked,
        question=in_language(choice.question["labels"], language, order) or asked,
        answer=answer_word(answer)
        if of_stations
        else _("bad or very bad")
        if choice.question["type"] == "rating"
        else "",
        url=opened.links.finding(part["facts"]["code"], stage, asked),
        of_stations=of_stations,
        whole=whole(part, choice, language),
        lines=lines,
        has_map=bool(shapes),
        width=1000,
        height=max((shape.bottom for shape in shapes.values()), default=0) + 4,
        legend=_legend(language),
    )


def whole(part: Part, choice: Choice, language: str) -> Ratio:
    """The finding at the commission itself."""
    record = part["stages"].get(choice.stage["code"], {}).get("questions", {}).get(choice.question["code"], {})
    if choice.question["type"] == "yes_no":
        stations = record.get("stations") or {}
        n, of = stations.get(choice.question["findings"][0], 0), sum(stations.values())
    else:
        finding = record.get("finding") or {"n": 0, "of": 0}
        n, of = finding["n"], finding["of"]
    what = "stations" if choice.question["type"] == "yes_no" else "finding"
    path = f"stage|{choice.stage['code']}|{choice.question['code']}|{what}"
    return ratio(n, of, figure(n, of), language, path)


def _line(
    opened: Opened, asked: tuple[str, str], child: Part, found: Any, of_stations: bool, shape: Shape | None
) -> Line:
    language = opened.language
    n, of, conflicting = 0, 0, 0
    if found and of_stations and len(found) > 2:
        n, of, conflicting = found[2], found[3], found[4]
    elif found and not of_stations:
        n, of = found[0], found[1]
    path = f"@{child['code']}|{'|'.join(asked)}|{'stations' if of_stations else 'finding'}"
    shown = ratio(n, of, figure(n, of), language, path)
    name = in_language(child["names"], language, opened.order) or child["code"]
    said = _("%(n)s of %(of)s") % {"n": shown.n, "of": shown.of} if of else _("missing")
    if shown.percent:
        said = f"{said} ({shown.percent})"
    return Line(
        code=child["code"],
        name=name,
        url=opened.links.place(child["code"]),
        ratio=shown,
        conflicting=number(conflicting, language) if conflicting else "",
        shade=shade(n, of),
        said=said,
        shape=shape,
    )


def shade(n: int, of: int) -> str:
    if not of:
        return "none"
    if of < FEW:
        return "few"
    return SHADES[quantity(n, of)]


def _legend(language: str) -> tuple[tuple[str, str], ...]:
    percent = "%" if language == "en" else "\u00a0%"
    rows = [("0", f"0{percent}")]
    for code, low, high, _says in STEPS[1:-1]:
        ends = f"≥ {low:.0f}" if high == 100 else f"{'> ' if code in ('few', 'half') else ''}{low:.0f}–{high:.0f}"
        rows.append((SHADES[code], f"{ends}{percent}"))
    rows.append(("few", _("fewer than %(n)s: too few to shade") % {"n": FEW}))
    rows.append(("none", _("missing")))
    return tuple(rows)
