"""What anyone may read: elections, a commission, its summary. Only what publication allows."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import conditional
from api.rest import tables, wire
from api.rest.negotiation import format_of
from api.rest.rooms import PublicRoom
from observer.models import Commission, Election
from observer.words import in_language
from reports.problems import Rejected
from reports.services.keeping import kept, places
from reports.services.publication import published
from reports.services.summaries import summary_document

FORMATS = {"json": "application/json", "csv": "text/csv"}
CHILDREN = 2_000


class Elections(PublicRoom):
    def get(self, request: Request) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        found = Election.objects.announced()
        roots = dict(
            Commission.objects.filter(election__in=found, parent__isnull=True)
            .order_by("-path")
            .values_list("election_id", "code")
        )
        rows = [
            {
                "slug": election.slug,
                "name": in_language(election.names, order=election.languages) or election.slug,
                "date": str(election.date),
                "languages": election.languages,
                "publication": election.publication,
                "root": roots.get(election.pk),
            }
            for election in found
        ]
        if wanted == "csv":
            listed = [row | {"languages": " ".join(row["languages"])} for row in rows]
            return _csv(request, tables.rows_csv(listed, list(rows[0]) if rows else tables.ELECTION), "elections")
        return conditional(request, wire.json_answer(rows), public=True)


class PublicCommission(PublicRoom):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        place = _public(election, code)
        order = place.election.languages
        children = list(place.children.select_related("level").order_by("path")[:CHILDREN])
        answer: dict[str, Any] = {
            "election": place.election.slug,
            **wire.commission(place, place.election),
            "parent": _named(place.parent, order) if place.parent else None,
            "children": [_named(child, order) for child in children],
            "voters": place.voters,
            "type": place.type or None,
        }
        if wanted == "csv":
            return _csv(request, tables.commission_csv(answer), place.code)
        return conditional(request, wire.json_answer(answer), public=True)


class Summary(PublicRoom):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        at = timezone.now()
        language = get_language() or "en"
        place = _readable(places(election__slug=election, code=code), at)
        content = kept(
            what=f"summary.{wanted}", place=place, language=language, at=at,
            make=lambda: _summary(place, language, wanted, at),
        )  # fmt: skip
        if wanted == "csv":
            return _csv(request, content, f"{place.code}-summary")
        return conditional(request, HttpResponse(content, content_type=FORMATS["json"]), public=True)


def _summary(place: Commission, language: str, wanted: str, at: datetime) -> bytes:
    document = summary_document(commission=place, language=language, at=at)
    return tables.summary_csv(document) if wanted == "csv" else wire.json_bytes(document)


def _public(election: str, code: str) -> Commission:
    rows = Commission.objects.filter(election__slug=election, code=code)
    return _readable(rows.select_related("election", "level", "parent__level"), timezone.now())


def _readable(rows: QuerySet[Commission], at: datetime) -> Commission:
    """The commission, if strangers may read it; what is missing and what is secret look the same."""
    place = rows.first()
    if place is None or not published(commission=place, at=at):
        raise Rejected("not_published", _("Nothing is published here, or not yet."))
    return place


def _named(row: Commission, order: list[str]) -> dict[str, Any]:
    return {"code": row.code, "name": in_language(row.names, order=order), "level": row.level.code}


def _csv(request: Request, content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name.encode("ascii", "ignore").decode() or "data"}.csv"'}
    response = HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
    return conditional(request, response, public=True)
