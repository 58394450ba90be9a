"""Public data: elections, releases, a commission, its summary.

Only what publication allows.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest import csv_tables, json_encoding
from api.rest.base_views import PublicView, get_query_value
from api.rest.negotiation import select_format
from observer.models import Commission, Election
from observer.words import get_translation
from reports.problems import Rejected
from reports.services.publishing.live_summary import build_live_summary
from reports.services.publishing.place_parts import Part
from reports.services.publishing.published_releases import find_published_election
from reports.services.publishing.response_cache import get_or_build, query_commissions
from reports.services.publishing.sources import ReleaseFigures, build_release_summary
from reports.services.publishing.visibility import is_public

FORMATS = {"json": "application/json", "csv": "text/csv"}
MAX_CHILDREN = 2_000


class Elections(PublicView):
    def get(self, request: Request) -> HttpResponse:
        format_name = select_format(request, FORMATS)
        elections = Election.objects.announced()
        roots = dict(
            Commission.objects.filter(election__in=elections, parent__isnull=True)
            .order_by("-path")
            .values_list("election_id", "code")
        )
        rows = [
            {
                "slug": election.slug,
                "name": get_translation(election.names, order=election.languages) or election.slug,
                "date": str(election.date),
                "languages": election.languages,
                "publication": election.publication,
                "root": roots.get(election.pk),
            }
            for election in elections
        ]
        if format_name == "csv":
            listed = [row | {"languages": " ".join(row["languages"])} for row in rows]
            return _build_csv_response(
                request,
                csv_tables.render_rows_csv(listed, list(rows[0]) if rows else csv_tables.ELECTION_COLUMNS),
                "elections",
            )
        return make_conditional(request, json_encoding.build_json_response(rows), public=True)


class Releases(PublicView):
    def get(self, request: Request, election: str) -> HttpResponse:
        format_name = select_format(request, FORMATS)
        published, now = find_published_election(election), timezone.now()
        if published is None:
            raise _make_not_published()
        rows = [
            {
                "release": str(release.number),
                "cutoff": release.cutoff,
                "published_at": release.public_since,
                "digest": release.digest,
                "changes": get_translation(release.texts, order=published.languages),
                "data": f"/data/{published.slug}/{release.number}/datapackage.json",
            }
            for release in published.list_public_releases(now)
        ]
        if format_name == "csv":
            return _build_csv_response(
                request, csv_tables.render_rows_csv(rows, csv_tables.RELEASE_COLUMNS), f"{published.slug}-releases"
            )
        return make_conditional(request, json_encoding.build_json_response(rows), public=True)


class PublicCommission(PublicView):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        format_name = select_format(request, FORMATS)
        now = timezone.now()
        released = _find_released_place(request, election, code, now)
        answer = (
            _serialize_released_commission(*released) if released else _serialize_live_commission(election, code, now)
        )
        if format_name == "csv":
            return _build_csv_response(request, csv_tables.render_commission_csv(answer), answer["code"])
        return make_conditional(request, json_encoding.build_json_response(answer), public=True)


class Summary(PublicView):
    def get(self, request: Request, election: str, code: str) -> HttpResponse:
        format_name = select_format(request, FORMATS)
        now = timezone.now()
        language = get_language() or "en"
        if released := _find_released_place(request, election, code, now):
            figures, part = released
            content = _render_summary(build_release_summary(figures=figures, part=part, language=language), format_name)
        else:
            commission = _get_public_commission(query_commissions(election__slug=election, code=code), now)
            content = get_or_build(
                name=f"summary.{format_name}",
                place=commission,
                language=language,
                now=now,
                build=lambda: _render_summary(
                    build_live_summary(commission=commission, language=language, now=now), format_name
                ),
            )
        if format_name == "csv":
            return _build_csv_response(request, content, f"{code}-summary")
        return make_conditional(request, HttpResponse(content, content_type=FORMATS["json"]), public=True)


def _render_summary(document: dict[str, Any], format_name: str) -> bytes:
    return csv_tables.render_summary_csv(document) if format_name == "csv" else json_encoding.encode_json(document)


def _find_released_place(
    request: Request, election: str, code: str, now: datetime
) -> tuple[ReleaseFigures, Part] | None:
    """Returns the release and the place in it that answer this request.

    None where live figures answer. Reads no database. Raises Rejected `not_published` where a release is asked for
    by number, or only releases are public, and there is none.
    """
    published, release_number = find_published_election(election), get_query_value(request, "release", 9)
    if published is None:
        raise _make_not_published()
    if release_number:
        release = (
            published.find_release(int(release_number), now)
            if release_number.isascii() and release_number.isdigit()
            else None
        )
    else:
        release = published.find_newest_release(now)
    may_be_live = published.publication == Election.Publication.LIVE and not release_number
    if release is None:
        if may_be_live:
            return None
        raise _make_not_published()
    figures = ReleaseFigures(published, release)
    part = figures.load_place(code)
    if may_be_live and (part is None or "station" not in part):
        return None
    if part is None:
        raise _make_not_published()
    return figures, part


def _serialize_released_commission(figures: ReleaseFigures, part: Part) -> dict[str, Any]:
    facts, order = part["facts"], figures.election.languages
    parent = figures.load_place(facts["above"][-1]["code"]) if facts["above"] else None
    kinds = {level["code"]: level["kind"] for level in figures.load_codebook()["levels"]}

    def serialize_link(one: Part, level: str) -> dict[str, Any]:
        return {"code": one["code"], "name": get_translation(one["names"], order=order), "level": level}

    children = [serialize_link(one, one["level"]) for one in part.get("children", ())[:MAX_CHILDREN]]
    return {
        "election": figures.slug,
        "code": facts["code"],
        "name": get_translation(facts["names"], order=order),
        "level": facts["level"],
        "kind": kinds.get(facts["level"], facts["kind"]),
        "address": get_translation(facts["address"], order=order),
        "location": {"lat": facts["place"][0], "lon": facts["place"][1]} if facts["place"] else None,
        "timezone": facts["zone"],
        "parent": serialize_link(parent["facts"], parent["facts"]["level"]) if parent else None,
        "children": children,
        "voters": facts["voters"],
        "type": facts["type"] or None,
    }


def _serialize_live_commission(election: str, code: str, now: datetime) -> dict[str, Any]:
    rows = Commission.objects.filter(election__slug=election, code=code)
    commission = _get_public_commission(rows.select_related("election", "level", "parent__level"), now)
    order = commission.election.languages
    children = list(commission.children.select_related("level").order_by("path")[:MAX_CHILDREN])
    return {
        "election": commission.election.slug,
        **json_encoding.serialize_commission(commission, commission.election),
        "parent": _serialize_link(commission.parent, order) if commission.parent else None,
        "children": [_serialize_link(child, order) for child in children],
        "voters": commission.voters,
        "type": commission.type or None,
    }


def _make_not_published() -> Rejected:
    return Rejected("not_published", _("Nothing is published here, or not yet."))


def _get_public_commission(rows: QuerySet[Commission], now: datetime) -> Commission:
    """Returns the commission, if it is public.

    What does not exist and what is not public get the same answer.
    """
    commission = rows.first()
    if commission is None or not is_public(commission=commission, now=now):
        raise _make_not_published()
    return commission


def _serialize_link(row: Commission, order: list[str]) -> dict[str, Any]:
    return {"code": row.code, "name": get_translation(row.names, order=order), "level": row.level.code}


def _build_csv_response(request: Request, content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name.encode("ascii", "ignore").decode() or "data"}.csv"'}
    response = HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
    return make_conditional(request, response, public=True)
