"""Shared by the OpenRosa views: authentication, language, messages and errors.

These are plain Django views, because every report of a country's election day may pass here.
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
from observer.services.devices.enrolment import find_device_by_token, is_device_stale, mark_device_used
from reports.problems import Rejected

log = logging.getLogger("baqylau.openrosa")
XML_TYPE = "text/xml; charset=utf-8"
RESPONSE_NAMESPACE = "http://openrosa.org/http/response"
RETRY_AFTER_SECONDS = {"unavailable": 5, "low_disk": 60}
STATUS_BY_CODE: Mapping[str, int] = {
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


def device_view(*methods: str) -> Callable[[View], View]:
    """Decorates a view for enrolled devices that takes only `methods`.

    The view is called with (request, device, …). Errors are answered as OpenRosa messages.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def wrapper(request: HttpRequest, token: str | None = None, **kwargs: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    response = build_error_response(
                        Rejected("method_not_allowed", _("This address does not take this method."))
                    )
                    response["Allow"] = ", ".join(methods)
                else:
                    response = view(request, authenticate_device(request, token), **kwargs)
            except Rejected as problem:
                response = build_error_response(problem, is_basic=token is None)
            except (RequestDataTooBig, UnreadablePostError):
                response = build_error_response(Rejected("malformed", _("The body cannot be read.")))
            except (OperationalError, InterfaceError) as error:
                log.error("the database does not answer: %s", error)
                response = build_error_response(
                    Rejected("unavailable", _("Nothing was stored. Send it again in a moment."))
                )
            response["X-OpenRosa-Version"] = "1.0"
            response["Date"] = http_date()
            return response

        return wrapper

    return decorate


def authenticate_device(request: HttpRequest, token: str | None) -> Device:
    """Returns the device that sends this request.

    It is found by the token in the address, else by Basic auth (observer's code and token).

    Raises Rejected: `not_authenticated`, `invalid_token`, `device_revoked`.
    """
    code = ""
    if token is None:
        code, token = _parse_basic_auth(request)
    device = find_device_by_token(token)
    if device is None or (code and device.observer.code.casefold() != code.casefold()):
        raise Rejected("invalid_token", _("This device token is not known. Ask your coordinator for new settings."))
    _activate_language(request, device)
    now = timezone.now()
    if device.revoked_at is not None:
        raise Rejected("device_revoked", _("This device was revoked. Ask your coordinator."))
    if is_device_stale(device=device, now=now):
        raise Rejected("invalid_token", _("These settings were not used in time. Ask your coordinator for new ones."))
    try:
        mark_device_used(device=device, now=now)
    except OperationalError as error:  # the database is busy: the next request notes it
        log.warning("the use of a device was not noted: %s", error)
    return device


def _parse_basic_auth(request: HttpRequest) -> tuple[str, str]:
    """Returns observer's code and token from the header. Raises Rejected `not_authenticated`."""
    scheme, _blank, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            code, colon, token = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            colon = ""
        if colon and code and token:
            return code, token
    raise Rejected("not_authenticated", _("Give your observer's code and the device's token."))


def _activate_language(request: HttpRequest, device: Device) -> None:
    """Activates the observer's language, unless the phone asks for one by header.

    Forms open in that language.
    """
    if "HTTP_ACCEPT_LANGUAGE" in request.META:
        return
    try:
        translation.activate(translation.get_supported_language_variant(device.observer.language))
    except LookupError:
        translation.activate(settings.LANGUAGE_CODE)


def build_base_url(request: HttpRequest, token: str | None) -> str:
    """Returns this device's absolute address, without a slash at the end."""
    path = reverse("openrosa:root", kwargs={"token": token}) if token else reverse("openrosa:basic")
    return request.build_absolute_uri(path).rstrip("/")


def build_message_response(text: str, status: int, nature: str) -> HttpResponse:
    """Answers with an OpenRosaResponse document that holds one message."""
    body = f'<OpenRosaResponse xmlns="{RESPONSE_NAMESPACE}"><message nature="{nature}">{escape(text)}</message></OpenRosaResponse>'
    response = HttpResponse(body, status=status, content_type=XML_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def build_error_response(problem: Rejected, *, is_basic: bool = False) -> HttpResponse:
    """Answers with the problem as a message, which ODK Collect shows to the observer.

    `is_basic`: 401 and 403 become 401 with the header that asks for Basic auth.
    """
    status = STATUS_BY_CODE.get(problem.code, 422)
    field_errors = [f"{error.field}: {error.detail}" for error in problem.errors[:5]]
    response = build_message_response(" ".join([str(problem.detail), *field_errors]), status, "error")
    if is_basic and status in (401, 403):
        response.status_code = 401
        response["WWW-Authenticate"] = 'Basic realm="baqylau", charset="UTF-8"'
    if problem.code in RETRY_AFTER_SECONDS:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS[problem.code])
    return response
