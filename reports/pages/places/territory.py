"""The page of a territorial commission: answer, map, findings, violations, children."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from observer.models import Level
from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_number, format_timestamp
from reports.pages.http.responses import RenderedPage, render_page
from reports.pages.places.context import build_place_context
from reports.pages.places.distribution_map import build_distribution
from reports.pages.places.headline_finding import FindingChoice, choose_headline_finding
from reports.pages.places.hourly_reports import build_hours_view
from reports.pages.places.names import parse_stages, parse_violation_groups
from reports.pages.places.page_view import PageLocation, build_page_view
from reports.pages.places.source_choice import PageSource
from reports.services.publishing.place_parts import Part
from reports.services.publishing.release_diff import list_changes
from reports.services.publishing.sources import ReleaseFigures

STATION_KIND = Level.Kind.PRECINCT


def build_territory_page(source: PageSource, part: Part) -> RenderedPage:
    with languages.override_language(source.language):
        context = build_territory_context(source, part)
    return render_page(
        "public/commission.html", context, source.language, source.figures.get_computed_at(part["facts"]["code"])
    )


def build_territory_context(source: PageSource, part: Part) -> dict[str, Any]:
    language, order, code = source.language, source.language_order, part["facts"]["code"]
    book = source.figures.load_codebook()
    stages = parse_stages(book["stages"])
    as_of = source.figures.get_computed_at(code)
    page = build_page_view(
        build_named_document(part, language, order) | {"as_of": as_of.isoformat() if as_of else None},
        stages,
        parse_violation_groups(book["groups"]),
        PageLocation(False, part["facts"]["zone"], order),
        language,
        lambda stage, question: source.links.get_finding_url(code, stage, question),
    )
    choice = choose_headline_finding(part, book["stages"], source.release.finding if source.release else "")
    return build_place_context(source, part) | {
        "page": page,
        "children": [{"view": view, "url": source.links.get_place_url(view.code)} for view in page.children],
        "stations": _list_stations(source, part),
        "stations_unlisted": _format_unlisted_count(source, part),
        "spread": _build_headline_distribution(source, part, choice) if choice else None,
        "hours": build_hours_view(part["hours"], language),
        "changes": _build_changes(source, part),
        "photos": build_photo_links(part.get("photos", [])),
    }


def build_named_document(part: Part, language: str, order: tuple[str, ...]) -> dict[str, Any]:
    """Build the summary document that `build_page_view` reads.

    It has the part's figures, with translated names of the territories.
    """
    return {
        "coverage": part["coverage"],
        "stages": part["stages"],
        "violations": part["violations"],
        "children": [
            one | {"name": get_translation(one["names"], language, order)}
            for one in part["children"]
            if one["kind"] != STATION_KIND
        ],
    }


def _list_stations(source: PageSource, part: Part) -> list[dict[str, Any]]:
    """List the stations directly below.

    None before there is a release, because only a release has their pages.
    """
    if source.election.find_newest_release(source.now) is None:
        return []
    return [
        {
            "name": get_translation(one["names"], source.language, source.language_order) or one["code"],
            "url": source.links.get_place_url(one["code"]),
            "shown": one["shown"],
        }
        for one in part["children"]
        if one["kind"] == STATION_KIND
    ]


def _format_unlisted_count(source: PageSource, part: Part) -> str:
    if source.election.find_newest_release(source.now) is not None:
        return ""
    stations = sum(one["kind"] == STATION_KIND for one in part["children"])
    return format_number(stations, source.language) if stations else ""


def _build_headline_distribution(source: PageSource, part: Part, choice: FindingChoice) -> Any:
    code = part["facts"]["code"]
    return build_distribution(source, part, source.figures.load_findings(code), choice)


def _build_changes(source: PageSource, part: Part) -> dict[str, Any] | None:
    """Build the changes of this commission's figures since the previous release."""
    if source.release is None:
        return None
    number_before = source.release.number - 1
    previous = source.election.find_release(number_before, source.now)
    earlier = ReleaseFigures(source.election, previous).load_place(part["facts"]["code"]) if previous else None
    if previous is None or earlier is None or "coverage" not in earlier:
        return None
    rows = list_changes(earlier, part)
    labels = {
        "precincts_observed": _("Polling stations observed"),
        "precincts_denied": _("Stations that denied observers access"),
        "observers": _("Observers"),
        "reports": _("Reports"),
        "reports_verified": _("Reports verified"),
        "confirmed": _("Confirmed violations, cases"),
        "refuted": _("Refuted violations"),
    }
    language = source.language
    return {
        "number": format_number(number_before, language),
        "url": source.links.for_release(number_before).get_place_url(part["facts"]["code"]),
        "cutoff": format_timestamp(previous.cutoff, source.election.zone, language),
        "rows": [
            {
                "label": labels[name],
                "before": format_number(before, language),
                "now": format_number(after, language),
                "by": f"{'+' if after > before else '−' if after < before else '±'}"
                f"{format_number(abs(after - before), language)}",
            }
            for name, before, after in rows
        ],
    }


def build_photo_links(listed: list[list[str]]) -> list[dict[str, str]]:
    return [
        {"copy": reverse("pages:photo", args=[copy]), "thumbnail": reverse("pages:photo", args=[thumbnail or copy])}
        for copy, thumbnail in listed
    ]
