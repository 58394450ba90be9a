"""Authentication by device token.

A valid token gives an observer (`request.user`) and a device (`request.auth`).
"""

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from observer.models import Device, Observer
from observer.services.devices.enrolment import find_device_by_token, mark_device_used

if TYPE_CHECKING:
    # REST framework's views import this module, because the settings name it.
    from rest_framework.views import APIView

log = logging.getLogger("baqylau.api")


class DeviceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`.

    A revoked device gets its own error code, so that its phone can say why it stopped.
    """

    def authenticate(self, request: Request) -> tuple[Observer, Device] | None:
        scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        token = token.strip()
        device = find_device_by_token(token) if scheme.lower() == "bearer" and token.isascii() and token else None
        if device is None:
            raise AuthenticationFailed(gettext_lazy("This device token is not known"), "invalid_token")
        activate_language(request, device.observer.language)
        if device.revoked_at is not None:
            raise AuthenticationFailed(gettext_lazy("This device was revoked"), "device_revoked")
        try:
            mark_device_used(device=device, now=timezone.now())
        except OperationalError as error:  # the database is busy: the next request notes it
            log.warning("the use of a device was not noted: %s", error)
        return device.observer, device

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="baqylau"'


class IsEnrolled(BasePermission):
    """Allows requests of enrolled devices; an observer is no Django user."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.auth, Device)


def activate_language(request: Request, language: str) -> None:
    """Activates `language`, unless the request asks for one by header.

    A language cookie of the public pages is ignored.
    """
    if "HTTP_ACCEPT_LANGUAGE" in request.META:
        return
    try:
        translation.activate(translation.get_supported_language_variant(language))
    except LookupError:
        translation.activate(settings.LANGUAGE_CODE)


def get_device(request: Request) -> Device:
    """Returns the device that sent this request.

    For views that `IsEnrolled` guards.
    """
    device: Any = request.auth
    assert isinstance(device, Device)
    return device
