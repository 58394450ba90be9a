"""POST /api/v1/relay: a sealed file, brought by whoever has it (docs/relay.md)."""

from typing import Any, BinaryIO, cast

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api.rest.authentication import DeviceToken
from api.rest.patience import wrong_add, wrong_many
from api.rest.relaying import Brought, file_bring
from api.rest.rooms import PublicRoom
from api.rest.wire import json_answer
from observer.models import Device, Observer
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.uploads import pieces
from reports.services.evidence.whole_uploads import Spool

CONTENT_TYPE = "application/octet-stream"
WRONG = "relay"


class MaybeDevice(DeviceToken):
    """A device where one says so and works; else nobody, who may bring files too."""

    def authenticate(self, request: Request) -> tuple[Observer, Device] | None:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


class Relay(PublicRoom):
    authentication_classes: tuple[type[BaseAuthentication], ...] = (MaybeDevice,)

    def post(self, request: Request) -> HttpResponse:
        bringer = request.auth if isinstance(request.auth, Device) else None
        address = request.META.get("REMOTE_ADDR", "")
        length = length_of(request.META)
        patience_require(bringer, address)
        if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise Rejected("unsupported_media_type", _("Send %(type)s.") % {"type": CONTENT_TYPE})
        if length > settings.RELAY_BYTES_MAX:
            raise Rejected("too_large", _("At most %(most)d bytes a file.") % {"most": settings.RELAY_BYTES_MAX})
        with Spool() as spool:
            for piece in pieces(cast(BinaryIO, request._request), length):
                spool.write(piece)
            if spool.size < length:
                raise Rejected("malformed", _("The body ended early. Nothing was stored; send it again."))
            brought = bring(spool, bringer, address)
        return json_answer(_told(brought), 200 if brought.state == RelayFile.State.TAKEN else 202)


def bring(spool: Spool, bringer: Device | None, address: str) -> Brought:
    """Takes the file; one that is refused or quarantined counts against the address it came from."""
    try:
        brought = file_bring(spool=spool, bringer=bringer, now=timezone.now())
    except Rejected as rejected:
        if rejected.code == "unreadable_file":
            wrong_add(WRONG, address)
        raise
    if brought.state == RelayFile.State.QUARANTINED:
        wrong_add(WRONG, address)
    return brought


def patience_require(bringer: Device | None, address: str) -> None:
    """Raises Rejected `throttled` for a stranger from where many wrong files came. A device is no stranger."""
    if bringer is None and wrong_many(WRONG, address):
        raise Rejected(
            "throttled", _("Too many files that are not ours came from here. Wait ten minutes, then try again.")
        )


def length_of(meta: dict[str, Any]) -> int:
    """Raises Rejected `length_required`."""
    given = meta.get("CONTENT_LENGTH") or ""
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Rejected("length_required", _("The header Content-Length is missing."))
    return int(given)


def _told(brought: Brought) -> dict[str, Any]:
    """Outcomes, and nothing more: who brings a file may be anyone."""
    header = brought.header
    return {
        "state": brought.state,
        "kind": header.kind,
        "part": header.part,
        "parts": header.parts,
        "results": brought.results,
    }
