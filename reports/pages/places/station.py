"""The page of a polling station.

It shows observed stages, confirmed violations, replies and photos.

It shows nothing else, to protect the observers.
"""

from typing import Any

from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_number
from reports.pages.http.responses import RenderedPage, render_page
from reports.pages.places.context import build_place_context
from reports.pages.places.names import parse_stages, parse_violation_groups
from reports.pages.places.page_view import translate_severity
from reports.pages.places.source_choice import PageSource
from reports.pages.places.territory import build_photo_links
from reports.services.publishing.place_parts import Part


def build_station_page(source: PageSource, part: Part) -> RenderedPage:
    with languages.override_language(source.language):
        context = _build_context(source, part)
    return render_page(
        "public/station.html", context, source.language, source.figures.get_computed_at(part["facts"]["code"])
    )


def _build_context(source: PageSource, part: Part) -> dict[str, Any]:
    book, station, language, order = (
        source.figures.load_codebook(),
        part["station"],
        source.language,
        source.language_order,
    )
    context = build_place_context(source, part) | {"shown": station is not None}
    context["above_url"] = context["trail"][-1]["url"] if context["trail"] else context["top"]
    context["above_name"] = context["trail"][-1]["name"] if context["trail"] else ""
    if station is None:
        return context
    kinds = {kind.code: kind for group in parse_violation_groups(book["groups"]) for kind in group.types}
    return context | {
        "stages": [
            {"title": get_translation(stage.titles, language, order) or code, "observed": code in station["stages"]}
            for code, stage in parse_stages(book["stages"]).items()
            if code in station["stages"] or _is_station_stage(book, code)
        ],
        "confirmed": [
            {
                "code": code,
                "name": get_translation(kinds[code].names, language, order) if code in kinds else code,
                "severity": kinds[code].severity if code in kinds else "",
                "severity_word": translate_severity(kinds[code].severity) if code in kinds else "",
                "count": format_number(n, language),
            }
            for code, n in station["confirmed"].items()
        ],
        "photos": build_photo_links(station.get("photos", [])),
    }


def _is_station_stage(book: dict[str, Any], stage: str) -> bool:
    """Whether the stage is observed at stations."""
    return any(one["code"] == stage and one.get("at_stations") for one in book["stages"])
