"""Base classes of the API's views, and readers of bodies and query parameters."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from api.rest import strict_json
from api.rest.authentication import DeviceTokenAuthentication, IsEnrolled
from api.rest.json_encoding import build_empty_response
from reports.problems import Rejected

MAX_BODY_BYTES = 16_000  # of a body that is no report


class ApiView(APIView):
    """A view that answers OPTIONS with its methods only."""

    metadata_class = None

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._is_options_request else super().get_authenticators()

    def get_permissions(self) -> Any:
        return [] if self._is_options_request else super().get_permissions()

    @property
    def _is_options_request(self) -> bool:
        """OPTIONS needs no authentication.

        It does nothing, and the methods are no secret.
        """
        return self.request.method == "OPTIONS"

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return build_empty_response(headers={"Allow": ", ".join(self.allowed_methods)})


class DeviceView(ApiView):
    """For enrolled devices only.

    `request.user` is the observer, `request.auth` the device.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = (DeviceTokenAuthentication,)
    permission_classes = (IsEnrolled,)


class PublicView(ApiView):
    """For everyone. A token is ignored.

    A revoked phone may still read what is public.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes = (AllowAny,)


def read_body(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Returns the whole body of a JSON request.

    Raises Rejected: `unsupported_media_type`, `length_required`, `too_large` (before and while it is read),
    `malformed` where the connection ended early.
    """
    meta = request.META
    media_type, _semicolon, parameters = meta.get("CONTENT_TYPE", "").partition(";")
    charset = parameters.strip().lower()
    if (
        media_type.strip().lower() != "application/json"
        or (charset.startswith("charset=") and charset[8:].strip('"') not in ("utf-8", "utf8"))
        or meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity")
    ):
        raise Rejected("unsupported_media_type", _("Send application/json in UTF-8, not compressed."))
    given = meta.get("CONTENT_LENGTH") or ""
    if not given.isascii() or not given.isdigit():
        raise Rejected("length_required", _("The header Content-Length is missing."))
    length = int(given) if len(given) < 20 else max_bytes + 1
    if length > max_bytes:
        raise _make_too_large(max_bytes)
    body: bytes = request._request.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise _make_too_large(max_bytes)
    if len(body) < length:
        raise Rejected("malformed", _("The body ended early. Nothing was stored; send it again."))
    return body


def _make_too_large(max_bytes: int) -> Rejected:
    return Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": max_bytes})


def read_json_object(request: Request, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Returns the JSON object in the body. Raises as `read_body`, and `malformed`."""
    return strict_json.parse_object(read_body(request, max_bytes))


def get_query_value(request: Request, name: str, max_length: int = 100) -> str:
    """Returns a value of the query string, "" if it is absent.

    Raises Rejected `invalid_query` for a value that is given twice, is too long, or that no database stores.
    """
    values = request._request.GET.getlist(name)
    if not values:
        return ""
    value = values[0].strip()
    if len(values) > 1 or len(value) > max_length or any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value):
        raise Rejected("invalid_query", _("This value of the address cannot be read."), name)
    return value
