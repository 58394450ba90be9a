"""POST /api/v1/relay: takes in a relay file, sent by anyone who has it.

A relay file is a sealed file that a phone saved; docs/relay.md is the format.
"""

from typing import Any, BinaryIO, cast

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api.rest.attempt_throttle import count_wrong_attempt, has_too_many_wrong_attempts
from api.rest.authentication import DeviceTokenAuthentication
from api.rest.base_views import PublicView
from api.rest.json_encoding import build_json_response
from api.rest.relay_intake import RelayResult, receive_relay_file
from observer.models import Device, Observer
from reports.models import RelayFile
from reports.problems import Rejected
from reports.services.evidence.uploads import read_chunks
from reports.services.evidence.whole_uploads import Spool

CONTENT_TYPE = "application/octet-stream"
ATTEMPT_KIND = "relay"


class OptionalDeviceTokenAuthentication(DeviceTokenAuthentication):
    """Authenticates a device if it can.

    Anonymous senders may send relay files too.
    """

    def authenticate(self, request: Request) -> tuple[Observer, Device] | None:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


class RelayUpload(PublicView):
    authentication_classes: tuple[type[BaseAuthentication], ...] = (OptionalDeviceTokenAuthentication,)

    def post(self, request: Request) -> HttpResponse:
        submitter = request.auth if isinstance(request.auth, Device) else None
        address = request.META.get("REMOTE_ADDR", "")
        length = parse_content_length(request.META)
        require_not_throttled(submitter, address)
        if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise Rejected("unsupported_media_type", _("Send %(type)s.") % {"type": CONTENT_TYPE})
        if length > settings.RELAY_BYTES_MAX:
            raise Rejected("too_large", _("At most %(most)d bytes a file.") % {"most": settings.RELAY_BYTES_MAX})
        with Spool() as spool:
            for chunk in read_chunks(cast(BinaryIO, request._request), length):
                spool.write(chunk)
            if spool.size < length:
                raise Rejected("malformed", _("The body ended early. Nothing was stored; send it again."))
            result = receive_upload(spool, submitter, address)
        return build_json_response(_serialize_result(result), 200 if result.state == RelayFile.State.TAKEN else 202)


def receive_upload(spool: Spool, submitter: Device | None, address: str) -> RelayResult:
    """Takes in the file.

    A file that is refused or quarantined is counted as a wrong attempt of its sender's address.
    """
    try:
        result = receive_relay_file(spool=spool, submitter=submitter, now=timezone.now())
    except Rejected as rejected:
        if rejected.code == "unreadable_file":
            count_wrong_attempt(ATTEMPT_KIND, address)
        raise
    if result.state == RelayFile.State.QUARANTINED:
        count_wrong_attempt(ATTEMPT_KIND, address)
    return result


def require_not_throttled(submitter: Device | None, address: str) -> None:
    """Raises Rejected `throttled` for an address that sent many wrong files.

    An enrolled device is never throttled.
    """
    if submitter is None and has_too_many_wrong_attempts(ATTEMPT_KIND, address):
        raise Rejected(
            "throttled", _("Too many files that are not ours came from here. Wait ten minutes, then try again.")
        )


def parse_content_length(meta: dict[str, Any]) -> int:
    """Returns Content-Length. Raises Rejected `length_required`."""
    given = meta.get("CONTENT_LENGTH") or ""
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Rejected("length_required", _("The header Content-Length is missing."))
    return int(given)


def _serialize_result(result: RelayResult) -> dict[str, Any]:
    """Returns the outcomes and nothing more, because anyone may send a file."""
    header = result.header
    return {
        "state": result.state,
        "kind": header.kind,
        "part": header.part,
        "parts": header.parts,
        "results": result.results,
    }
