"""What every page about a commission is made from, whichever figures it shows."""

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import day, moment, number
from reports.pages.http.links import absolute
from reports.pages.http.responses import Rendered, render
from reports.pages.places.source_choice import Opened
from reports.services.publishing.codebook import Book
from reports.services.publishing.place_parts import Part
from reports.services.publishing.published_releases import Edition


def election_context(opened: Opened) -> dict[str, Any]:
    """What every page of an election has. Call it with the language active."""
    stand, links, order = opened.stand, opened.links, opened.order
    return {
        "election": in_language(stand.names, opened.language, order) or stand.slug,
        "day": day(date.fromisoformat(stand.date), opened.language),
        "home": reverse("pages:elections", args=[opened.language]),
        "top": links.root(),
        "links": links,
        "edition": edition_view(opened, opened.edition) if opened.edition else None,
        "newest": None if opened.is_newest else links.newest().root(),
        "has_releases": bool(stand.public(opened.at)),
        "pages": {name: links.page(name) for name in ("search", "method", "data", "statement")},
        "releases": links.releases(),
    }


def edition_view(opened: Opened, edition: Edition) -> dict[str, Any]:
    zone, language = opened.stand.zone, opened.language
    return {
        "number": number(edition.number, language),
        "cutoff": moment(edition.cutoff, zone, language),
        "since": moment(edition.since, zone, language),
        "computed": moment(edition.prepared_at, zone, language),
        "words": in_language(edition.texts, language, opened.order),
        "digest": edition.digest,
        "url": opened.links.release(edition.number).root(),
        "data": opened.links.release(edition.number).page("data"),
        "statement": opened.links.release(edition.number).page("statement"),
    }


def sample_words(book: Book) -> str:
    """Whether the stations were drawn by lot, and what follows for a reader."""
    if book.get("sample"):
        return _("The stations were drawn by lot before election day.")
    return _("The stations were not drawn by lot: the figures say what observers saw, not what happened everywhere.")


def place_context(opened: Opened, part: Part) -> dict[str, Any]:
    """What every page about one commission has."""
    known, language, order, links = part["facts"], opened.language, opened.order, opened.links
    book = opened.figures.book()
    levels = {level["code"]: level["names"] for level in book["levels"]}
    code = known["code"]
    return election_context(opened) | {
        "name": in_language(known["names"], language, order) or code,
        "sample": sample_words(book),
        "code": code,
        "level": in_language(levels.get(known["level"], {}), language, order),
        "address": in_language(known["address"], language, order),
        "voters": number(known["voters"], language) if known["voters"] is not None else "",
        "trail": [
            {"name": in_language(one["names"], language, order) or one["code"], "url": links.place(one["code"])}
            for one in known["above"]
        ],
        "replies": [
            {"day": day(date.fromisoformat(one["date"]), language), "text": in_language(one["texts"], language, order)}
            for one in (part.get("replies") or (part.get("station") or {}).get("replies") or [])
        ],
        "json": links.summary(code),
        "csv": links.summary(code, "csv"),
        "share": absolute(links.share(code)),
        "address_here": absolute(links.place(code)),
        "switch": languages.switch(order, lambda one: links.spoken(one).place(code)),
    }


def switch_to(opened: Opened, name: str) -> list[languages.Other]:
    """The language switch of a page that `Links.page` names, or of the list of releases."""
    links = opened.links
    return languages.switch(
        opened.order,
        lambda one: links.spoken(one).releases() if name == "releases" else links.spoken(one).page(name),
    )


def rendered(opened: Opened, template: str, context: dict[str, Any]) -> Rendered:
    return render(template, context, opened.language, opened.edition.prepared_at if opened.edition else None)
