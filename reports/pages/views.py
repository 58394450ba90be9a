"""The public pages. They show what publication allows, from summaries only, and know no reader."""

from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from observer.models import Commission, Election
from observer.words import in_language
from reports.pages import languages
from reports.pages.context import commission_context
from reports.pages.errors import message
from reports.pages.formats import day, moment
from reports.pages.responses import Rendered, answer, render
from reports.services.keeping import kept, places
from reports.services.publication import published


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the list of elections in the browser's language."""
    response = HttpResponseRedirect(reverse("pages:elections", args=[languages.preferred(request)]))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def elections(request: HttpRequest, language: str) -> HttpResponse:
    """Every election of which anything is or will be public."""
    top = Commission.objects.filter(election=OuterRef("pk"), parent__isnull=True).order_by("path").values("code")[:1]
    known = list(Election.objects.announced().annotate(root=Subquery(top)))
    if language not in languages.spoken(known):
        raise Http404
    rows = [
        {
            "name": in_language(one.names, language, one.languages) or one.slug,
            "day": day(one.date, language),
            "live": one.publication == Election.Publication.LIVE,
            "url": reverse("pages:election", args=[languages.closest(language, one), one.slug]),
        }
        for one in known
        if getattr(one, "root", None)
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
def election(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    """The root commission's page."""
    return _commission(request, language, slug, None)


@require_safe
def commission(request: HttpRequest, language: str, slug: str, code: str) -> HttpResponse:
    return _commission(request, language, slug, code)


def _commission(request: HttpRequest, language: str, slug: str, code: str | None) -> HttpResponse:
    at = timezone.now()
    rows = places(election__slug=slug)
    place = rows.filter(code=code).first() if code else rows.filter(parent__isnull=True).order_by("path").first()
    if place is None or language not in languages.languages_of(place.election):
        raise Http404
    if place.election.state == Election.State.DRAFT:
        raise Http404  # nobody outside knows of it yet
    if not published(commission=place, at=at):
        return _not_published(request, place, language, at)
    page = kept(what="page", place=place, language=language, at=at, make=lambda: _page(place, language, at))
    return answer(request, page, language)


def _page(place: Commission, language: str, at: datetime) -> Rendered:
    context, as_of = commission_context(place, language, at)
    return render("public/commission.html", context, language, as_of)


def _not_published(request: HttpRequest, place: Commission, language: str, at: datetime) -> HttpResponse:
    """404, but a designed one: says that nothing is lost, and when to come back where that is known."""
    election = place.election
    with translation.override(language):
        if election.publication == Election.Publication.CLOSED:
            title = _("Not published")
            text = _("The mission has not published anything about this election.")
        elif election.publication == Election.Publication.RELEASED:
            title = _("Nothing released yet")
            text = _("The mission publishes its figures as releases. None has been released yet.")
        else:
            title = _("Not published yet")
            when = moment(election.precincts_public_from or election.closes_at, place.zone, language)
            text = _("Pages of single polling stations open on %(when)s, so that nobody learns who reported.") % {
                "when": when
            }
    return message(request, title=title, text=text, language=language, status=404)
