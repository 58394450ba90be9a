"""A polling station's page: which stages were observed, what was confirmed, what the commission replied. No more."""

from typing import Any

from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import number
from reports.pages.http.responses import Rendered, render
from reports.pages.places.context import place_context
from reports.pages.places.names import groups_from, stages_from
from reports.pages.places.present import severity_word
from reports.pages.places.source_choice import Opened
from reports.pages.places.territory import photos_view
from reports.services.publishing.place_parts import Part


def station_page(opened: Opened, part: Part) -> Rendered:
    with languages.speaking(opened.language):
        context = _context(opened, part)
    return render("public/station.html", context, opened.language, opened.figures.as_of(part["facts"]["code"]))


def _context(opened: Opened, part: Part) -> dict[str, Any]:
    book, station, language, order = opened.figures.book(), part["station"], opened.language, opened.order
    context = place_context(opened, part) | {"shown": station is not None}
    context["above_url"] = context["trail"][-1]["url"] if context["trail"] else context["top"]
    context["above_name"] = context["trail"][-1]["name"] if context["trail"] else ""
    if station is None:
        return context
    kinds = {kind.code: kind for group in groups_from(book["groups"]) for kind in group.types}
    return context | {
        "stages": [
            {"title": in_language(stage.titles, language, order) or code, "observed": code in station["stages"]}
            for code, stage in stages_from(book["stages"]).items()
            if code in station["stages"] or _asked_here(book, code)
        ],
        "confirmed": [
            {
                "code": code,
                "name": in_language(kinds[code].names, language, order) if code in kinds else code,
                "severity": kinds[code].severity if code in kinds else "",
                "severity_word": severity_word(kinds[code].severity) if code in kinds else "",
                "count": number(n, language),
            }
            for code, n in station["confirmed"].items()
        ],
        "photos": photos_view(station.get("photos", [])),
    }


def _asked_here(book: dict[str, Any], stage: str) -> bool:
    """Whether the stage is one that is observed at stations."""
    return any(one["code"] == stage and one.get("at_stations") for one in book["stages"])
