"""Rendering and responses of public pages: ETag, gzip, caching, security headers."""

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

# The pages have no script that could connect; connect-src 'self' lets the browser's tools read robots.txt.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
STAMP_HEADER = "X-Stamp"  # for config's release page cache, which removes it from the response
CACHE_CONTROL = "public, max-age=10, stale-while-revalidate=60"


@dataclass(frozen=True)
class RenderedPage:
    """A complete page.

    `gzipped`: its body compressed by gzip, empty where that is not worth it.
    """

    body: bytes
    etag: str
    as_of: datetime | None = None
    gzipped: bytes = b""


def render_page(
    template: str, context: Mapping[str, Any], language: str, as_of: datetime | None = None
) -> RenderedPage:
    """Render a template without a request.

    So no data of one reader can be on another reader's page.
    """
    with translation.override(language):
        body = render_to_string(template, {"language": language, "site": settings.PUBLIC_URL, **context}).encode()
    return RenderedPage(body, compute_etag(body), as_of, gzip.compress(body, 6, mtime=0))


def compute_etag(body: bytes) -> str:
    """Compute the strong ETag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def make_gzip_etag(etag: str) -> str:
    """Make the ETag of the gzipped body.

    A strong ETag stands for exact bytes, so each encoding has its own.

    The suffix is not `-gzip`, because the proxy removes that suffix from the ETags in requests.
    """
    return f'{etag[:-1]}-packed"'


def build_response(
    request: HttpRequest, rendered: RenderedPage, language: str, *, status: int = 200, stamp: str = ""
) -> HttpResponse:
    """Build the response with the page, or a 304.

    It is 304 where the reader has the same page already.

    Pages are compared by ETag only, because names may change while the figures and their time do not. `stamp`: while
    the election's cache stamp is this one, the page cache in front of Django may repeat the response.
    """
    use_gzip = bool(rendered.gzipped) and "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
    body = rendered.gzipped if use_gzip else rendered.body
    response = HttpResponse(body, status=status, content_type="text/html; charset=utf-8")
    set_security_headers(response)
    response["Content-Language"] = language
    response["Cache-Control"] = CACHE_CONTROL if status < 500 else "no-store"
    if use_gzip:
        response["Content-Encoding"] = "gzip"
    if rendered.gzipped:
        patch_vary_headers(response, ["Accept-Encoding"])
    if status == 200:
        etag = make_gzip_etag(rendered.etag) if use_gzip else rendered.etag
        response["ETag"] = etag
        if rendered.as_of:
            response["Last-Modified"] = http_date(rendered.as_of.timestamp())
        found = get_conditional_response(request, etag=etag, response=response)
        if found is not None and found is not response:
            set_security_headers(found)
            return found
        if stamp:
            response[STAMP_HEADER] = stamp
    return response


def set_security_headers(response: HttpResponseBase) -> None:
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response["Cross-Origin-Opener-Policy"] = "same-origin"
