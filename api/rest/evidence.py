"""Uploads of evidence by tus 1.0 (https://tus.io).

An upload is created by announcing the file in the report. The server passes a body on in slices as it arrives
(config/rsgi.py); each slice is a PATCH of its own here.
"""

from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from api.rest.authentication import get_device
from api.rest.base_views import DeviceView
from api.rest.json_encoding import build_empty_response
from api.rest.problems import build_rejected_response
from reports.models import Evidence
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import recover_upload
from reports.services.evidence.uploads import OffsetMismatch, append_to_upload, find_evidence

TUS_VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"


class EvidenceUpload(DeviceView):
    """One announced file.

    HEAD says how much has arrived, PATCH appends, POST with an override header does the same as PATCH.
    """

    http_method_names = ("head", "patch", "post", "options")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        given = request.META.get("HTTP_TUS_RESUMABLE", TUS_VERSION)
        if request.method != "OPTIONS" and given != TUS_VERSION:
            raise Rejected("unsupported_version", _("This server speaks tus %(version)s.") % {"version": TUS_VERSION})

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, cast(Any, response), *args, **kwargs)
        answer["Tus-Resumable"] = TUS_VERSION
        answer["Cache-Control"] = "no-store"
        if answer.status_code == 412:
            answer["Tus-Version"] = TUS_VERSION
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # No Tus-Extension: files are created by announcing them, and no other extension is supported.
        answer = super().options(request, *args, **kwargs)
        answer["Tus-Version"] = TUS_VERSION
        answer["Tus-Max-Size"] = str(settings.FILE_BYTES_MAX)
        return answer

    def head(self, request: Request, uuid: UUID) -> HttpResponse:
        evidence = _get_own_evidence(request, uuid)
        headers: dict[str, Any] = {"Upload-Offset": evidence.offset}
        if evidence.size is None:
            headers["Upload-Defer-Length"] = 1
        else:
            headers["Upload-Length"] = evidence.size
        return build_empty_response(200, headers)

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        if request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").strip().upper() != "PATCH":
            raise MethodNotAllowed("POST")
        return self.patch(request, uuid)

    def patch(self, request: Request, uuid: UUID) -> HttpResponse:
        try:
            return _append_upload(request, _get_own_evidence(request, uuid))
        except Rejected as rejected:
            answer = build_rejected_response(rejected)
            if isinstance(rejected, OffsetMismatch):
                answer["Upload-Offset"] = rejected.offset
            return answer


def _append_upload(request: Request, evidence: Evidence) -> HttpResponse:
    if evidence.state == Evidence.State.STORED:
        raise OffsetMismatch("already_stored", evidence.offset)  # even if the request has other errors
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        raise Rejected("unsupported_media_type", _("Send %(type)s.") % {"type": CONTENT_TYPE})
    offset = _parse_number_header(request, "HTTP_UPLOAD_OFFSET")
    if offset is None:
        raise Rejected("bad_request", _("The header Upload-Offset is missing."))
    offset = append_to_upload(
        evidence=evidence,
        offset=offset,
        stream=cast(BinaryIO, request.META["wsgi.input"]),
        length=_get_content_length(request),
        total=_parse_number_header(request, "HTTP_UPLOAD_LENGTH"),
        now=timezone.now(),
    )
    return build_empty_response(headers={"Upload-Offset": offset})


def _get_own_evidence(request: Request, uuid: UUID) -> Evidence:
    """Returns the file, if this observer announced it; else 404.

    For another observer's file the answer is the same as for one that does not exist.
    """
    evidence = find_evidence(uuid=uuid, observer=get_device(request).observer)
    if evidence is None:
        raise Http404
    return recover_upload(evidence=evidence, now=timezone.now())


def _parse_number_header(request: Request, name: str) -> int | None:
    """Parses a header as a whole number; None where it is absent.

    Raises Rejected `bad_request`.
    """
    given = request.META.get(name)
    if given is None or given == "":
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        header = name.removeprefix("HTTP_").replace("_", "-").title()
        raise Rejected("bad_request", _("The header %(name)s must be a whole number.") % {"name": header})
    return int(given)


def _get_content_length(request: Request) -> int | None:
    """Returns the body's length in bytes; None where it is chunked."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return _parse_number_header(request, "CONTENT_LENGTH") or 0
