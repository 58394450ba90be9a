"""Map and table of a finding over the commissions below.

The map is there only where there are outlines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.pages.http.formats import format_number
from reports.pages.places.headline_finding import FindingChoice
from reports.pages.places.map_shapes import Shape, build_shapes
from reports.pages.places.source_choice import PageSource
from reports.pages.places.stages import Ratio, build_ratio, translate_answer
from reports.services.figures.format import format_figure
from reports.services.figures.share_words import SHARE_STEPS, get_share_code
from reports.services.publishing.place_parts import Part

MIN_SHADED_DENOMINATOR = 20  # a share of fewer stations or observations is not shaded
# One shade for each quantity word of the statement. The steps are fixed, so that maps can be compared; the method
# page lists them.
SHADES = {"none": "0", "few": "1", "several": "2", "many": "3", "large": "4", "half": "5", "most": "6", "all": "6"}


@dataclass(frozen=True)
class TerritoryLine:
    """One commission below.

    `shade`: "0" to "6", "few" or "none"; `said`: its figure in words.
    """

    code: str
    name: str
    url: str
    ratio: Ratio
    conflicting: str
    shade: str
    said: str
    shape: Shape | None


@dataclass(frozen=True)
class DistributionView:
    """A finding, its figure as a whole, and its lines.

    `of_stations`: counts stations, else observations.
    """

    stage: str
    code: str
    question: str
    answer: str
    url: str
    of_stations: bool
    whole: Ratio
    lines: tuple[TerritoryLine, ...]
    has_map: bool
    width: int
    height: int
    legend: tuple[tuple[str, str], ...]


def build_distribution(
    source: PageSource, part: Part, findings: Mapping[str, Any], choice: FindingChoice
) -> DistributionView:
    """Build the finding's distribution over the territories below.

    `part`: of the commission above them. `findings`: of the territories, by code. `choice`: the finding.
    """
    language, order = source.language, source.language_order
    stage, question = choice.stage["code"], choice.question["code"]
    of_stations = choice.question["type"] == "yes_no"
    children = [one for one in part["children"] if one["kind"] != "precinct"]
    shapes = build_shapes(source.figures.load_map(), [one["code"] for one in children])
    lines = tuple(
        _build_line(
            source,
            (stage, question),
            one,
            findings.get(one["code"], {}).get(stage, {}).get(question),
            of_stations,
            shapes.get(one["code"]),
        )
        for one in children
    )
    answer = choice.question["findings"][0] if choice.question["findings"] else ""
    return DistributionView(
        stage=get_translation(choice.stage["titles"], language, order) or stage,
        code=question,
        question=get_translation(choice.question["labels"], language, order) or question,
        answer=translate_answer(answer)
        if of_stations
        else _("bad or very bad")
        if choice.question["type"] == "rating"
        else "",
        url=source.links.get_finding_url(part["facts"]["code"], stage, question),
        of_stations=of_stations,
        whole=build_total_ratio(part, choice, language),
        lines=lines,
        has_map=bool(shapes),
        width=1000,
        height=max((shape.bottom for shape in shapes.values()), default=0) + 4,
        legend=_build_legend(language),
    )


def build_total_ratio(part: Part, choice: FindingChoice, language: str) -> Ratio:
    """Build the finding's ratio for the commission itself."""
    record = part["stages"].get(choice.stage["code"], {}).get("questions", {}).get(choice.question["code"], {})
    if choice.question["type"] == "yes_no":
        stations = record.get("stations") or {}
        n, of = stations.get(choice.question["findings"][0], 0), sum(stations.values())
    else:
        finding = record.get("finding") or {"n": 0, "of": 0}
        n, of = finding["n"], finding["of"]
    figure_name = "stations" if choice.question["type"] == "yes_no" else "finding"
    path = f"stage|{choice.stage['code']}|{choice.question['code']}|{figure_name}"
    return build_ratio(n, of, format_figure(n, of), language, path)


def _build_line(
    source: PageSource, question_key: tuple[str, str], child: Part, found: Any, of_stations: bool, shape: Shape | None
) -> TerritoryLine:
    language = source.language
    n, of, conflicting = 0, 0, 0
    if found and of_stations and len(found) > 2:
        n, of, conflicting = found[2], found[3], found[4]
    elif found and not of_stations:
        n, of = found[0], found[1]
    path = f"@{child['code']}|{'|'.join(question_key)}|{'stations' if of_stations else 'finding'}"
    shown = build_ratio(n, of, format_figure(n, of), language, path)
    name = get_translation(child["names"], language, source.language_order) or child["code"]
    text = _("%(n)s of %(of)s") % {"n": shown.n, "of": shown.of} if of else _("missing")
    if shown.percent:
        text = f"{text} ({shown.percent})"
    return TerritoryLine(
        code=child["code"],
        name=name,
        url=source.links.get_place_url(child["code"]),
        ratio=shown,
        conflicting=format_number(conflicting, language) if conflicting else "",
        shade=choose_shade(n, of),
        said=text,
        shape=shape,
    )


def choose_shade(n: int, of: int) -> str:
    if not of:
        return "none"
    if of < MIN_SHADED_DENOMINATOR:
        return "few"
    return SHADES[get_share_code(n, of)]


def _build_legend(language: str) -> tuple[tuple[str, str], ...]:
    percent = "%" if language == "en" else "\u00a0%"
    rows = [("0", f"0{percent}")]
    for code, low, high, _says in SHARE_STEPS[1:-1]:
        ends = f"≥ {low:.0f}" if high == 100 else f"{'> ' if code in ('few', 'half') else ''}{low:.0f}–{high:.0f}"
        rows.append((SHADES[code], f"{ends}{percent}"))
    rows.append(("few", _("fewer than %(n)s: too few to shade") % {"n": MIN_SHADED_DENOMINATOR}))
    rows.append(("none", _("missing")))
    return tuple(rows)
