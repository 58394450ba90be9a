"""GET /api/schema/ and /api/docs/: the contract, for machines and for people."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.conditional import conditional
from api.rest.negotiation import format_of
from api.rest.problems import refused
from api.rest.wire import json_bytes
from reports.problems import Rejected

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
    for name in ("phone", "reports", "evidence", "public"):
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


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    try:
        name = format_of(request, FORMATS)
    except Rejected as rejected:
        return refused(rejected)
    return conditional(request, HttpResponse(_served(name), content_type=FORMATS[name]), public=True)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    response = render(request, "api/docs.html")
    response["Content-Security-Policy"] = POLICY
    return response
