"""Evidence comes in by tus 1.0 (https://tus.io), whose creation was the announcement in the report.

The server passes a body on in slices as it comes (config/front.py), each a PATCH of its own here.
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

from api.rest.authentication import device_of
from api.rest.problems import refused
from api.rest.rooms import PhoneRoom
from api.rest.wire import empty_answer
from reports.models import Evidence
from reports.problems import Rejected
from reports.services.evidence.crash_recovery import upload_mended
from reports.services.evidence.uploads import OffsetMismatch, evidence_of, upload_append

VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"


class EvidenceUpload(PhoneRoom):
    """One announced file: HEAD says how far it is, PATCH appends, POST with an override does as PATCH."""

    http_method_names = ("head", "patch", "post", "options")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        given = request.META.get("HTTP_TUS_RESUMABLE", VERSION)
        if request.method != "OPTIONS" and given != VERSION:
            raise Rejected("unsupported_version", _("This server speaks tus %(version)s.") % {"version": VERSION})

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, cast(Any, response), *args, **kwargs)
        answer["Tus-Resumable"] = VERSION
        answer["Cache-Control"] = "no-store"
        if answer.status_code == 412:
            answer["Tus-Version"] = VERSION
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # No Tus-Extension: files are created by announcing them, and no other extension is spoken.
        answer = super().options(request, *args, **kwargs)
        answer["Tus-Version"] = VERSION
        answer["Tus-Max-Size"] = str(settings.FILE_BYTES_MAX)
        return answer

    def head(self, request: Request, uuid: UUID) -> HttpResponse:
        evidence = _own(request, uuid)
        headers: dict[str, Any] = {"Upload-Offset": evidence.offset}
        if evidence.size is None:
            headers["Upload-Defer-Length"] = 1
        else:
            headers["Upload-Length"] = evidence.size
        return empty_answer(200, headers)

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        if request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").strip().upper() != "PATCH":
            raise MethodNotAllowed("POST")
        return self.patch(request, uuid)

    def patch(self, request: Request, uuid: UUID) -> HttpResponse:
        try:
            return _append(request, _own(request, uuid))
        except Rejected as rejected:
            answer = refused(rejected)
            if isinstance(rejected, OffsetMismatch):
                answer["Upload-Offset"] = rejected.offset
            return answer


def _append(request: Request, evidence: Evidence) -> HttpResponse:
    if evidence.state == Evidence.State.STORED:
        raise OffsetMismatch("already_stored", evidence.offset)  # whatever else may be wrong with it
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        raise Rejected("unsupported_media_type", _("Send %(type)s.") % {"type": CONTENT_TYPE})
    offset = _number(request, "HTTP_UPLOAD_OFFSET")
    if offset is None:
        raise Rejected("bad_request", _("The header Upload-Offset is missing."))
    offset = upload_append(
        evidence=evidence,
        offset=offset,
        stream=cast(BinaryIO, request.META["wsgi.input"]),
        length=_length(request),
        total=_number(request, "HTTP_UPLOAD_LENGTH"),
        now=timezone.now(),
    )
    return empty_answer(headers={"Upload-Offset": offset})


def _own(request: Request, uuid: UUID) -> Evidence:
    """The file, or 404: whose it is otherwise, or whether it is, is nobody's business."""
    evidence = evidence_of(uuid=uuid, observer=device_of(request).observer)
    if evidence is None:
        raise Http404
    return upload_mended(evidence=evidence, now=timezone.now())


def _number(request: Request, name: str) -> int | None:
    """A header that is a whole number, None where it is absent. Raises Rejected `bad_request`."""
    given = request.META.get(name)
    if given is None or given == "":
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        header = name.removeprefix("HTTP_").replace("_", "-").title()
        raise Rejected("bad_request", _("The header %(name)s must be a whole number.") % {"name": header})
    return int(given)


def _length(request: Request) -> int | None:
    """How many bytes the body has, None where it comes in chunks without saying."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return _number(request, "CONTENT_LENGTH") or 0
