"""The API for a phone whose page came from another address of this platform (CORS).

Where one address is blocked, the installed client asks the next: its page has one origin, the API
another. Allowed are the origins that elections declare as mirrors, and this platform's own hosts.
No cookie is ever asked for: who speaks is told by the token alone.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from api.rest.wire import empty_answer
from observer.services.registry.mirrors import mirrors_declared

BASE = "/api/v1/"
KEPT = 30  # seconds for which the declared mirrors are remembered
METHODS = "GET, HEAD, POST, PATCH, OPTIONS"
TAKEN = (
    "Authorization, Content-Type, Accept-Language, If-None-Match, Tus-Resumable, Upload-Offset, Upload-Length, "
    "X-HTTP-Method-Override"
)
SHOWN = "ETag, Date, Location, Retry-After, Link, Tus-Resumable, Upload-Offset, Upload-Length, X-Request-ID"


class Mirrors:
    """Middleware: answers the browser's question beforehand (preflight), and says who may read an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.META.get("HTTP_ORIGIN")
        if origin is None or not request.path_info.startswith(BASE):
            return self.get_response(request)
        if not _is_allowed(origin):
            response = self.get_response(request)
        elif request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
            response = empty_answer()
            response["Access-Control-Allow-Methods"] = METHODS
            response["Access-Control-Allow-Headers"] = TAKEN
            response["Access-Control-Max-Age"] = "600"
            response["Access-Control-Allow-Origin"] = origin
        else:
            response = self.get_response(request)
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = SHOWN
        patch_vary_headers(response, ["Origin"])
        return response


def _is_allowed(origin: str) -> bool:
    if origin in _own():
        return True
    declared = cache.get("mirrors")
    if declared is None:
        declared = mirrors_declared()
        cache.set("mirrors", declared, KEPT)
    return origin in declared


def _own() -> set[str]:
    return {f"https://{host}" for host in settings.ALLOWED_HOSTS}
