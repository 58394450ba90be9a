"""/relay/: the page where anyone brings files that a phone saved. No account, no script, no cookie."""

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

from api.rest.relay import bring, length_of, patience_require
from reports.pages.http import languages
from reports.pages.http.responses import harden, render
from reports.problems import Rejected
from reports.services.evidence.uploads import pieces
from reports.services.evidence.whole_uploads import Spool

FILES_MAX = 8  # as many as the server takes at once (config/front.py)
NAME_MAX = 120
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Told:
    """One file, as its bringer is told of it: nothing of what is in it but how many."""

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
def home(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(reverse("relay:page", args=[languages.preferred(request)]))
    patch_vary_headers(response, ["Accept-Language"])
    return response


@csrf_exempt  # nobody is logged in here: another site can make a visitor do no more than it could do itself
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, language: str) -> HttpResponse:
    with translation.override(language):
        if request.method != "POST":
            return _page(language, {})
        try:
            told = list(_brought(request))
        except Rejected as rejected:
            return _page(language, {"problem": str(rejected.detail)}, _STATUS.get(rejected.code, 422))
        problem = "" if told else _("Choose the files first.")
        return _page(language, {"told": told, "problem": problem}, 200 if told else 422)


_STATUS = {"throttled": 429, "too_large": 413, "length_required": 411, "unavailable": 503, "malformed": 400}


def _page(language: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    switch = languages.switch(languages.interface_languages(), lambda code: reverse("relay:page", args=[code]))
    home_page = reverse("pages:elections", args=[language])
    body = render("public/relay.html", context | {"switch": switch, "home": home_page}, language).body
    response = HttpResponse(body, status=status, content_type="text/html; charset=utf-8")
    harden(response)
    response["Content-Security-Policy"] = POLICY
    response["Content-Language"] = language
    response["Cache-Control"] = "no-store"
    return response


def _brought(request: HttpRequest) -> Iterator[Told]:
    """Each file of the form, taken as soon as it is whole. Raises Rejected where the form cannot be read."""
    address = request.META.get("REMOTE_ADDR", "")
    patience_require(None, address)
    length = length_of(request.META)
    if length > FILES_MAX * settings.RELAY_BYTES_MAX:
        raise Rejected("too_large", _("At most %(most)d files at once.") % {"most": FILES_MAX})
    body = cast(BinaryIO, request)
    try:
        for name, spool in _files(body, length, request.META.get("CONTENT_TYPE", "")):
            with spool:
                yield _bring(name, spool, address)
    except multipart.MultipartError:
        raise Rejected("malformed", _("The form ended early. Send it again.")) from None


def _files(body: BinaryIO, length: int, content_type: str) -> Iterator[tuple[str, Spool]]:
    kind, options = multipart.parse_options_header(content_type)
    if kind.lower() != "multipart/form-data" or not options.get("boundary"):
        raise Rejected("malformed", _("The form ended early. Send it again."))
    name, spool = "", None
    try:
        with multipart.PushMultipartParser(options["boundary"], max_segment_count=FILES_MAX + 5) as parser:
            for piece in pieces(body, length):
                for event in parser.parse(piece):
                    if isinstance(event, multipart.MultipartSegment):
                        name, spool = (event.filename or "")[:NAME_MAX], Spool() if event.filename else None
                    elif event is not None and spool is not None:
                        if spool.size + len(event) > settings.RELAY_BYTES_MAX:
                            raise Rejected("too_large", _too_large())
                        spool.write(event)
                    elif event is None and spool is not None:
                        whole, spool = spool, None
                        yield name, whole
    finally:
        if spool is not None:
            spool.discard()


def _bring(name: str, spool: Spool, address: str) -> Told:
    try:
        brought = bring(spool, None, address)
    except Rejected as rejected:
        return Told(name, "refused", problem=str(rejected.detail))
    found: Counter[str] = brought.outcomes
    header = brought.header
    return Told(
        name,
        brought.state,
        header.kind,
        header.part,
        header.parts,
        taken=found["stored"],
        known=found["duplicate"],
        other=found.total() - found["stored"] - found["duplicate"],
    )


def _too_large() -> str:
    return _("At most %(most)d bytes a file.") % {"most": settings.RELAY_BYTES_MAX}
