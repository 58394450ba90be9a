"""GET /commissions and GET /commissions/bundle.

Finds a station, with and without a network.
"""

import re

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest import json_encoding
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView, get_query_value
from observer.models import Election, Level
from observer.services.registry.places import (
    find_children,
    find_nearest_commissions,
    load_territory,
    search_commissions,
)
from observer.words import get_translation
from reports.problems import Rejected

_NEAR_PATTERN = re.compile(r"(-?\d{1,3}(?:\.\d{1,15})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)
_BUNDLE_FIELDS = ("code", "parent", "level", "name", "address", "lat", "lon", "timezone")


class Commissions(DeviceView):
    """Lists commissions by one of `near`, `search` and `parent`.

    Without any of them it lists the topmost. It never returns more than one page.
    """

    def get(self, request: Request) -> HttpResponse:
        election = get_device(request).election
        near, search, parent = (get_query_value(request, name) for name in ("near", "search", "parent"))
        if sum(map(bool, (near, search, parent))) > 1:
            raise Rejected("invalid_query", _("Give one of near, search and parent."))
        if near:
            lat, lon = _parse_near(near)
            rows = [
                json_encoding.serialize_commission(row, election) | {"distance": metres}
                for row, metres in find_nearest_commissions(election=election, lat=lat, lon=lon)
            ]
        elif search:
            rows = [
                json_encoding.serialize_commission(row, election)
                for row in search_commissions(election=election, words=search)
            ]
        else:
            children = find_children(election=election, parent=parent or None)
            if children is None:
                raise Http404
            rows = [json_encoding.serialize_commission(row, election) for row in children]
        return make_conditional(request, json_encoding.build_json_response(rows))


def _parse_near(near: str) -> tuple[float, float]:
    """Parses `latitude,longitude` in degrees. Raises Rejected `invalid_query`."""
    found = _NEAR_PATTERN.fullmatch(near)
    lat, lon = (float(found[1]), float(found[2])) if found else (99.0, 999.0)
    if abs(lat) > 90 or abs(lon) > 180:
        raise Rejected("invalid_query", _("Two numbers are expected: latitude, longitude."), "near")
    return lat, lon


class CommissionBundle(DeviceView):
    """Returns the observer's territory as rows of values.

    Parents come first; names are in the reader's language.
    """

    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        election: Election = device.election
        order = election.languages
        places, complete = load_territory(observer=device.observer, election=election)
        codes = {place.pk: place.code for place in places}
        answer = {
            "election": election.slug,
            "complete": complete,
            "levels": [
                {"code": level.code, "kind": level.kind, "name": get_translation(level.names, order=order)}
                for level in Level.objects.filter(election=election).order_by("order")
            ],
            "fields": _BUNDLE_FIELDS,
            "rows": [
                [
                    place.code,
                    codes.get(place.parent_id) if place.parent_id else None,
                    place.level.code,
                    get_translation(place.names, order=order),
                    get_translation(place.address, order=order),
                    place.lat,
                    place.lon,
                    place.timezone or election.timezone,
                ]
                for place in places
            ],
        }
        return make_conditional(request, json_encoding.build_json_response(answer), compress=True)
