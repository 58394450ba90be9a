"""How a public page leaves the house: cached, comparable, and allowed to load nothing from elsewhere."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date

# There is no script that could connect; 'self' lets a browser's own tools read robots.txt from the page.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
STAMP = "X-Stamp"  # taken off before anyone sees it
CACHE = "public, max-age=10, stale-while-revalidate=60"


@dataclass(frozen=True)
class Rendered:
    """A whole page: its bytes, and their digest; `packed`: the same by gzip, where that is worth it."""

    body: bytes
    etag: str
    as_of: datetime | None = None
    packed: bytes = b""


def render(template: str, context: Mapping[str, Any], language: str, as_of: datetime | None = None) -> Rendered:
    """Renders with no request, so that nothing of one reader can reach the page of another."""
    with translation.override(language):
        body = render_to_string(template, {"language": language, "site": settings.PUBLIC_URL, **context}).encode()
    return Rendered(body, digest_of(body), as_of, gzip.compress(body, 6, mtime=0))


def digest_of(body: bytes) -> str:
    """An ETag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def tag_packed(etag: str) -> str:
    """The ETag of the same by gzip: a strong tag names bytes, so each encoding has its own.

    Not `-gzip`: the proxy takes that ending for its own and cuts it off the tag that a reader brings back.
    """
    return f'{etag[:-1]}-packed"'


def answer(
    request: HttpRequest, rendered: Rendered, language: str, *, status: int = 200, stamp: str = ""
) -> HttpResponse:
    """The page, or 304 where the reader has it. Compared by digest only: names may change while figures do not.

    `stamp`: as long as this holds, whoever stands in front of Django may give the same answer again.
    """
    packed = bool(rendered.packed) and "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
    body = rendered.packed if packed else rendered.body
    response = HttpResponse(body, status=status, content_type="text/html; charset=utf-8")
    harden(response)
    response["Content-Language"] = language
    response["Cache-Control"] = CACHE if status < 500 else "no-store"
    if packed:
        response["Content-Encoding"] = "gzip"
    if rendered.packed:
        patch_vary_headers(response, ["Accept-Encoding"])
    if status == 200:
        etag = tag_packed(rendered.etag) if packed else rendered.etag
        response["ETag"] = etag
        if rendered.as_of:
            response["Last-Modified"] = http_date(rendered.as_of.timestamp())
        found = get_conditional_response(request, etag=etag, response=response)
        if found is not None and found is not response:
            harden(found)
            return found
        if stamp:
            response[STAMP] = stamp
    return response


def harden(response: HttpResponseBase) -> None:
    response["Content-Security-Policy"] = POLICY
    response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response["Cross-Origin-Opener-Policy"] = "same-origin"
