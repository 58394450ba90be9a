"""Views about releases as a whole: list, method, search."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reports.pages.http import languages
from reports.pages.http.responses import RenderedPage
from reports.pages.places.context import (
    build_election_context,
    build_page_switch,
    build_release_view,
    render_election_page,
)
from reports.pages.places.source_choice import PageSource, serve_election_page, serve_release_page
from reports.pages.places.station_search import build_search_context
from reports.pages.releases.method import build_method_context


@require_safe
def show_releases(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """Show every release, the newest first, with its texts."""
    return serve_election_page(request, language, slug, _build_releases_page)


@require_safe
def show_method(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    """Show how the figures are counted."""
    return serve_election_page(request, language, slug, _build_method_page, number)


@require_safe
def show_search(request: HttpRequest, language: str, slug: str, number: int | None = None) -> HttpResponse:
    """Show the search for commissions by number, name and address."""
    query = request.GET.get("q", "")[:100]

    def build(source: PageSource) -> RenderedPage:
        return _build_page(source, "search", lambda: build_search_context(source, query))

    return serve_release_page(request, language, slug, number, build)


def _build_releases_page(source: PageSource) -> RenderedPage:
    return _build_page(
        source,
        "releases",
        lambda: {
            "editions": [build_release_view(source, one) for one in source.election.list_public_releases(source.now)]
        },
    )


def _build_method_page(source: PageSource) -> RenderedPage:
    return _build_page(source, "method", lambda: build_method_context(source))


def _build_page(source: PageSource, name: str, build_context: Any) -> RenderedPage:
    with languages.override_language(source.language):
        context = build_election_context(source) | build_context() | {"switch": build_page_switch(source, name)}
    return render_election_page(source, f"public/{name}.html", context)
