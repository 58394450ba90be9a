"""The public pages. They show what publication allows, and know no reader."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from observer.models import Election
from observer.words import in_language
from reports.pages.http import languages
from reports.pages.http.formats import day
from reports.pages.http.responses import Rendered, answer, render
from reports.pages.places.finding import finding_page
from reports.pages.places.source_choice import Opened, place_page
from reports.pages.places.station import station_page
from reports.pages.places.territory import territory_page
from reports.services.publishing.published_releases import stands


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the list of elections in the browser's language."""
    response = HttpResponseRedirect(reverse("pages:elections", args=[languages.preferred(request)]))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Whoever searches the web may search the figures; the desk is no page for them."""
    return HttpResponse(
        "User-agent: *\nDisallow: /admin/\nDisallow: /desk/\n", content_type="text/plain; charset=utf-8"
    )


@require_safe
def elections(request: HttpRequest, language: str) -> HttpResponse:
    """Every election of which anything is or will be public."""
    known = [one for one in stands().values() if one.root]
    if language not in languages.spoken(one.languages for one in known):
        raise Http404
    now = timezone.now()
    with languages.speaking(language):
        rows = [
            {
                "name": in_language(one.names, language, one.languages) or one.slug,
                "day": day(date.fromisoformat(one.date), language),
                "live": one.publication == Election.Publication.LIVE,
                "waits": one.newest(now) is None,
                "url": reverse("pages:election", args=[languages.closest(language, one.languages), one.slug]),
            }
            for one in known
        ]
    context = {
        "rows": rows,
        "home": reverse("pages:elections", args=[language]),
        "switch": languages.switch(
            languages.interface_languages(), lambda code: reverse("pages:elections", args=[code])
        ),
    }
    return answer(request, render("public/elections.html", context, language), language)


@require_safe
def commission(
    request: HttpRequest, language: str, slug: str, code: str | None = None, number: int | None = None
) -> HttpResponse:
    """A commission's page; without a code, the topmost one's."""
    return place_page(request, language, slug, code, number, "page", lambda opened: _page(opened, code))


@require_safe
def finding(
    request: HttpRequest, language: str, slug: str, code: str, stage: str, question: str, number: int | None = None
) -> HttpResponse:
    """What stands behind one figure of a commission."""

    def make(opened: Opened) -> Rendered | None:
        part = opened.figures.place(code)
        return None if part is None or "station" in part else finding_page(opened, part, stage, question)

    return place_page(request, language, slug, code, number, f"finding:{stage}:{question}", make)


def _page(opened: Opened, code: str | None) -> Rendered | None:
    part = opened.figures.place(code or opened.figures.root())
    if part is None:
        return None
    return station_page(opened, part) if "station" in part else territory_page(opened, part)
