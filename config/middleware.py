"""Middleware of all requests.

Ids, log lines, addresses, and policies of desk pages.
"""

import ipaddress
import logging
import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from config.logs import request_id
from observer.services.trail import clean_address, request_address

Handler = Callable[[HttpRequest], HttpResponse]
log = logging.getLogger("baqylau.request")
DESK_PREFIXES = ("/admin/", "/desk/")
_REQUEST_ID_PATTERN = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_OPENROSA_TOKEN_PATTERN = re.compile(r"^(/api/openrosa/k/)[^/]+")  # ODK Collect can only send the token in the path


class RequestIdMiddleware:
    """Gives every request an id, in its log lines and its answer.

    An id from a proxy is kept. Each request is logged in one line, never with its query string: the desk searches
    people by phone number.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        current = given if _REQUEST_ID_PATTERN.match(given) else uuid.uuid4().hex
        token = request_id.set(current)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            if log.isEnabledFor(logging.INFO):
                milliseconds = round(1000 * (time.perf_counter() - started), 1)
                fields = {
                    "method": request.method,
                    "path": _OPENROSA_TOKEN_PATTERN.sub(r"\1…", request.path),
                    "status": response.status_code,
                }
                log.info("request", extra=fields | {"milliseconds": milliseconds})
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = current
        return response


class DeskContentSecurityPolicyMiddleware:
    """Sets the content security policy of desk pages.

    They load only their own scripts, styles and pictures; nothing inline, nothing from elsewhere. It is set here by
    address, so that no page of the desk is forgotten (`docs/decisions/0012-desk.md`).
    """

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(DESK_PREFIXES):
            response["Content-Security-Policy"] = self.POLICY
        return response


class DeskQueryPlanMiddleware:
    """Makes PostgreSQL plan the desk's statements for their actual values.

    A plan that is reused for any value (`prepare_threshold`) suits the intake, where all values are alike. In the
    desk the length of a list depends on the values: a reused plan read 145,000 rows to show thirty.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection.vendor != "postgresql" or not request.path.startswith(DESK_PREFIXES):
            return self.get_response(request)
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_custom_plan")
        try:
            return self.get_response(request)
        finally:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("RESET plan_cache_mode")


class ClientAddressMiddleware:
    """Sets the address that the trail records for a request.

    It must come after ForwardedHeadersMiddleware.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_address.set(clean_address(request.META.get("REMOTE_ADDR", "")))
        try:
            return self.get_response(request)
        finally:
            request_address.reset(token)


class ForwardedHeadersMiddleware:
    """Accepts X-Forwarded-For and -Proto from TRUSTED_PROXIES only.

    From anyone else they are dropped.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.trusted = [ipaddress.ip_network(net, strict=False) for net in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_X_FORWARDED_PROTO" in request.META:
            chain = request.META.pop("HTTP_X_FORWARDED_FOR", "")
            if self._is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
                request.META["REMOTE_ADDR"] = self._find_client_address(chain) or request.META["REMOTE_ADDR"]
            else:
                request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)

    def _is_trusted_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in net for net in self.trusted)

    def _find_client_address(self, chain: str) -> str | None:
        """Returns the nearest address that is no trusted proxy.

        Addresses left of it in the header were not checked by anyone.
        """
        for address in reversed([part.strip() for part in chain.split(",") if part.strip()]):
            if not self._is_trusted_proxy(address):
                try:
                    return str(ipaddress.ip_address(address))
                except ValueError:
                    return None
        return None
