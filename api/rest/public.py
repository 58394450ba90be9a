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
from api.rest.rooms import PublicRoom, query
from observer.models import Commission, Election
from observer.words import in_language
from reports.problems import Rejected
from reports.services.publishing.live import summary_document
from reports.services.publishing.place_parts import Part
from reports.services.publishing.published_releases import stand_of
from reports.services.publishing.response_cache import kept, places
from reports.services.publishing.sources import Released, released_document
from reports.services.publishing.visibility import published

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


class Releases(PublicRoom):
    def get(self, request: Request, election: str) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        stand, now = stand_of(election), timezone.now()
        if stand is None:
            raise _hidden()
        rows = [
            {
                "release": str(one.number),
                "cutoff": one.cutoff,
                "published_at": one.since,
                "digest": one.digest,
                "changes": in_language(one.texts, order=stand.languages),
                "data": f"/data/{stand.slug}/{one.number}/datapackage.json",
            }
            for one in stand.public(now)
        ]
        if wanted == "csv":
            return _csv(request, tables.rows_csv(rows, tables.RELEASES), f"{stand.slug}-releases")
        return conditional(request, wire.json_answer(rows), public=True)


class PublicCommission(PublicRoom):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        now = timezone.now()
        released = _released(request, election, code, now)
        answer = _released_commission(*released) if released else _live_commission(election, code, now)
        if wanted == "csv":
            return _csv(request, tables.commission_csv(answer), answer["code"])
        return conditional(request, wire.json_answer(answer), public=True)


class Summary(PublicRoom):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        wanted = format_of(request, FORMATS)
        now = timezone.now()
        language = get_language() or "en"
        if released := _released(request, election, code, now):
            figures, part = released
            content = _written(released_document(figures=figures, part=part, language=language), wanted)
        else:
            place = _readable(places(election__slug=election, code=code), now)
            content = kept(
                what=f"summary.{wanted}",
                place=place,
                language=language,
                now=now,
                make=lambda: _written(summary_document(commission=place, language=language, now=now), wanted),
            )
        if wanted == "csv":
            return _csv(request, content, f"{code}-summary")
        return conditional(request, HttpResponse(content, content_type=FORMATS["json"]), public=True)


def _written(document: dict[str, Any], wanted: str) -> bytes:
    return tables.summary_csv(document) if wanted == "csv" else wire.json_bytes(document)


def _released(request: Request, election: str, code: str, now: datetime) -> tuple[Released, Part] | None:
    """The release and the part that answer, or None where live figures do; reads no database.

    Raises Rejected `not_published` where a release is asked for by number, or is the only thing
    public, and is not there.
    """
    stand, asked = stand_of(election), query(request, "release", 9)
    if stand is None:
        raise _hidden()
    if asked:
        edition = stand.edition(int(asked), now) if asked.isascii() and asked.isdigit() else None
    else:
        edition = stand.newest(now)
    live = stand.publication == Election.Publication.LIVE and not asked
    if edition is None:
        if live:
            return None
        raise _hidden()
    figures = Released(stand, edition)
    part = figures.place(code)
    if live and (part is None or "station" not in part):
        return None
    if part is None:
        raise _hidden()
    return figures, part


def _released_commission(figures: Released, part: Part) -> dict[str, Any]:
    known, order = part["facts"], figures.stand.languages
    above = figures.place(known["above"][-1]["code"]) if known["above"] else None
    kinds = {level["code"]: level["kind"] for level in figures.book()["levels"]}

    def named(one: Part, level: str) -> dict[str, Any]:
        return {"code": one["code"], "name": in_language(one["names"], order=order), "level": level}

    children = [named(one, one["level"]) for one in part.get("children", ())[:CHILDREN]]
    return {
        "election": figures.slug,
        "code": known["code"],
        "name": in_language(known["names"], order=order),
        "level": known["level"],
        "kind": kinds.get(known["level"], known["kind"]),
        "address": in_language(known["address"], order=order),
        "location": {"lat": known["place"][0], "lon": known["place"][1]} if known["place"] else None,
        "timezone": known["zone"],
        "parent": named(above["facts"], above["facts"]["level"]) if above else None,
        "children": children,
        "voters": known["voters"],
        "type": known["type"] or None,
    }


def _live_commission(election: str, code: str, now: datetime) -> dict[str, Any]:
    rows = Commission.objects.filter(election__slug=election, code=code)
    place = _readable(rows.select_related("election", "level", "parent__level"), now)
    order = place.election.languages
    children = list(place.children.select_related("level").order_by("path")[:CHILDREN])
    return {
        "election": place.election.slug,
        **wire.commission(place, place.election),
        "parent": _named(place.parent, order) if place.parent else None,
        "children": [_named(child, order) for child in children],
        "voters": place.voters,
        "type": place.type or None,
    }


def _hidden() -> Rejected:
    return Rejected("not_published", _("Nothing is published here, or not yet."))


def _readable(rows: QuerySet[Commission], now: datetime) -> Commission:
    """The commission, if strangers may read it; what is missing and what is secret look the same."""
    place = rows.first()
    if place is None or not published(commission=place, now=now):
        raise _hidden()
    return place


def _named(row: Commission, order: list[str]) -> dict[str, Any]:
    return {"code": row.code, "name": in_language(row.names, order=order), "level": row.level.code}


def _csv(request: Request, content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name.encode("ascii", "ignore").decode() or "data"}.csv"'}
    response = HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
    return conditional(request, response, public=True)
