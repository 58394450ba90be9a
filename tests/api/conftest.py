"""What the tests of the API share: phones that speak JSON."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from api.common import disk
from tests.support.relay import with_key
from tests.support.world import Phone, World

Send = Callable[..., Any]
OCTETS = "application/octet-stream"


class PhoneClient:
    """Sends as one phone, or as nobody."""

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
def _plain(settings) -> Iterator[None]:
    settings.SECURE_SSL_REDIRECT = False  # a full deployment sends plain HTTP elsewhere
    disk.forget()
    yield
    disk.forget()


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
def keyed(world: World) -> World:
    with_key(world.election)
    return world


def bring(who: PhoneClient, file: bytes, **headers: str) -> Any:
    return who.client.post(
        "/api/v1/relay", file, OCTETS, headers=who.headers | headers, CONTENT_TYPE=OCTETS, CONTENT_LENGTH=str(len(file))
    )


def outcomes(answer: Any) -> list[str]:
    return [one["outcome"] for one in answer.json()["results"]]
