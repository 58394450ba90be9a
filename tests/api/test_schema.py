"""/api/schema/ and /api/docs/: the document matches the URLs."""

import json
import re
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from api.rest.schema import load_document
from api.rest.urls import urlpatterns

UNDOCUMENTED_VIEWS = {"unknown"}
VIEWS_WITH_OPTIONS = {"evidence"}


def list_routes() -> set[tuple[str, str]]:
    """Every (method, path) that the URLs serve."""
    found = set()

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, before + str(pattern.pattern))
            elif pattern.name not in UNDOCUMENTED_VIEWS:
                for method in methods(pattern):
                    found.add((method, before + str(pattern.pattern)))

    def methods(pattern: URLPattern) -> set[str]:
        view = getattr(pattern.callback, "cls", None)
        if view is None:
            return {"get"}
        served = {name for name in view.http_method_names if hasattr(view, name)}
        return served - {"options"} if pattern.name not in VIEWS_WITH_OPTIONS else served

    walk(urlpatterns, "/api/")
    return {(method, to_path_template(path)) for method, path in found}


def to_path_template(path: str) -> str:
    names = {"uuid": "id", "key": "id"}
    return re.sub(r"<\w+:(\w+)>", lambda found: "{" + names.get(found[1], found[1]) + "}", path)


def list_documented_operations() -> set[tuple[str, str]]:
    methods = ("get", "post", "put", "patch", "delete", "head", "options")
    return {(method, path) for path, item in load_document()["paths"].items() for method in item if method in methods}


class TestDocument:
    def test_it_is_valid_openapi_3_1(self) -> None:
        assert load_document()["openapi"] == "3.1.0"
        validate(load_document())

    def test_every_route_is_in_it_and_nothing_else(self) -> None:
        assert list_routes() == list_documented_operations()
        assert get_resolver().resolve("/api/v1/reports").url_name == "reports"

    def test_every_operation_has_an_example_of_its_body_and_of_its_answer(self) -> None:
        for path, item in load_document()["paths"].items():
            for method, operation in item.items():
                if method == "parameters" or "/v1/" not in path or "evidence/{id}" in path:
                    continue
                for media in operation.get("requestBody", {}).get("content", {}).values():
                    assert "example" in media, (method, path)
                good = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
                assert "example" in good["content"]["application/json"], (method, path)

    def test_every_example_fits_its_schema(self) -> None:
        found = 0
        for media in find_media_objects(load_document()):
            if "example" in media and "schema" in media:
                schema = {**media["schema"], "components": load_document()["components"]}
                OAS31Validator(schema).validate(media["example"])
                found += 1
        assert found > 30

    def test_every_operation_behind_a_token_says_401(self) -> None:
        for path, item in load_document()["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and operation["security"]:
                    assert "401" in operation["responses"], (method, path)


def find_media_objects(value: Any) -> Any:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "content" and isinstance(one, dict):
                yield from one.values()
            yield from find_media_objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from find_media_objects(one)


class TestServing:
    def test_as_json_and_as_yaml(self, client: Client) -> None:
        as_json = client.get("/api/schema/")
        assert as_json["Content-Type"] == "application/json"
        assert json.loads(as_json.content) == load_document()
        as_yaml = client.get("/api/schema/?format=yaml")
        assert as_yaml["Content-Type"] == "application/yaml"
        assert yaml.safe_load(as_yaml.content) == load_document()

    def test_an_unknown_format_is_406_and_a_known_document_304(self, client: Client) -> None:
        assert client.get("/api/schema/?format=xml").status_code == 406
        etag = client.get("/api/schema/")["ETag"]
        assert client.get("/api/schema/", headers={"if-none-match": etag}).status_code == 304

    def test_the_docs_ask_no_other_server(self, client: Client) -> None:
        page = client.get("/api/docs/")
        assert page.status_code == 200
        assert "default-src 'none'" in page["Content-Security-Policy"]
        assert not re.search(r"(src|href|spec-url)=\"(https?:)?//", page.content.decode())

    @pytest.mark.parametrize("address", ["/api/docs/", "/api/schema/"])
    def test_nobody_writes_here(self, client: Client, address: str) -> None:
        assert client.post(address).status_code == 405
