"""What wraps every request, whichever room answers it."""

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
from observer.services.trail import address_clean, origin

Handler = Callable[[HttpRequest], HttpResponse]
log = logging.getLogger("baqylau.request")
DESK = ("/admin/", "/desk/")
_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_TOKEN = re.compile(r"^(/api/openrosa/k/)[^/]+")  # ODK Collect has no other place for it


class RequestId:
    """Gives every request an id, in its log lines and its answer; a proxy's own is kept.

    One line a request says what was asked and answered. Never the query: the desk looks people up by phone.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        current = given if _ID.match(given) else uuid.uuid4().hex
        token = request_id.set(current)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            if log.isEnabledFor(logging.INFO):
                milliseconds = round(1000 * (time.perf_counter() - began), 1)
                told = {
                    "method": request.method,
                    "path": _TOKEN.sub(r"\1…", request.path),
                    "status": response.status_code,
                }
                log.info("request", extra=told | {"milliseconds": milliseconds})
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = current
        return response


class DeskPolicy:
    """What a desk page may load: its own scripts, styles and pictures, nothing inline, nothing from elsewhere.

    Only here, by the address, so that no page of the desk is forgotten (`docs/decisions/0012-desk.md`).
    """

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(DESK):
            response["Content-Security-Policy"] = self.POLICY
        return response


class DeskPlans:
    """The desk's statements are planned for the values they are asked with, on PostgreSQL.

    A plan that is kept for any value (`prepare_threshold`) suits the door, where all values are alike. How long a
    list is depends on what it is a list of: a kept plan read 145,000 rows to show thirty.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection.vendor != "postgresql" or not request.path.startswith(DESK):
            return self.get_response(request)
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_custom_plan")
        try:
            return self.get_response(request)
        finally:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("RESET plan_cache_mode")


class Whence:
    """Lets the trail know from which address a request came, once the proxies have been asked."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = origin.set(address_clean(request.META.get("REMOTE_ADDR", "")))
        try:
            return self.get_response(request)
        finally:
            origin.reset(token)


class ForwardedHeaders:
    """Believes X-Forwarded-For and -Proto from TRUSTED_PROXIES only; drops them from anyone else."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.trusted = [ipaddress.ip_network(net, strict=False) for net in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_X_FORWARDED_PROTO" in request.META:
            chain = request.META.pop("HTTP_X_FORWARDED_FOR", "")
            if self._trusts(request.META.get("REMOTE_ADDR", "")):
                request.META["REMOTE_ADDR"] = self._client(chain) or request.META["REMOTE_ADDR"]
            else:
                request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in net for net in self.trusted)

    def _client(self, chain: str) -> str | None:
        """The nearest address that is no proxy of ours: whatever stands left of it is hearsay."""
        for address in reversed([part.strip() for part in chain.split(",") if part.strip()]):
            if not self._trusts(address):
                try:
                    return str(ipaddress.ip_address(address))
                except ValueError:
                    return None
        return None
