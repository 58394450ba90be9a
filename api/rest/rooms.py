"""What the views of this API share: who may come in, and how a body is read."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from api.rest import strict
from api.rest.authentication import DeviceToken, IsEnrolled
from api.rest.wire import empty_answer
from reports.problems import Rejected

SMALL = 16_000  # bytes: any body that is no report


class Room(APIView):
    """A view that answers OPTIONS with what it takes, and nothing more."""

    metadata_class = None

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self._asks_what_is_taken else super().get_authenticators()

    def get_permissions(self) -> Any:
        return [] if self._asks_what_is_taken else super().get_permissions()

    @property
    def _asks_what_is_taken(self) -> bool:
        """The contract is no secret, and an OPTIONS does nothing: nobody is asked who they are."""
        return self.request.method == "OPTIONS"

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return empty_answer(headers={"Allow": ", ".join(self.allowed_methods)})


class PhoneRoom(Room):
    """For enrolled devices only. `request.user` is the observer, `request.auth` the device."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (DeviceToken,)
    permission_classes = (IsEnrolled,)


class PublicRoom(Room):
    """For everyone. A token is not even looked at: a revoked phone may still read what is public."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes = (AllowAny,)


def body_of(request: Request, most: int = SMALL) -> bytes:
    """The body of a JSON request, whole.

    Raises Rejected: `unsupported_media_type`, `length_required`, `too_large` (before reading it,
    and while), `malformed` where the connection ended early.
    """
    meta = request.META
    kind, _semicolon, parameters = meta.get("CONTENT_TYPE", "").partition(";")
    charset = parameters.strip().lower()
    if (
        kind.strip().lower() != "application/json"
        or (charset.startswith("charset=") and charset[8:].strip('"') not in ("utf-8", "utf8"))
        or meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity")
    ):
        raise Rejected("unsupported_media_type", _("Send application/json in UTF-8, not compressed."))
    given = meta.get("CONTENT_LENGTH") or ""
    if not given.isascii() or not given.isdigit():
        raise Rejected("length_required", _("The header Content-Length is missing."))
    length = int(given) if len(given) < 20 else most + 1
    if length > most:
        raise _too_large(most)
    body: bytes = request._request.read(most + 1)
    if len(body) > most:
        raise _too_large(most)
    if len(body) < length:
        raise Rejected("malformed", _("The body ended early. Nothing was stored; send it again."))
    return body


def _too_large(most: int) -> Rejected:
    return Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": most})


def object_of(request: Request, most: int = SMALL) -> dict[str, Any]:
    """The JSON object in the body. Raises as `body_of`, and `malformed`."""
    return strict.parse(body_of(request, most))


def query(request: Request, name: str, most: int = 100) -> str:
    """A value of the address's query, "" if absent. Raises Rejected `invalid_query` for what no database takes."""
    values = request._request.GET.getlist(name)
    if not values:
        return ""
    value = values[0].strip()
    if len(values) > 1 or len(value) > most or any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value):
        raise Rejected("invalid_query", _("This value of the address cannot be read."), name)
    return value
