"""How this API says no: application/problem+json (RFC 9457), with stable codes and translated words.

`answer` is REST framework's exception handler; `unknown` answers every address below /api/ that
leads nowhere; `bad_request` and `server_error` are Django's own handlers, which the other rooms share.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.utils.translation import gettext, gettext_lazy
from rest_framework import exceptions

from api.rest.wire import json_bytes
from reports.pages.http import errors as errors_pages
from reports.problems import Rejected

log = logging.getLogger("baqylau.api")
RETRY_SECONDS = {"unavailable": 5, "low_disk": 60, "throttled": 600}

# code: status, title. A title is the same for every occurrence; `detail` tells of this one.
CODES: Mapping[str, tuple[int, Any]] = {
    "malformed": (400, gettext_lazy("This is not JSON that can be read")),
    "invalid_query": (400, gettext_lazy("The address has a value that cannot be read")),
    "bad_request": (400, gettext_lazy("The request cannot be read")),
    "not_authenticated": (401, gettext_lazy("A device token is needed")),
    "invalid_token": (401, gettext_lazy("This device token is not known")),
    "device_revoked": (401, gettext_lazy("This device was revoked")),
    "forbidden": (403, gettext_lazy("This is not allowed")),
    "not_found": (404, gettext_lazy("There is nothing here")),
    "not_published": (404, gettext_lazy("Not published")),
    "method_not_allowed": (405, gettext_lazy("This address does not take this method")),
    "not_acceptable": (406, gettext_lazy("This format is not offered")),
    "changed_content": (409, gettext_lazy("The same id with other content")),
    "offset_mismatch": (409, gettext_lazy("The upload continues elsewhere")),
    "already_stored": (409, gettext_lazy("This file is stored already")),
    "length_required": (411, gettext_lazy("The length of the body must be given")),
    "unsupported_version": (412, gettext_lazy("This version of the protocol is not spoken")),
    "too_large": (413, gettext_lazy("Too large")),
    "unsupported_media_type": (415, gettext_lazy("This type of content is not taken")),
    "invalid_report": (422, gettext_lazy("The report cannot be read")),
    "invalid_answers": (422, gettext_lazy("Some answers cannot be read")),
    "invalid_request": (422, gettext_lazy("The request cannot be carried out")),
    "invalid_code": (422, gettext_lazy("This code does not work")),
    "unreadable_file": (422, gettext_lazy("This file cannot be opened")),
    "unknown_observer": (422, gettext_lazy("There is no such observer")),
    "unknown_commission": (422, gettext_lazy("This election has no such commission")),
    "unknown_checklist": (422, gettext_lazy("This election has no such checklist")),
    "throttled": (429, gettext_lazy("Too many attempts")),
    "checksum_mismatch": (460, gettext_lazy("The file arrived damaged")),
    "server_error": (500, gettext_lazy("Something broke here")),
    "low_disk": (503, gettext_lazy("No room at the moment")),
    "unavailable": (503, gettext_lazy("Not possible at the moment")),
}


def problem(
    code: str,
    detail: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """The answer for one of CODES. An unknown code is 422: the domain may refuse for a new reason."""
    response = HttpResponse(
        json_bytes(problem_body(code, detail, errors) | more),
        status=status_of(code),
        content_type="application/problem+json",
        headers=dict(headers or {}),
    )
    if code in RETRY_SECONDS:
        response.headers.setdefault("Retry-After", str(RETRY_SECONDS[code]))
    response["Cache-Control"] = "no-store"
    return response


def problem_body(code: str, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    title = str(CODES[code][1]) if code in CODES else gettext("The request cannot be carried out")
    return {
        "type": f"urn:baqylau:problem:{code}",
        "title": title,
        "status": status_of(code),
        "detail": str(detail) or title,
        "code": code,
        "errors": errors or [],
    }


def status_of(code: str) -> int:
    return CODES[code][0] if code in CODES else 422


def refused(rejected: Rejected, **more: Any) -> HttpResponse:
    return problem(rejected.code, rejected.detail, [one.as_dict() for one in rejected.errors], **more)


def answer(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """REST framework's exception handler. None, which raises the error on, for what nobody foresaw."""
    if isinstance(error, Rejected):
        return refused(error)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404):
        return problem("not_found")
    if isinstance(error, PermissionDenied):
        return problem("forbidden")
    if isinstance(error, RequestDataTooBig):
        return problem("too_large")
    if isinstance(error, SuspiciousOperation | BadRequest | UnreadablePostError):
        return problem("bad_request")
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database does not answer: %s", error)
        return problem("unavailable", gettext("Nothing was stored. Send it again in a moment."))
    return None


def _of_framework(error: exceptions.APIException) -> HttpResponse:
    header = getattr(error, "auth_header", None)  # set by the view, on 401 only
    headers = {"WWW-Authenticate": header} if header else {}
    if isinstance(error, exceptions.NotAuthenticated):
        return problem("not_authenticated", headers=headers)
    if isinstance(error, exceptions.AuthenticationFailed):
        return problem(str(getattr(error.detail, "code", "invalid_token")), headers=headers)
    if isinstance(error, exceptions.Throttled):
        return problem(
            "throttled", headers={"Retry-After": str(int(getattr(error, "wait", None) or RETRY_SECONDS["throttled"]))}
        )
    codes = {403: "forbidden", 404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 413: "too_large"}
    codes |= {415: "unsupported_media_type"}
    return problem(codes.get(error.status_code, "bad_request"))


def unknown(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """Every address below /api/ that no other route takes, by any method."""
    return problem("not_found")


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_ours(request):
        return problem("bad_request")
    return errors_pages.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw; but a database that is away comes back, so that is 503 wherever it is met."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = problem("unavailable") if _is_ours(request) else errors_pages.unavailable(request)
        response["Retry-After"] = str(RETRY_SECONDS["unavailable"])
        return response
    if _is_ours(request):
        detail = gettext("It is not your fault and was written down. What has a receipt is safe; send the rest again.")
        return problem("server_error", detail)
    return errors_pages.server_error(request)


def _is_ours(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
