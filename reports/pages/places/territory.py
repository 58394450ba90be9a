"""The page of a commission that is no polling station: the answer, the map, the findings, what was made of them."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from observer.models import Level
from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import moment, number
from reports.pages.http.responses import Rendered, render
from reports.pages.places.context import place_context
from reports.pages.places.distribution_map import spread_view
from reports.pages.places.headline_finding import Choice, chosen
from reports.pages.places.hourly_turnout import hours_view
from reports.pages.places.names import groups_from, stages_from
from reports.pages.places.present import Place, page_view
from reports.pages.places.source_choice import Opened
from reports.services.publishing.place_parts import Part
from reports.services.publishing.release_diff import changes
from reports.services.publishing.sources import Released

STATION = Level.Kind.PRECINCT


def territory_page(opened: Opened, part: Part) -> Rendered:
    with languages.speaking(opened.language):
        context = territory_context(opened, part)
    return render("public/commission.html", context, opened.language, opened.figures.as_of(part["facts"]["code"]))


def territory_context(opened: Opened, part: Part) -> dict[str, Any]:
    language, order, code = opened.language, opened.order, part["facts"]["code"]
    book = opened.figures.book()
    stages = stages_from(book["stages"])
    as_of = opened.figures.as_of(code)
    page = page_view(
        document_in(part, language, order) | {"as_of": as_of.isoformat() if as_of else None},
        stages,
        groups_from(book["groups"]),
        Place(False, part["facts"]["zone"], order),
        language,
        lambda stage, question: opened.links.finding(code, stage, question),
    )
    choice = chosen(part, book["stages"], opened.edition.finding if opened.edition else "")
    return place_context(opened, part) | {
        "page": page,
        "children": [{"view": view, "url": opened.links.place(view.code)} for view in page.children],
        "stations": _stations(opened, part),
        "stations_unlisted": _unlisted(opened, part),
        "spread": _spread(opened, part, choice) if choice else None,
        "hours": hours_view(part["hours"], language),
        "changes": _changes(opened, part),
        "photos": photos_view(part.get("photos", [])),
    }


def document_in(part: Part, language: str, order: tuple[str, ...]) -> dict[str, Any]:
    """The part's figures with its territories named, as `page_view` reads them."""
    return {
        "coverage": part["coverage"],
        "stages": part["stages"],
        "violations": part["violations"],
        "children": [
            one | {"name": in_language(one["names"], language, order)}
            for one in part["children"]
            if one["kind"] != STATION
        ],
    }


def _stations(opened: Opened, part: Part) -> list[dict[str, Any]]:
    """The stations directly below, with pages only where a release has them."""
    if opened.stand.newest(opened.at) is None:
        return []
    return [
        {
            "name": in_language(one["names"], opened.language, opened.order) or one["code"],
            "url": opened.links.place(one["code"]),
            "shown": one["shown"],
        }
        for one in part["children"]
        if one["kind"] == STATION
    ]


def _unlisted(opened: Opened, part: Part) -> str:
    if opened.stand.newest(opened.at) is not None:
        return ""
    stations = sum(one["kind"] == STATION for one in part["children"])
    return number(stations, opened.language) if stations else ""


def _spread(opened: Opened, part: Part, choice: Choice) -> Any:
    code = part["facts"]["code"]
    return spread_view(opened, part, opened.figures.findings(code), choice)


def _changes(opened: Opened, part: Part) -> dict[str, Any] | None:
    """What differs from the release before, here."""
    if opened.edition is None:
        return None
    number_before = opened.edition.number - 1
    before = opened.stand.edition(number_before, opened.at)
    earlier = Released(opened.stand, before).place(part["facts"]["code"]) if before else None
    if before is None or earlier is None or "coverage" not in earlier:
        return None
    rows = changes(earlier, part)
    words = {
        "precincts_observed": _("Polling stations observed"),
        "precincts_denied": _("Stations that denied observers access"),
        "observers": _("Observers"),
        "reports": _("Reports"),
        "reports_verified": _("Reports verified"),
        "confirmed": _("Confirmed violations, cases"),
        "refuted": _("Refuted violations"),
    }
    language = opened.language
    return {
        "number": number(number_before, language),
        "url": opened.links.release(number_before).place(part["facts"]["code"]),
        "cutoff": moment(before.cutoff, opened.stand.zone, language),
        "rows": [
            {
                "label": words[what],
                "before": number(was, language),
                "now": number(now, language),
                "by": f"{'+' if now > was else '−' if now < was else '±'}{number(abs(now - was), language)}",
            }
            for what, was, now in rows
        ],
    }


def photos_view(listed: list[list[str]]) -> list[dict[str, str]]:
    return [
        {"copy": reverse("pages:photo", args=[copy]), "thumbnail": reverse("pages:photo", args=[thumbnail or copy])}
        for copy, thumbnail in listed
    ]
