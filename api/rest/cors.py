"""CORS middleware: lets the phone client use another address of this platform.

Where one address is blocked, the installed client tries the next: then its page has one origin and the API another.
Allowed are the origins that elections declare as mirrors, and this platform's own hosts. Cookies are never used:
the token alone identifies the device.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from api.rest.json_encoding import build_empty_response
from observer.services.registry.mirrors import list_declared_mirrors

API_PREFIX = "/api/v1/"
MIRRORS_CACHE_SECONDS = 30
ALLOWED_METHODS = "GET, HEAD, POST, PATCH, OPTIONS"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Accept-Language, If-None-Match, Tus-Resumable, Upload-Offset, Upload-Length, "
    "X-HTTP-Method-Override"
)
EXPOSED_HEADERS = "ETag, Date, Location, Retry-After, Link, Tus-Resumable, Upload-Offset, Upload-Length, X-Request-ID"


class CorsMiddleware:
    """Answers preflight requests, and says which origins may read an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.META.get("HTTP_ORIGIN")
        if origin is None or not request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        if not _is_allowed_origin(origin):
            response = self.get_response(request)
        elif request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
            response = build_empty_response()
            response["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            response["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response["Access-Control-Max-Age"] = "600"
            response["Access-Control-Allow-Origin"] = origin
        else:
            response = self.get_response(request)
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        patch_vary_headers(response, ["Origin"])
        return response


def _is_allowed_origin(origin: str) -> bool:
    if origin in _get_own_origins():
        return True
    declared = cache.get("mirrors")
    if declared is None:
        declared = list_declared_mirrors()
        cache.set("mirrors", declared, MIRRORS_CACHE_SECONDS)
    return origin in declared


def _get_own_origins() -> set[str]:
    return {f"https://{host}" for host in settings.ALLOWED_HOSTS}
