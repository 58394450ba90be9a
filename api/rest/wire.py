"""How values look on the wire of this API."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.functional import Promise

from observer.models import Commission, Election
from observer.words import in_language


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, UUID | date | Promise):
        return str(value)
    raise TypeError(f"no wire form for {type(value).__name__}")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode


def json_bytes(value: Any) -> bytes:
    """Compact UTF-8 JSON; times in UTC, decimals as numbers, lazy texts in the reader's language."""
    return _encode(value).encode()


def json_answer(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(json_bytes(value), status=status, content_type="application/json")


def empty_answer(status: int = 204, headers: Mapping[str, Any] | None = None) -> HttpResponse:
    """An answer without a body, which therefore has no type either."""
    response = HttpResponse(status=status, headers=dict(headers or {}))
    del response["Content-Type"]
    return response


def moment(value: datetime) -> str:
    """RFC 3339, with Z where it is UTC."""
    return value.isoformat().replace("+00:00", "Z")


def number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def place(commission: Commission) -> dict[str, float] | None:
    if commission.lat is None or commission.lon is None:
        return None
    return {"lat": commission.lat, "lon": commission.lon}


def commission(row: Commission, election: Election) -> dict[str, Any]:
    """A commission as phones see it, in the reader's language; `level` must be loaded."""
    order: Sequence[str] = election.languages
    return {
        "code": row.code,
        "name": in_language(row.names, order=order),
        "level": row.level.code,
        "kind": row.level.kind,
        "address": in_language(row.address, order=order) if isinstance(row.address, dict) else str(row.address),
        "location": place(row),
        "timezone": row.timezone or election.timezone,
    }
