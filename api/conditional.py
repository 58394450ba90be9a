"""Answers that are asked for again and again: with an ETag, and without a body where nothing is new."""

import gzip
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from rest_framework.request import Request

from reports.pages.http.responses import digest_of, tag_packed

VARY = ("Accept", "Accept-Language", "Authorization")
SMALL = 1_000  # bytes below which compressing saves nothing


def conditional(
    request: HttpRequest | Request, response: HttpResponse, *, public: bool = False, compress: bool = False
) -> HttpResponse:
    """`response` with its ETag (a digest of content, language and format), or 304 if the reader has it.

    `public`: shared caches may keep it, but must ask whether it is still true.
    `compress`: gzip for a reader that takes it. For what repeats nothing that its reader sent.
    """
    etag = digest_of(f"{get_language()}\n{response['Content-Type']}\n".encode() + response.content)
    packed = compress and len(response.content) > SMALL and _takes_gzip(request)
    if packed:
        etag = tag_packed(etag)
    known = [one.removeprefix("W/") for one in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
    if etag in known or "*" in known:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    elif packed:
        response.content = _packed(response.content)
        response["Content-Encoding"] = "gzip"
    response["ETag"] = etag
    response["Cache-Control"] = "public, no-cache" if public else "private, no-cache"
    patch_vary_headers(response, (*VARY, "Accept-Encoding") if compress else VARY)
    return response


def _takes_gzip(request: HttpRequest | Request) -> bool:
    for part in request.META.get("HTTP_ACCEPT_ENCODING", "")[:1000].lower().split(","):
        name, _semicolon, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@lru_cache(maxsize=128)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)
