"""Answers that a phone polls: with an ETag, and without a body where nothing is new."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from rest_framework.request import Request

VARY = ("Accept", "Accept-Language", "Authorization")


def conditional(request: HttpRequest | Request, response: HttpResponse, *, public: bool = False) -> HttpResponse:
    """`response` with its ETag (a digest of content, language and format), or 304 if the reader has it.

    `public`: shared caches may keep it, but must ask whether it is still true.
    """
    digest = hashlib.sha256(f"{get_language()}\n{response['Content-Type']}\n".encode() + response.content)
    etag = f'"{digest.hexdigest()[:32]}"'
    known = [one.removeprefix("W/") for one in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
    if etag in known or "*" in known:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    response["ETag"] = etag
    response["Cache-Control"] = "public, no-cache" if public else "private, no-cache"
    patch_vary_headers(response, VARY)
    return response
