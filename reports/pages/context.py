"""What a commission's page is made from: one summary row and a handful of small queries."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from observer.models import Commission, Level
from observer.words import in_language
from reports.models import Evidence
from reports.pages import languages
from reports.pages.formats import day, moment, number
from reports.pages.names import groups_of, stages_of
from reports.pages.present import Place, page_view
from reports.services.evidence import public_evidence
from reports.services.publication import published
from reports.services.summaries import summary_document

PHOTOS_MAX = 24
API = "/api/v1/elections/{slug}/commissions/{code}/summary"


def commission_context(place: Commission, language: str, at: datetime) -> tuple[dict[str, Any], datetime | None]:
    """The template's context, and when its figures were computed. `place` has its election and level."""
    election = place.election
    order = tuple(languages.languages_of(election))
    document = summary_document(commission=place, language=language, at=at)
    with languages.speaking(language):
        view = page_view(
            document,
            stages_of(election),
            groups_of(election),
            Place(place.level.kind == Level.Kind.PRECINCT, place.zone, order),
            language,
        )
        api = API.format(slug=election.slug, code=place.code)
        context = {
            "page": view,
            "election": in_language(election.names, language, order) or election.slug,
            "day": day(election.date, language),
            "name": in_language(place.names, language, order) or place.code,
            "code": place.code,
            "level": in_language(place.level.names, language, order),
            "address": in_language(place.address, language, order),
            "voters": number(place.voters, language) if place.voters is not None else "",
            "is_precinct": place.level.kind == Level.Kind.PRECINCT,
            "trail": _trail(place, language, order),
            "children": _children(place, document["children"], view.children, language, at),
            "precincts_from": _precincts_from(place, language) if view.withheld else "",
            "photos": _photos(place, language, at),
            "json": api,
            "csv": f"{api}?format=csv",
            "home": reverse("pages:elections", args=[language]),
            "switch": languages.switch(
                order, lambda code: reverse("pages:commission", args=[code, election.slug, place.code])
            ),
        }
    as_of = document["as_of"]
    return context, datetime.fromisoformat(as_of) if as_of else None


def _trail(place: Commission, language: str, order: tuple[str, ...]) -> list[dict[str, str]]:
    """The commissions above, from the root down. One query: their codes are this one's path."""
    above = place.path.rstrip("/").split("/")[:-1]
    rows = Commission.objects.filter(election=place.election_id, code__in=above).order_by("depth") if above else []
    return [
        {
            "name": in_language(row.names, language, order) or row.code,
            "url": reverse("pages:commission", args=[language, place.election.slug, row.code]),
        }
        for row in rows
    ]


def _children(
    place: Commission, listed: list[dict[str, Any]], views: tuple[Any, ...], language: str, at: datetime
) -> list[dict[str, Any]]:
    """The commissions below, linked: those with figures, or, before the first computation, their names alone."""
    slug = place.election.slug
    if listed:
        return [{"view": view, "url": reverse("pages:commission", args=[language, slug, view.code])} for view in views]
    rows = []
    for child in place.children.select_related("level").order_by("path"):
        child.election = place.election
        if published(commission=child, at=at):
            name = in_language(child.names, language, languages.languages_of(place.election)) or child.code
            rows.append({"name": name, "url": reverse("pages:commission", args=[language, slug, child.code])})
    return rows


def _precincts_from(place: Commission, language: str) -> str:
    election = place.election
    return moment(election.precincts_public_from or election.closes_at, place.zone, language)


def _photos(place: Commission, language: str, at: datetime) -> list[dict[str, str]]:
    """Approved copies of this commission's own reports; those of stations below are on the stations' pages."""
    rows: list[Evidence] = list(public_evidence(commission=place, at=at).select_related("report")[:PHOTOS_MAX])
    return [
        {
            "copy": reverse("pages:photo", args=[row.copy]),
            "thumbnail": reverse("pages:photo", args=[row.thumbnail or row.copy]),
            "when": moment(row.report.observed_at, place.zone, language) if row.report else "",
        }
        for row in rows
    ]
