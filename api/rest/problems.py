"""Errors of the API as application/problem+json (RFC 9457).

Their codes are stable, their texts translated.

`handle_exception` is REST framework's exception handler. `unknown_url` answers every address below /api/ that has
no view. `bad_request` and `server_error` are Django's error handlers for the whole site; outside /api/ they answer
with a page.
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

from api.rest.json_encoding import encode_json
from reports.pages.http import errors as errors_pages
from reports.problems import Rejected

log = logging.getLogger("baqylau.api")
RETRY_AFTER_SECONDS = {"unavailable": 5, "low_disk": 60, "throttled": 600}

# code: status, title. A title is the same for every occurrence; `detail` is about this one.
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


def build_problem_response(
    code: str,
    detail: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> HttpResponse:
    """Builds the response for one of CODES.

    An unknown code has status 422, because the domain may refuse for a new reason.
    """
    response = HttpResponse(
        encode_json(build_problem_body(code, detail, errors) | fields),
        status=get_status(code),
        content_type="application/problem+json",
        headers=dict(headers or {}),
    )
    if code in RETRY_AFTER_SECONDS:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS[code]))
    response["Cache-Control"] = "no-store"
    return response


def build_problem_body(code: str, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Builds the problem document."""
    title = str(CODES[code][1]) if code in CODES else gettext("The request cannot be carried out")
    return {
        "type": f"urn:baqylau:problem:{code}",
        "title": title,
        "status": get_status(code),
        "detail": str(detail) or title,
        "code": code,
        "errors": errors or [],
    }


def get_status(code: str) -> int:
    return CODES[code][0] if code in CODES else 422


def build_rejected_response(rejected: Rejected, **fields: Any) -> HttpResponse:
    """Builds the response for a Rejected."""
    return build_problem_response(rejected.code, rejected.detail, [one.as_dict() for one in rejected.errors], **fields)


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """REST framework's exception handler.

    Returns None for an unforeseen error, which is then raised again.
    """
    if isinstance(error, Rejected):
        return build_rejected_response(error)
    if isinstance(error, exceptions.APIException):
        return _convert_framework_error(error)
    if isinstance(error, Http404):
        return build_problem_response("not_found")
    if isinstance(error, PermissionDenied):
        return build_problem_response("forbidden")
    if isinstance(error, RequestDataTooBig):
        return build_problem_response("too_large")
    if isinstance(error, SuspiciousOperation | BadRequest | UnreadablePostError):
        return build_problem_response("bad_request")
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database does not answer: %s", error)
        return build_problem_response("unavailable", gettext("Nothing was stored. Send it again in a moment."))
    return None


def _convert_framework_error(error: exceptions.APIException) -> HttpResponse:
    header = getattr(error, "auth_header", None)  # set by the view, on 401 only
    headers = {"WWW-Authenticate": header} if header else {}
    if isinstance(error, exceptions.NotAuthenticated):
        return build_problem_response("not_authenticated", headers=headers)
    if isinstance(error, exceptions.AuthenticationFailed):
        return build_problem_response(str(getattr(error.detail, "code", "invalid_token")), headers=headers)
    if isinstance(error, exceptions.Throttled):
        return build_problem_response(
            "throttled",
            headers={"Retry-After": str(int(getattr(error, "wait", None) or RETRY_AFTER_SECONDS["throttled"]))},
        )
    codes = {403: "forbidden", 404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 413: "too_large"}
    codes |= {415: "unsupported_media_type"}
    return build_problem_response(codes.get(error.status_code, "bad_request"))


def unknown_url(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """Answers 404 for every other address below /api/, by any method."""
    return build_problem_response("not_found")


unknown_url.csrf_exempt = True  # type: ignore[attr-defined]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api_request(request):
        return build_problem_response("bad_request")
    return errors_pages.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers an unforeseen error with 500.

    A database that does not answer will come back, so that is 503 on every page.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = (
            build_problem_response("unavailable") if _is_api_request(request) else errors_pages.unavailable(request)
        )
        response["Retry-After"] = str(RETRY_AFTER_SECONDS["unavailable"])
        return response
    if _is_api_request(request):
        detail = gettext("It is not your fault and was written down. What has a receipt is safe; send the rest again.")
        return build_problem_response("server_error", detail)
    return errors_pages.server_error(request)


def _is_api_request(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
