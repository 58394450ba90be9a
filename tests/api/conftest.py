"""Shared by the tests of the API: phones that send JSON."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from api.common import disk_space
from tests.support.relay import set_relay_key
from tests.support.world import Phone, World

Send = Callable[..., Any]
OCTET_STREAM = "application/octet-stream"


class PhoneClient:
    """Sends requests as one phone, or as nobody."""

    def __init__(self, phone: Phone | None = None, language: str | None = None) -> None:
        self.headers: dict[str, str] = dict(phone.auth) if phone else {}
        if language:
            self.headers["accept-language"] = language
        self.client = Client(raise_request_exception=True)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=self.headers | headers)

    def post(self, path: str, body: Any = None, content_type: str = "application/json", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self.client.post(f"/api/v1/{path}", data, content_type, headers=self.headers | headers)


@pytest.fixture(autouse=True)
def _use_plain_http(settings) -> Iterator[None]:
    """A full deployment redirects plain HTTP; the tests do not use HTTPS."""
    settings.SECURE_SSL_REDIRECT = False  # a full deployment sends plain HTTP elsewhere
    disk_space.clear_cache()
    yield
    disk_space.clear_cache()


@pytest.fixture
def first(world) -> PhoneClient:
    return PhoneClient(world.first)


@pytest.fixture
def second(world) -> PhoneClient:
    return PhoneClient(world.second)


@pytest.fixture
def nobody(db) -> PhoneClient:
    return PhoneClient()


@pytest.fixture
def relay_world(world: World) -> World:
    set_relay_key(world.election)
    return world


def send_relay_file(who: PhoneClient, file: bytes, **headers: str) -> Any:
    return who.client.post(
        "/api/v1/relay",
        file,
        OCTET_STREAM,
        headers=who.headers | headers,
        CONTENT_TYPE=OCTET_STREAM,
        CONTENT_LENGTH=str(len(file)),
    )


def get_outcomes(answer: Any) -> list[str]:
    return [one["outcome"] for one in answer.json()["results"]]
