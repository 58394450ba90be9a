"""GET /phone/…: the shell of the phone client, the same for everybody. It holds no data and sets no cookie."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from api.conditional import conditional
from api.phone.files import TYPES, client_files, integrity_of, modules_at_start, worker_source
from api.phone.words import words_json
from observer.services.registry.mirrors import mirrors_public

BACKGROUND = "core/send/background.js"  # how a service worker sends what waits
HTML = "text/html; charset=utf-8"
JSON = "application/json"
MANIFEST = "application/manifest+json"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "connect-src {connect}"
)


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    return _answer(request, _shell(), HTML)


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    return _answer(request, _manifest(), MANIFEST)


@require_safe
def words(request: HttpRequest, language: str) -> HttpResponse:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return _answer(request, words_json(language), JSON)


@require_safe
def file(request: HttpRequest, name: str) -> HttpResponse:
    found = client_files().get(name)
    if found is None:
        raise Http404
    return _answer(request, found.body, found.type)


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: `VERSION` and `FILES` (address: digest) before its source.

    Any change of a file, a word, the shell or the policy changes these bytes, by which a browser
    knows an update. Kept files carry the policy they came with, so a new mirror is an update too.
    `?module` is for browsers whose workers take modules: that one also sends what waits.
    """
    listed = _addresses()
    digest = hashlib.sha256(json.dumps([listed, _policy()]).encode()).hexdigest()[:16]
    head = f"const VERSION = {json.dumps(digest)};\nconst FILES = {json.dumps(listed, indent=1)};\n"
    if "module" in request.GET:
        head += f"import {json.dumps(reverse('phone:file', args=[BACKGROUND]))};\n"
    return _answer(request, head.encode() + worker_source(), TYPES[".js"])


def _addresses() -> dict[str, str]:
    """Everything that the client is made of: its address, and its digest as `integrity` takes it."""
    found = {
        reverse("phone:shell"): integrity_of(_shell()),
        reverse("phone:manifest"): integrity_of(_manifest()),
    }
    for name, one in client_files().items():
        found[reverse("phone:file", args=[name])] = one.integrity
    for language, _name in settings.LANGUAGES:
        found[reverse("phone:words", args=[language])] = integrity_of(words_json(language))
    return found


def _shell() -> bytes:
    with translation.override("en"):
        return render_to_string("phone/index.html", {"modules": modules_at_start()}).encode()


def _manifest() -> bytes:
    def icon(name: str, sizes: str, kind: str, purpose: str) -> dict[str, str]:
        return {"src": reverse("phone:file", args=[name]), "sizes": sizes, "type": kind, "purpose": purpose}

    start = reverse("phone:shell")
    told: dict[str, Any] = {
        "id": start,
        "start_url": start,
        "scope": start,
        "name": "Baqylau",
        "short_name": "Baqylau",
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": "#0f5f5c",
        "icons": [
            icon("icons/icon.svg", "any", "image/svg+xml", "any"),
            icon("icons/icon-192.png", "192x192", "image/png", "any"),
            icon("icons/icon-512.png", "512x512", "image/png", "any"),
            icon("icons/maskable-512.png", "512x512", "image/png", "maskable"),
        ],
    }
    return json.dumps(told, indent=1).encode()


def _policy() -> str:
    return POLICY.format(connect=" ".join(["'self'", *mirrors_public()]))


def _answer(request: HttpRequest, body: bytes, kind: str) -> HttpResponse:
    """The same bytes for everybody: kept by browsers, but never used without asking whether they are still true."""
    response = conditional(request, HttpResponse(body, content_type=kind), public=True, compress=True)
    response["Cache-Control"] = "no-cache"
    response["Content-Security-Policy"] = _policy()
    response["Permissions-Policy"] = "camera=(self), microphone=(self), geolocation=(self)"
    response["Referrer-Policy"] = "no-referrer"
    return response
