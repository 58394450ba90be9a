"""Error pages: short, and in the reader's language."""

import json

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from reports.pages.http import languages
from reports.pages.http.responses import build_response, render_page

API_PREFIX = "/api/"


def render_message(request: HttpRequest, *, title: str, text: str, language: str, status: int) -> HttpResponse:
    """Render a page with one message."""
    back = language if language in languages.get_interface_languages() else "en"
    context = {
        "title": title,
        "text": text,
        "home": reverse("pages:elections", args=[back]),
        "switch": languages.build_language_switch(
            languages.get_interface_languages(), lambda code: reverse("pages:elections", args=[code])
        ),
    }
    return build_response(request, render_page("public/message.html", context, language), language, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    language = languages.detect_address_language(request)
    with translation.override(language):
        title, text = _("This address cannot be read"), _("Check the address, or start from the list of elections.")
    return _respond_error(request, title, text, language, 400)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    language = languages.detect_address_language(request)
    with translation.override(language):
        title = _("There is no such page")
        text = _("Check the address, or start from the list of elections. Nothing is wrong with your device.")
    return _respond_error(request, title, text, language, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    language = languages.detect_address_language(request)
    with translation.override(language):
        title = _("This page could not be made")
        text = _("The fault is ours and has been noted. Reports that were sent are safe. Try again in a minute.")
    return _respond_error(request, title, text, language, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    language = languages.detect_address_language(request)
    with translation.override(language):
        title = _("Not possible at the moment")
        text = _("The fault is ours and has been noted. Reports that were sent are safe. Try again in a minute.")
    return render_message(request, title=title, text=text, language=language, status=503)


def _respond_error(request: HttpRequest, title: str, text: str, language: str, status: int) -> HttpResponse:
    if not request.path_info.startswith(API_PREFIX):
        return render_message(request, title=title, text=text, language=language, status=status)
    code = {400: "malformed", 404: "not_found", 500: "server_error"}[status]
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": text}
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
