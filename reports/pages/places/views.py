"""Views of the public pages.

They are the same for all readers.
"""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from observer.models import Election
from observer.words import get_translation
from reports.pages.http import languages
from reports.pages.http.formats import format_day
from reports.pages.http.responses import RenderedPage, build_response, render_page
from reports.pages.places.finding import build_finding_page
from reports.pages.places.source_choice import PageSource, serve_place_page
from reports.pages.places.station import build_station_page
from reports.pages.places.territory import build_territory_page
from reports.services.publishing.published_releases import get_published_elections


@require_safe
def redirect_home(request: HttpRequest) -> HttpResponse:
    """Redirect to the list of elections in the browser's language."""
    response = HttpResponseRedirect(reverse("pages:elections", args=[languages.detect_browser_language(request)]))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def show_robots(request: HttpRequest) -> HttpResponse:
    """Serve robots.txt.

    Search engines may index the public pages, not the desk or the admin.
    """
    return HttpResponse(
        "User-agent: *\nDisallow: /admin/\nDisallow: /desk/\n", content_type="text/plain; charset=utf-8"
    )


@require_safe
def show_elections(request: HttpRequest, language: str) -> HttpResponse:
    """Show the list of elections that publish or will publish something."""
    listed = [one for one in get_published_elections().values() if one.root]
    if language not in languages.list_page_languages(one.languages for one in listed):
        raise Http404
    now = timezone.now()
    with languages.override_language(language):
        rows = [
            {
                "name": get_translation(one.names, language, one.languages) or one.slug,
                "day": format_day(date.fromisoformat(one.date), language),
                "live": one.publication == Election.Publication.LIVE,
                "waits": one.find_newest_release(now) is None,
                "url": reverse("pages:election", args=[languages.choose_language(language, one.languages), one.slug]),
            }
            for one in listed
        ]
    context = {
        "rows": rows,
        "home": reverse("pages:elections", args=[language]),
        "switch": languages.build_language_switch(
            languages.get_interface_languages(), lambda code: reverse("pages:elections", args=[code])
        ),
    }
    return build_response(request, render_page("public/elections.html", context, language), language)


@require_safe
def show_commission(
    request: HttpRequest, language: str, slug: str, code: str | None = None, number: int | None = None
) -> HttpResponse:
    """Show the page of a commission.

    Without `code`, of the topmost one.
    """
    return serve_place_page(request, language, slug, code, number, "page", lambda source: _build_page(source, code))


@require_safe
def show_finding(
    request: HttpRequest, language: str, slug: str, code: str, stage: str, question: str, number: int | None = None
) -> HttpResponse:
    """Show the page of one finding of a commission."""

    def build(source: PageSource) -> RenderedPage | None:
        part = source.figures.load_place(code)
        return None if part is None or "station" in part else build_finding_page(source, part, stage, question)

    return serve_place_page(request, language, slug, code, number, f"finding:{stage}:{question}", build)


def _build_page(source: PageSource, code: str | None) -> RenderedPage | None:
    part = source.figures.load_place(code or source.figures.get_root_code())
    if part is None:
        return None
    return build_station_page(source, part) if "station" in part else build_territory_page(source, part)
