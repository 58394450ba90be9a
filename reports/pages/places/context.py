"""Template context that all pages of an election or commission share."""

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_day, format_number, format_timestamp
from reports.pages.http.links import make_absolute_url
from reports.pages.http.responses import RenderedPage, render_page
from reports.pages.places.source_choice import PageSource
from reports.services.publishing.codebook import Codebook
from reports.services.publishing.place_parts import Part
from reports.services.publishing.published_releases import PublishedRelease


def build_election_context(source: PageSource) -> dict[str, Any]:
    """Build the context that every page of an election has.

    Call it with the language active.
    """
    election, links, order = source.election, source.links, source.language_order
    return {
        "election": get_translation(election.names, source.language, order) or election.slug,
        "day": format_day(date.fromisoformat(election.date), source.language),
        "home": reverse("pages:elections", args=[source.language]),
        "top": links.get_root_url(),
        "links": links,
        "edition": build_release_view(source, source.release) if source.release else None,
        "newest": None if source.is_newest else links.for_newest().get_root_url(),
        "has_releases": bool(election.list_public_releases(source.now)),
        "pages": {name: links.get_page_url(name) for name in ("search", "method", "data", "statement")},
        "releases": links.get_releases_url(),
    }


def build_release_view(source: PageSource, release: PublishedRelease) -> dict[str, Any]:
    zone, language = source.election.zone, source.language
    return {
        "number": format_number(release.number, language),
        "cutoff": format_timestamp(release.cutoff, zone, language),
        "since": format_timestamp(release.public_since, zone, language),
        "computed": format_timestamp(release.prepared_at, zone, language),
        "words": get_translation(release.texts, language, source.language_order),
        "digest": release.digest,
        "url": source.links.for_release(release.number).get_root_url(),
        "data": source.links.for_release(release.number).get_page_url("data"),
        "statement": source.links.for_release(release.number).get_page_url("statement"),
    }


def describe_sample(book: Codebook) -> str:
    """Describe whether the stations are a random sample.

    Also says what that means for the reader.
    """
    if book.get("sample"):
        return _("The stations were drawn by lot before election day.")
    return _("The stations were not drawn by lot: the figures say what observers saw, not what happened everywhere.")


def build_place_context(source: PageSource, part: Part) -> dict[str, Any]:
    """Build the context that every page about one commission has."""
    facts, language, order, links = part["facts"], source.language, source.language_order, source.links
    book = source.figures.load_codebook()
    levels = {level["code"]: level["names"] for level in book["levels"]}
    code = facts["code"]
    return build_election_context(source) | {
        "name": get_translation(facts["names"], language, order) or code,
        "sample": describe_sample(book),
        "code": code,
        "level": get_translation(levels.get(facts["level"], {}), language, order),
        "address": get_translation(facts["address"], language, order),
        "voters": format_number(facts["voters"], language) if facts["voters"] is not None else "",
        "trail": [
            {
                "name": get_translation(one["names"], language, order) or one["code"],
                "url": links.get_place_url(one["code"]),
            }
            for one in facts["above"]
        ],
        "replies": [
            {
                "day": format_day(date.fromisoformat(one["date"]), language),
                "text": get_translation(one["texts"], language, order),
            }
            for one in (part.get("replies") or (part.get("station") or {}).get("replies") or [])
        ],
        "json": links.get_summary_url(code),
        "csv": links.get_summary_url(code, "csv"),
        "share": make_absolute_url(links.get_share_image_url(code)),
        "address_here": make_absolute_url(links.get_place_url(code)),
        "switch": languages.build_language_switch(order, lambda one: links.for_language(one).get_place_url(code)),
    }


def build_page_switch(source: PageSource, name: str) -> list[languages.LanguageLink]:
    """Build the language switch of the page `name`.

    `name` is one for `Links.get_page_url`, or `releases`.
    """
    links = source.links
    return languages.build_language_switch(
        source.language_order,
        lambda one: (
            links.for_language(one).get_releases_url()
            if name == "releases"
            else links.for_language(one).get_page_url(name)
        ),
    )


def render_election_page(source: PageSource, template: str, context: dict[str, Any]) -> RenderedPage:
    return render_page(template, context, source.language, source.release.prepared_at if source.release else None)
