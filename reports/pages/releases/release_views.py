"""Pages about releases as a whole: which there are, how they are counted, and what can be found in them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reports.pages.http import languages
from reports.pages.http.responses import Rendered
from reports.pages.places.context import edition_view, election_context, rendered, switch_to
from reports.pages.places.source_choice import Opened, election_page, release_page
from reports.pages.places.station_search import search_context
from reports.pages.releases.method import method_context


@require_safe
def releases(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """Every release, the newest first, with what changed."""
    return election_page(request, language, slug, _releases)


@require_safe
def method(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    """How the figures are made, for a reader."""
    return election_page(request, language, slug, _method, number)


@require_safe
def search(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    """Polling stations and commissions by number, name and address."""
    asked = request.GET.get("q", "")[:100]

    def make(opened: Opened) -> Rendered:
        return _worded(opened, "search", lambda: search_context(opened, asked))

    return release_page(request, language, slug, number, make)


def _releases(opened: Opened) -> Rendered:
    return _worded(
        opened, "releases", lambda: {"editions": [edition_view(opened, one) for one in opened.stand.public(opened.at)]}
    )


def _method(opened: Opened) -> Rendered:
    return _worded(opened, "method", lambda: method_context(opened))


def _worded(opened: Opened, name: str, make: Any) -> Rendered:
    with languages.speaking(opened.language):
        context = election_context(opened) | make() | {"switch": switch_to(opened, name)}
    return rendered(opened, f"public/{name}.html", context)
