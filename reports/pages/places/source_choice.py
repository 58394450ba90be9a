"""Which figures an address shows: live ones, the newest release, or the release that it names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from observer.models import Election
from reports.pages.http import languages
from reports.pages.http.errors import message
from reports.pages.http.links import Links
from reports.pages.http.responses import Rendered, answer
from reports.services.publishing.published_releases import Edition, Stand, stand_of
from reports.services.publishing.response_cache import kept, places
from reports.services.publishing.sources import Figures, Live, Released
from reports.services.publishing.visibility import published


@dataclass(frozen=True)
class Opened:
    """What a page is made from. `edition`: the release shown; None of live figures."""

    language: str
    stand: Stand
    figures: Figures
    edition: Edition | None
    links: Links
    at: datetime

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(languages.codes_of(self.stand.languages))

    @property
    def is_newest(self) -> bool:
        """Whether nothing newer than what is shown is public."""
        newest = self.stand.newest(self.at)
        return self.edition is None or newest is None or newest.number == self.edition.number


Page = Callable[[Opened], Rendered | None]


def place_page(
    request: HttpRequest, language: str, slug: str, code: str | None, number: int | None, what: str, make: Page
) -> HttpResponse:
    """The page about a commission that `make` gives, or a page that says why there is none.

    `what` names the page among others about the same commission, and nothing a reader can choose freely.
    """
    now = timezone.now()
    stand = _stand(slug, language)
    if stand is None:
        return _closed(request, slug, language)
    opened = released(stand, language, number, now)
    live = number is None and stand.publication == Election.Publication.LIVE
    if live:
        rows = places(election__slug=slug)
        place = rows.filter(code=code).first() if code else rows.filter(parent__isnull=True).order_by("path").first()
        if place is None:
            raise Http404
        if not place.is_station and published(commission=place, now=now):
            figures = Live(place.election, now)
            shown = Opened(language, stand, figures, None, Links(language, slug), now)
            page = kept(
                what=f"{what}:{stand.stamp(now)}", place=place, language=language, now=now, make=lambda: make(shown)
            )
            return _sent(request, page, language)
        if opened is None:
            return _waits(request, language, station=True)
    if opened is None:
        return _unreleased(request, stand, language, number)
    return _sent(request, make(opened), language, opened)


def election_page(
    request: HttpRequest, language: str, slug: str, make: Page, number: int | None = None
) -> HttpResponse:
    """A page that is there before any release is; with a number, only of that release."""
    now = timezone.now()
    stand = _stand(slug, language)
    if stand is None:
        return _closed(request, slug, language)
    opened = released(stand, language, number, now)
    if opened is None:
        if number is not None:
            raise Http404
        election = Election.objects.get(slug=slug)
        opened = Opened(language, stand, Live(election, now), None, Links(language, slug), now)
    return _sent(request, make(opened), language, opened)


def release_page(request: HttpRequest, language: str, slug: str, number: int | None, make: Page) -> HttpResponse:
    """A page about a release as a whole: the one named, or the newest."""
    now = timezone.now()
    stand = _stand(slug, language)
    if stand is None:
        return _closed(request, slug, language)
    opened = released(stand, language, number, now)
    if opened is None:
        return _unreleased(request, stand, language, number)
    return _sent(request, make(opened), language, opened)


def released(stand: Stand, language: str, number: int | None, now: datetime) -> Opened | None:
    edition = stand.newest(now) if number is None else stand.edition(number, now)
    if edition is None:
        return None
    return Opened(language, stand, Released(stand, edition), edition, Links(language, stand.slug, number), now)


def _sent(request: HttpRequest, page: Rendered | None, language: str, opened: Opened | None = None) -> HttpResponse:
    """The page of a release (`opened`) is the same until what is public of its election changes."""
    if page is None:
        raise Http404
    stamp = opened.stand.stamp(opened.at) if opened and opened.edition else ""
    return answer(request, page, language, stamp=stamp)


def _stand(slug: str, language: str) -> Stand | None:
    stand = stand_of(slug)
    if stand is not None and (language not in languages.codes_of(stand.languages) or not stand.root):
        raise Http404
    return stand


def _closed(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """An election that publishes nothing says so; of a draft nobody outside knows."""
    try:
        election = Election.objects.exclude(state=Election.State.DRAFT).filter(slug=slug).first()
    except Error:
        election = None
    if election is None or language not in languages.languages_of(election):
        raise Http404
    with translation.override(language):
        title, text = _("Not published"), _("The mission has not published anything about this election.")
    return message(request, title=title, text=text, language=language, status=404)


def _unreleased(request: HttpRequest, stand: Stand, language: str, number: int | None) -> HttpResponse:
    if number is not None:
        raise Http404
    return _waits(request, language, station=False)


def _waits(request: HttpRequest, language: str, *, station: bool) -> HttpResponse:
    """404, but a designed one: says that nothing is lost, and what will come."""
    with translation.override(language):
        title = _("Nothing released yet")
        text = _("The mission publishes its figures as releases. None has been released yet.")
        if station:
            title = _("Not published yet")
            text = _(
                "Pages of single polling stations come with the first release, so that nobody learns who reported."
            )
    return message(request, title=title, text=text, language=language, status=404)
