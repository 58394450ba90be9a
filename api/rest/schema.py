"""GET /api/schema/ and /api/docs/: the contract, for machines and for people."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request

from api.conditional import conditional
from api.rest.negotiation import format_of
from api.rest.rooms import PublicRoom
from api.rest.wire import json_bytes

FOLDER = Path(__file__).parent / "openapi"
FORMATS = {"json": "application/json", "yaml": "application/yaml"}
# The page runs one vendored script, which styles what it draws and searches in a worker of its own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document: `document.yaml`, with the paths and components of the other files."""
    found: dict[str, Any] = _yaml("document")
    found["paths"] = {}
    for name in ("phone", "reports", "relay", "evidence", "public"):
        found["paths"] |= _yaml(name)
    found["components"] = _yaml("components")
    return found


def _yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def _served(name: str) -> bytes:
    if name == "json":
        return json_bytes(document())
    return yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=110).encode()


class Schema(PublicRoom):
    def get(self, request: Request) -> HttpResponse:
        name = format_of(request, FORMATS)
        return conditional(request, HttpResponse(_served(name), content_type=FORMATS[name]), public=True)


class Docs(PublicRoom):
    def get(self, request: Request) -> HttpResponse:
        response = render(request._request, "api/docs.html")
        response["Content-Security-Policy"] = POLICY
        return response
