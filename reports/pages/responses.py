"""How a public page leaves the house: cached, comparable, and allowed to load nothing from elsewhere."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CACHE = "public, max-age=10, stale-while-revalidate=60"


@dataclass(frozen=True)
class Rendered:
    """A whole page: its bytes, and their digest."""

    body: bytes
    etag: str
    as_of: datetime | None = None


def render(template: str, context: Mapping[str, Any], language: str, as_of: datetime | None = None) -> Rendered:
    """Renders with no request, so that nothing of one reader can reach the page of another."""
    with translation.override(language):
        body = render_to_string(template, {"language": language, **context}).encode()
    return Rendered(body, digest_of(body), as_of)


def digest_of(body: bytes) -> str:
    """An ETag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def answer(request: HttpRequest, rendered: Rendered, language: str, *, status: int = 200) -> HttpResponse:
    """The page, or 304 where the reader has it. Compared by digest only: names may change while figures do not."""
    response = HttpResponse(rendered.body, status=status, content_type="text/html; charset=utf-8")
    harden(response)
    response["Content-Language"] = language
    response["Cache-Control"] = CACHE if status != 500 else "no-store"
    if status == 200:
        response["ETag"] = rendered.etag
        if rendered.as_of:
            response["Last-Modified"] = http_date(rendered.as_of.timestamp())
        found = get_conditional_response(request, etag=rendered.etag, response=response)
        if found is not None and found is not response:
            harden(found)
            return found
    return response


def harden(response: HttpResponseBase) -> None:
    response["Content-Security-Policy"] = POLICY
    response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response["Cross-Origin-Opener-Policy"] = "same-origin"
