"""GET /phone/…: serves the phone client's application shell.

The answers are the same for everybody, hold no data and set no cookie.
"""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from api.conditional import make_conditional
from api.phone.files import MEDIA_TYPES, compute_integrity, list_startup_modules, load_client_files, read_service_worker
from api.phone.translations import load_translations
from observer.services.registry.mirrors import list_public_mirrors

BACKGROUND_MODULE = "core/send/background_sync.js"  # sends waiting reports from the service worker
HTML_TYPE = "text/html; charset=utf-8"
JSON_TYPE = "application/json"
MANIFEST_TYPE = "application/manifest+json"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "connect-src {connect}"
)


@require_safe
def app_shell(request: HttpRequest) -> HttpResponse:
    return _build_response(request, _render_shell(), HTML_TYPE)


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    return _build_response(request, _build_manifest(), MANIFEST_TYPE)


@require_safe
def translations(request: HttpRequest, language: str) -> HttpResponse:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return _build_response(request, load_translations(language), JSON_TYPE)


@require_safe
def client_file(request: HttpRequest, name: str) -> HttpResponse:
    file = load_client_files().get(name)
    if file is None:
        raise Http404
    return _build_response(request, file.body, file.type)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker, with `VERSION` and `FILES` (address: digest) before its source.

    A change of any file, translation, the shell or the policy changes these bytes, and by that a browser finds an
    update. Cached files keep the policy they were served with, so a new mirror is an update too. `?module` is for
    browsers whose service workers can import modules: that variant also sends reports in the background.
    """
    files = _build_file_list()
    digest = hashlib.sha256(json.dumps([files, _build_policy()]).encode()).hexdigest()[:16]
    head = f"const VERSION = {json.dumps(digest)};\nconst FILES = {json.dumps(files, indent=1)};\n"
    if "module" in request.GET:
        head += f"import {json.dumps(reverse('phone:file', args=[BACKGROUND_MODULE]))};\n"
    return _build_response(request, head.encode() + read_service_worker(), MEDIA_TYPES[".js"])


def _build_file_list() -> dict[str, str]:
    """Returns the address of each file with its `integrity` digest."""
    files = {
        reverse("phone:shell"): compute_integrity(_render_shell()),
        reverse("phone:manifest"): compute_integrity(_build_manifest()),
    }
    for name, file in load_client_files().items():
        files[reverse("phone:file", args=[name])] = file.integrity
    for language, _name in settings.LANGUAGES:
        files[reverse("phone:words", args=[language])] = compute_integrity(load_translations(language))
    return files


def _render_shell() -> bytes:
    with translation.override("en"):
        return render_to_string("phone/index.html", {"modules": list_startup_modules()}).encode()


def _build_manifest() -> bytes:
    def icon(name: str, sizes: str, kind: str, purpose: str) -> dict[str, str]:
        return {"src": reverse("phone:file", args=[name]), "sizes": sizes, "type": kind, "purpose": purpose}

    start = reverse("phone:shell")
    content: dict[str, Any] = {
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
    return json.dumps(content, indent=1).encode()


def _build_policy() -> str:
    return CONTENT_SECURITY_POLICY.format(connect=" ".join(["'self'", *list_public_mirrors()]))


def _build_response(request: HttpRequest, body: bytes, media_type: str) -> HttpResponse:
    """Answers with the same bytes for everybody.

    Browsers store the answer, but never use it without asking whether it is still true.
    """
    response = make_conditional(request, HttpResponse(body, content_type=media_type), public=True, compress=True)
    response["Cache-Control"] = "no-cache"
    response["Content-Security-Policy"] = _build_policy()
    response["Permissions-Policy"] = "camera=(self), microphone=(self), geolocation=(self)"
    response["Referrer-Policy"] = "no-referrer"
    return response
