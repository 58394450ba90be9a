"""Choice of a page's figures: live or of a release.

The release is the newest one, or the one whose number is in the address.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from observer.models import Election
from reports.pages.http import languages
from reports.pages.http.errors import render_message
from reports.pages.http.links import Links
from reports.pages.http.responses import RenderedPage, build_response
from reports.services.publishing.published_releases import PublishedElection, PublishedRelease, find_published_election
from reports.services.publishing.response_cache import get_or_build, query_commissions
from reports.services.publishing.sources import FigureSource, LiveFigures, ReleaseFigures
from reports.services.publishing.visibility import is_public


@dataclass(frozen=True)
class PageSource:
    """What a page is built from.

    `release`: the release that is shown, None for live figures.
    """

    language: str
    election: PublishedElection
    figures: FigureSource
    release: PublishedRelease | None
    links: Links
    now: datetime

    @property
    def language_order(self) -> tuple[str, ...]:
        """The election's languages, the preferred one first."""
        return tuple(languages.get_language_codes(self.election.languages))

    @property
    def is_newest(self) -> bool:
        """Whether no newer release than the shown one is public."""
        newest = self.election.find_newest_release(self.now)
        return self.release is None or newest is None or newest.number == self.release.number


PageBuilder = Callable[[PageSource], RenderedPage | None]


def serve_place_page(
    request: HttpRequest, language: str, slug: str, code: str | None, number: int | None, name: str, build: PageBuilder
) -> HttpResponse:
    """Serve the page about a commission that `build` returns.

    Where there is none, serve a page that says why.

    `name` distinguishes the page from others about the same commission; it must not contain anything that a
    reader can choose freely.
    """
    now = timezone.now()
    election = _find_election(slug, language)
    if election is None:
        return _respond_closed(request, slug, language)
    source = find_release_source(election, language, number, now)
    live = number is None and election.publication == Election.Publication.LIVE
    if live:
        rows = query_commissions(election__slug=slug)
        place = rows.filter(code=code).first() if code else rows.filter(parent__isnull=True).order_by("path").first()
        if place is None:
            raise Http404
        if not place.is_station and is_public(commission=place, now=now):
            figures = LiveFigures(place.election, now)
            live_source = PageSource(language, election, figures, None, Links(language, slug), now)
            page = get_or_build(
                name=f"{name}:{election.build_cache_stamp(now)}",
                place=place,
                language=language,
                now=now,
                build=lambda: build(live_source),
            )
            return _respond(request, page, language)
        if source is None:
            return _respond_not_yet(request, language, station=True)
    if source is None:
        return _respond_no_release(request, election, language, number)
    return _respond(request, build(source), language, source)


def serve_election_page(
    request: HttpRequest, language: str, slug: str, build: PageBuilder, number: int | None = None
) -> HttpResponse:
    """Serve a page that exists before the first release too.

    With `number`, only the page of that release.
    """
    now = timezone.now()
    election = _find_election(slug, language)
    if election is None:
        return _respond_closed(request, slug, language)
    source = find_release_source(election, language, number, now)
    if source is None:
        if number is not None:
            raise Http404
        row = Election.objects.get(slug=slug)
        source = PageSource(language, election, LiveFigures(row, now), None, Links(language, slug), now)
    return _respond(request, build(source), language, source)


def serve_release_page(
    request: HttpRequest, language: str, slug: str, number: int | None, build: PageBuilder
) -> HttpResponse:
    """Serve a page about release `number`, or the newest one."""
    now = timezone.now()
    election = _find_election(slug, language)
    if election is None:
        return _respond_closed(request, slug, language)
    source = find_release_source(election, language, number, now)
    if source is None:
        return _respond_no_release(request, election, language, number)
    return _respond(request, build(source), language, source)


def find_release_source(
    election: PublishedElection, language: str, number: int | None, now: datetime
) -> PageSource | None:
    """Find the release `number`, or the newest.

    None where it is not public.
    """
    release = election.find_newest_release(now) if number is None else election.find_release(number, now)
    if release is None:
        return None
    return PageSource(
        language, election, ReleaseFigures(election, release), release, Links(language, election.slug, number), now
    )


def _respond(
    request: HttpRequest, page: RenderedPage | None, language: str, source: PageSource | None = None
) -> HttpResponse:
    """Build the response; 404 where there is no page.

    The page of a release (`source`) stays the same until the election's public releases change, so it gets a stamp.
    """
    if page is None:
        raise Http404
    stamp = source.election.build_cache_stamp(source.now) if source and source.release else ""
    return build_response(request, page, language, stamp=stamp)


def _find_election(slug: str, language: str) -> PublishedElection | None:
    """Find the election.

    404 where it does not have this language or has no commission yet.
    """
    election = find_published_election(slug)
    if election is not None and (language not in languages.get_language_codes(election.languages) or not election.root):
        raise Http404
    return election


def _respond_closed(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """Respond that an election publishes nothing.

    404 for a draft, which the public must not know of.
    """
    try:
        election = Election.objects.exclude(state=Election.State.DRAFT).filter(slug=slug).first()
    except Error:
        election = None
    if election is None or language not in languages.get_election_languages(election):
        raise Http404
    with translation.override(language):
        title, text = _("Not published"), _("The mission has not published anything about this election.")
    return render_message(request, title=title, text=text, language=language, status=404)


def _respond_no_release(
    request: HttpRequest, election: PublishedElection, language: str, number: int | None
) -> HttpResponse:
    if number is not None:
        raise Http404
    return _respond_not_yet(request, language, station=False)


def _respond_not_yet(request: HttpRequest, language: str, *, station: bool) -> HttpResponse:
    """Respond that nothing has been released yet (404).

    The page also says what will be published.
    """
    with translation.override(language):
        title = _("Nothing released yet")
        text = _("The mission publishes its figures as releases. None has been released yet.")
        if station:
            title = _("Not published yet")
            text = _(
                "Pages of single polling stations come with the first release, so that nobody learns who reported."
            )
    return render_message(request, title=title, text=text, language=language, status=404)
