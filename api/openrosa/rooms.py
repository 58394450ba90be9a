"""What the views of this channel share: who speaks, in which language, and how no is said.

Plain views: every report of a country's election day may pass here.
"""

import base64
import binascii
import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from observer.models import Device
from observer.services.devices.enrolment import device_by_token, device_is_stale, device_used
from reports.problems import Rejected

log = logging.getLogger("baqylau.openrosa")
XML = "text/xml; charset=utf-8"
RESPONSE = "http://openrosa.org/http/response"
RETRY_SECONDS = {"unavailable": 5, "low_disk": 60}
STATUS: Mapping[str, int] = {
    "malformed": 400,
    "not_authenticated": 401,
    "invalid_token": 403,
    "device_revoked": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "changed_content": 409,
    "checksum_mismatch": 409,
    "already_stored": 409,
    "offset_mismatch": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "low_disk": 503,
    "unavailable": 503,
}
View = Callable[..., HttpResponse]


def room(*methods: str) -> Callable[[View], View]:
    """A view for enrolled devices: called with (request, device, …), answers in OpenRosa's words."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def answered(request: HttpRequest, token: str | None = None, **more: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    response = refused(Rejected("method_not_allowed", _("This address does not take this method.")))
                    response["Allow"] = ", ".join(methods)
                else:
                    response = view(request, device_of(request, token), **more)
            except Rejected as problem:
                response = refused(problem, basic=token is None)
            except (RequestDataTooBig, UnreadablePostError):
                response = refused(Rejected("malformed", _("The body cannot be read.")))
            except (OperationalError, InterfaceError) as error:
                log.error("the database does not answer: %s", error)
                response = refused(Rejected("unavailable", _("Nothing was stored. Send it again in a moment.")))
            response["X-OpenRosa-Version"] = "1.0"
            response["Date"] = http_date()
            return response

        return answered

    return decorate


def device_of(request: HttpRequest, token: str | None) -> Device:
    """Who speaks, by the token in the address, else by Basic (observer's code and token).

    Raises Rejected: `not_authenticated`, `invalid_token`, `device_revoked`.
    """
    code = ""
    if token is None:
        code, token = _basic(request)
    device = device_by_token(token)
    if device is None or (code and device.observer.code.casefold() != code.casefold()):
        raise Rejected("invalid_token", _("This device token is not known. Ask your coordinator for new settings."))
    _speak(request, device)
    now = timezone.now()
    if device.revoked_at is not None:
        raise Rejected("device_revoked", _("This device was revoked. Ask your coordinator."))
    if device_is_stale(device=device, now=now):
        raise Rejected("invalid_token", _("These settings were not used in time. Ask your coordinator for new ones."))
    try:
        device_used(device=device, now=now)
    except OperationalError as error:  # a busy database: the next request will note it
        log.warning("the use of a device was not noted: %s", error)
    return device


def _basic(request: HttpRequest) -> tuple[str, str]:
    scheme, _blank, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            code, colon, token = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            colon = ""
        if colon and code and token:
            return code, token
    raise Rejected("not_authenticated", _("Give your observer's code and the device's token."))


def _speak(request: HttpRequest, device: Device) -> None:
    """In the observer's language, unless the phone asks for one: it is what the forms begin in."""
    if "HTTP_ACCEPT_LANGUAGE" in request.META:
        return
    try:
        translation.activate(translation.get_supported_language_variant(device.observer.language))
    except LookupError:
        translation.activate(settings.LANGUAGE_CODE)


def base_of(request: HttpRequest, token: str | None) -> str:
    """This device's absolute address, without a slash at the end."""
    path = reverse("openrosa:root", kwargs={"token": token}) if token else reverse("openrosa:basic")
    return request.build_absolute_uri(path).rstrip("/")


def message(text: str, status: int, nature: str) -> HttpResponse:
    body = (
        f'<OpenRosaResponse xmlns="{RESPONSE}"><message nature="{nature}">{escape(text)}</message></OpenRosaResponse>'
    )
    response = HttpResponse(body, status=status, content_type=XML)
    response["Cache-Control"] = "no-store"
    return response


def refused(problem: Rejected, *, basic: bool = False) -> HttpResponse:
    """The problem in words: Collect shows them to the observer."""
    status = STATUS.get(problem.code, 422)
    wrong = [f"{error.field}: {error.detail}" for error in problem.errors[:5]]
    response = message(" ".join([str(problem.detail), *wrong]), status, "error")
    if basic and status in (401, 403):
        response.status_code = 401
        response["WWW-Authenticate"] = 'Basic realm="baqylau", charset="UTF-8"'
    if problem.code in RETRY_SECONDS:
        response["Retry-After"] = str(RETRY_SECONDS[problem.code])
    return response
