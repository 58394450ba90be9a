"""JSON responses, and how values are written in them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.functional import Promise

from observer.models import Commission, Election
from observer.words import get_translation


def _encode_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Decimal):
        return format_number(value)
    if isinstance(value, UUID | date | Promise):
        return str(value)
    raise TypeError(f"no wire form for {type(value).__name__}")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_encode_value).encode


def encode_json(value: Any) -> bytes:
    """Returns compact UTF-8 JSON.

    Times are in UTC, decimals are numbers, lazy texts are in the reader's language.
    """
    return _encode(value).encode()


def build_json_response(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(encode_json(value), status=status, content_type="application/json")


def build_empty_response(status: int = 204, headers: Mapping[str, Any] | None = None) -> HttpResponse:
    """Answers without a body, and therefore without a content type."""
    response = HttpResponse(status=status, headers=dict(headers or {}))
    del response["Content-Type"]
    return response


def format_time(value: datetime) -> str:
    """Returns RFC 3339, with Z where it is UTC."""
    return value.isoformat().replace("+00:00", "Z")


def format_number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def serialize_location(commission: Commission) -> dict[str, float] | None:
    """Returns the commission's coordinates; None where they are not known."""
    if commission.lat is None or commission.lon is None:
        return None
    return {"lat": commission.lat, "lon": commission.lon}


def serialize_commission(row: Commission, election: Election) -> dict[str, Any]:
    """Returns a commission as phones get it, in the reader's language.

    `level` must be loaded.
    """
    order: Sequence[str] = election.languages
    return {
        "code": row.code,
        "name": get_translation(row.names, order=order),
        "level": row.level.code,
        "kind": row.level.kind,
        "address": get_translation(row.address, order=order) if isinstance(row.address, dict) else str(row.address),
        "location": serialize_location(row),
        "timezone": row.timezone or election.timezone,
    }
