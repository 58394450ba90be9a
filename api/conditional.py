"""Conditional GET: ETag, 304 Not Modified and gzip for JSON and text answers."""

import gzip
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from rest_framework.request import Request

from reports.pages.http.responses import compute_etag, make_gzip_etag

VARY_HEADERS = ("Accept", "Accept-Language", "Authorization")
MIN_COMPRESS_BYTES = 1_000  # below it compressing saves nothing


def make_conditional(
    request: HttpRequest | Request, response: HttpResponse, *, public: bool = False, compress: bool = False
) -> HttpResponse:
    """Returns `response` with an ETag, or 304 if the client has it already.

    The ETag is a digest of content, language and format. `public`: shared caches may store the answer, but must ask
    whether it is still true. `compress`: gzip for a client that accepts it. Only for content that repeats nothing
    that the client sent.
    """
    etag = compute_etag(f"{get_language()}\n{response['Content-Type']}\n".encode() + response.content)
    compressed = compress and len(response.content) > MIN_COMPRESS_BYTES and _accepts_gzip(request)
    if compressed:
        etag = make_gzip_etag(etag)
    known_etags = [one.removeprefix("W/") for one in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
    if etag in known_etags or "*" in known_etags:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    elif compressed:
        response.content = _compress(response.content)
        response["Content-Encoding"] = "gzip"
    response["ETag"] = etag
    response["Cache-Control"] = "public, no-cache" if public else "private, no-cache"
    patch_vary_headers(response, (*VARY_HEADERS, "Accept-Encoding") if compress else VARY_HEADERS)
    return response


def _accepts_gzip(request: HttpRequest | Request) -> bool:
    for part in request.META.get("HTTP_ACCEPT_ENCODING", "")[:1000].lower().split(","):
        name, _semicolon, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@lru_cache(maxsize=128)
def _compress(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
