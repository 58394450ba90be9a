"""GET /commissions and GET /commissions/bundle: finding a station, with and without a network."""

import re

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import conditional
from api.rest import wire
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom, query
from observer.models import Election, Level
from observer.services.registry.places import commissions_below, commissions_near, commissions_search, territory_of
from observer.words import in_language
from reports.problems import Rejected

_NEAR = re.compile(r"(-?\d{1,3}(?:\.\d{1,15})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)
_FIELDS = ("code", "parent", "level", "name", "address", "lat", "lon", "timezone")


class Commissions(PhoneRoom):
    """By `near`, `search` or `parent`, one of them; without any, the topmost. Never more than a page of them."""

    def get(self, request: Request) -> HttpResponse:
        election = device_of(request).election
        near, search, parent = (query(request, name) for name in ("near", "search", "parent"))
        if sum(map(bool, (near, search, parent))) > 1:
            raise Rejected("invalid_query", _("Give one of near, search and parent."))
        if near:
            lat, lon = _degrees(near)
            rows = [
                wire.commission(row, election) | {"distance": metres}
                for row, metres in commissions_near(election=election, lat=lat, lon=lon)
            ]
        elif search:
            rows = [wire.commission(row, election) for row in commissions_search(election=election, words=search)]
        else:
            below = commissions_below(election=election, parent=parent or None)
            if below is None:
                raise Http404
            rows = [wire.commission(row, election) for row in below]
        return conditional(request, wire.json_answer(rows))


def _degrees(near: str) -> tuple[float, float]:
    found = _NEAR.fullmatch(near)
    lat, lon = (float(found[1]), float(found[2])) if found else (99.0, 999.0)
    if abs(lat) > 90 or abs(lon) > 180:
        raise Rejected("invalid_query", _("Two numbers are expected: latitude, longitude."), "near")
    return lat, lon


class Bundle(PhoneRoom):
    """The observer's territory as rows of values, parents first, with names in the reader's language."""

    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        election: Election = device.election
        order = election.languages
        places, complete = territory_of(observer=device.observer, election=election)
        codes = {place.pk: place.code for place in places}
        answer = {
            "election": election.slug,
            "complete": complete,
            "levels": [
                {"code": level.code, "kind": level.kind, "name": in_language(level.names, order=order)}
                for level in Level.objects.filter(election=election).order_by("order")
            ],
            "fields": _FIELDS,
            "rows": [
                [
                    place.code,
                    codes.get(place.parent_id) if place.parent_id else None,
                    place.level.code,
                    in_language(place.names, order=order),
                    in_language(place.address, order=order),
                    place.lat,
                    place.lon,
                    place.timezone or election.timezone,
                ]
                for place in places
            ],
        }
        return conditional(request, wire.json_answer(answer), compress=True)
