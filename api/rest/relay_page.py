"""/relay/: the page where anyone uploads relay files that a phone saved.

It needs no account, no script and no cookie.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import multipart
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from api.rest.relay import parse_content_length, receive_upload, require_not_throttled
from reports.pages.http import languages
from reports.pages.http.responses import render_page, set_security_headers
from reports.problems import Rejected
from reports.services.evidence.uploads import read_chunks
from reports.services.evidence.whole_uploads import Spool

MAX_FILES = 8  # config/rsgi.py limits the body of this form to as many
MAX_NAME_LENGTH = 120
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class FileResult:
    """The result of one file, as the person who uploads it sees it.

    Of its content it tells only counts.
    """

    name: str
    state: str
    kind: str = ""
    part: int = 0
    parts: int = 0
    taken: int = 0
    known: int = 0
    other: int = 0
    problem: str = ""


@require_safe
def redirect_to_language(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(reverse("relay:page", args=[languages.detect_browser_language(request)]))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@csrf_exempt  # nobody is logged in here: another site can make a visitor do only what it could do itself
@require_http_methods(["GET", "HEAD", "POST"])
def upload_page(request: HttpRequest, language: str) -> HttpResponse:
    with translation.override(language):
        if request.method != "POST":
            return _render_page(language, {})
        try:
            results = list(_receive_files(request))
        except Rejected as rejected:
            return _render_page(language, {"problem": str(rejected.detail)}, _STATUS_BY_CODE.get(rejected.code, 422))
        problem = "" if results else _("Choose the files first.")
        return _render_page(language, {"told": results, "problem": problem}, 200 if results else 422)


_STATUS_BY_CODE = {"throttled": 429, "too_large": 413, "length_required": 411, "unavailable": 503, "malformed": 400}


def _render_page(language: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    switch = languages.build_language_switch(
        languages.get_interface_languages(), lambda code: reverse("relay:page", args=[code])
    )
    home_page = reverse("pages:elections", args=[language])
    body = render_page("public/relay.html", context | {"switch": switch, "home": home_page}, language).body
    response = HttpResponse(body, status=status, content_type="text/html; charset=utf-8")
    set_security_headers(response)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Content-Language"] = language
    response["Cache-Control"] = "no-store"
    return response


def _receive_files(request: HttpRequest) -> Iterator[FileResult]:
    """Takes in each file of the form as soon as it is complete.

    Raises Rejected where the form cannot be read.
    """
    address = request.META.get("REMOTE_ADDR", "")
    require_not_throttled(None, address)
    length = parse_content_length(request.META)
    if length > MAX_FILES * settings.RELAY_BYTES_MAX:
        raise Rejected("too_large", _("At most %(most)d files at once.") % {"most": MAX_FILES})
    body = cast(BinaryIO, request)
    try:
        for name, spool in _parse_form_files(body, length, request.META.get("CONTENT_TYPE", "")):
            with spool:
                yield _receive_file(name, spool, address)
    except multipart.MultipartError:
        raise Rejected("malformed", _("The form ended early. Send it again.")) from None


def _parse_form_files(body: BinaryIO, length: int, content_type: str) -> Iterator[tuple[str, Spool]]:
    """Yields name and content of each file of the form."""
    media_type, options = multipart.parse_options_header(content_type)
    if media_type.lower() != "multipart/form-data" or not options.get("boundary"):
        raise Rejected("malformed", _("The form ended early. Send it again."))
    name, spool = "", None
    try:
        with multipart.PushMultipartParser(options["boundary"], max_segment_count=MAX_FILES + 5) as parser:
            for chunk in read_chunks(body, length):
                for event in parser.parse(chunk):
                    if isinstance(event, multipart.MultipartSegment):
                        name, spool = (event.filename or "")[:MAX_NAME_LENGTH], Spool() if event.filename else None
                    elif event is not None and spool is not None:
                        if spool.size + len(event) > settings.RELAY_BYTES_MAX:
                            raise Rejected("too_large", _get_too_large_detail())
                        spool.write(event)
                    elif event is None and spool is not None:
                        finished, spool = spool, None
                        yield name, finished
    finally:
        if spool is not None:
            spool.discard()


def _receive_file(name: str, spool: Spool, address: str) -> FileResult:
    try:
        result = receive_upload(spool, None, address)
    except Rejected as rejected:
        return FileResult(name, "refused", problem=str(rejected.detail))
    outcomes: Counter[str] = result.outcomes
    header = result.header
    return FileResult(
        name,
        result.state,
        header.kind,
        header.part,
        header.parts,
        taken=outcomes["stored"],
        known=outcomes["duplicate"],
        other=outcomes.total() - outcomes["stored"] - outcomes["duplicate"],
    )


def _get_too_large_detail() -> str:
    return _("At most %(most)d bytes a file.") % {"most": settings.RELAY_BYTES_MAX}
