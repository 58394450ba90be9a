"""The page behind one figure: its map, its table over the commissions below and over station types, and its rows."""

from typing import Any

from django.utils.translation import gettext as _

from reports.pages.http import languages
from reports.pages.http.formats import number
from reports.pages.http.responses import Rendered, render
from reports.pages.places.context import place_context
from reports.pages.places.distribution_map import spread_view, whole
from reports.pages.places.headline_finding import Choice, choice_of
from reports.pages.places.names import Stage, stages_from
from reports.pages.places.source_choice import Opened
from reports.pages.places.stages import Ratio, ratio, stage_views
from reports.services.figures.format import figure
from reports.services.publishing.package_tables import report_file
from reports.services.publishing.place_parts import Part


def finding_page(opened: Opened, part: Part, stage: str, question: str) -> Rendered | None:
    """None where this commission has no such figure."""
    book = opened.figures.book()
    choice = choice_of(book["stages"], stage, question)
    if choice is None or question not in part["stages"].get(stage, {}).get("questions", {}):
        return None
    with languages.speaking(opened.language):
        context = _context(opened, part, choice)
    return render("public/finding.html", context, opened.language, opened.figures.as_of(part["facts"]["code"]))


def _context(opened: Opened, part: Part, choice: Choice) -> dict[str, Any]:
    language, order, code = opened.language, opened.order, part["facts"]["code"]
    stage, asked = choice.stage["code"], choice.question["code"]
    stages = stages_from(opened.figures.book()["stages"])
    own = {asked: part["stages"][stage]["questions"][asked]}
    known = Stage(stages[stage].titles, {asked: stages[stage].questions[asked]})
    view = stage_views({stage: part["stages"][stage] | {"questions": own}}, {stage: known}, language, order)[0]
    return place_context(opened, part) | {
        "stage": view,
        "finding": view.findings[0] if view.findings else None,
        "rating": view.ratings[0] if view.ratings else None,
        "spread": spread_view(opened, part, opened.figures.findings(code), choice),
        "whole": whole(part, choice, language),
        "types": _types(opened, code, stage, asked),
        "place_url": opened.links.place(code),
        "rows": _rows(opened, choice),
        "switch": languages.switch(order, lambda one: opened.links.spoken(one).finding(code, stage, asked)),
    }


def _types(opened: Opened, code: str, stage: str, asked: str) -> list[dict[str, Any]]:
    """The finding by type of station, where a release counts them."""
    rows = []
    for name, counted in opened.figures.types(code).items():
        found = counted["findings"].get(stage, {}).get(asked)
        n, of = (found[0], found[1]) if found else (0, 0)
        shown: Ratio = ratio(n, of, figure(n, of), opened.language)
        rows.append({"name": type_word(name), "ratio": shown, "observed": number(counted["observed"], opened.language)})
    return rows


def type_word(code: str) -> str:
    """A station's type in the reader's language; a code of the country's own stays as it is."""
    return {
        "ordinary": _("ordinary stations"),
        "hospital": _("hospitals and rest homes"),
        "military": _("military units"),
        "remote": _("remote places"),
        "abroad": _("abroad"),
        "detention": _("places of detention"),
        "": _("other stations"),
    }.get(code, code)


def _rows(opened: Opened, choice: Choice) -> dict[str, str] | None:
    """Where the rows that made the figure can be had."""
    if opened.edition is None:
        return None
    release = opened.edition.number
    return {
        "file": report_file(choice.question["checklist"]),
        "reports": opened.links.file(report_file(choice.question["checklist"]), release),
        "figures": opened.links.file("figures.csv", release),
        "page": opened.links.release(release).page("data"),
    }
