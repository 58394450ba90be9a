"""GET /api/schema/ and /api/docs/.

The OpenAPI document, and a page that shows it.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest.base_views import PublicView
from api.rest.json_encoding import encode_json
from api.rest.negotiation import select_format

DOCUMENT_DIR = Path(__file__).parent / "openapi"
FORMATS = {"json": "application/json", "yaml": "application/yaml"}
# The page runs one vendored script, which sets inline styles and searches in a web worker.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@cache
def load_document() -> dict[str, Any]:
    """Returns the OpenAPI document.

    It is `document.yaml`, with the paths and components of the other files.
    """
    document: dict[str, Any] = _load_yaml("document")
    document["paths"] = {}
    for name in ("phone", "reports", "relay", "evidence", "public"):
        document["paths"] |= _load_yaml(name)
    document["components"] = _load_yaml("components")
    return document


def _load_yaml(name: str) -> Any:
    return yaml.safe_load((DOCUMENT_DIR / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def _render_document(name: str) -> bytes:
    if name == "json":
        return encode_json(load_document())
    return yaml.safe_dump(load_document(), allow_unicode=True, sort_keys=False, width=110).encode()


class Schema(PublicView):
    def get(self, request: Request) -> HttpResponse:
        name = select_format(request, FORMATS)
        return make_conditional(request, HttpResponse(_render_document(name), content_type=FORMATS[name]), public=True)


class Docs(PublicView):
    def get(self, request: Request) -> HttpResponse:
        response = render(request._request, "api/docs.html")
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response
