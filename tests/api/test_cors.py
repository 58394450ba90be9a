"""CORS: the API used by a client from another address of the platform."""

import pytest
from django.test import Client

from observer.models import Election
from tests.support.world import World

MIRROR = "https://mirror.example"
PREFLIGHT = {
    "origin": MIRROR,
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization",
}


@pytest.fixture
def mirrored(world: World, settings) -> World:
    settings.ALLOWED_HOSTS = ["main.example", "testserver"]
    Election.objects.update(mirrors=[MIRROR])
    return world


class TestADeclaredOrigin:
    @pytest.mark.parametrize("path", ["me", "reports", "evidence/018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f", "enrol"])
    def test_preflight_needs_no_token(self, client: Client, mirrored: World, path: str) -> None:
        answer = client.options(f"/api/v1/{path}", headers=PREFLIGHT)
        assert answer.status_code == 204
        assert answer["Access-Control-Allow-Origin"] == MIRROR
        assert "PATCH" in answer["Access-Control-Allow-Methods"]
        for name in ("Authorization", "Upload-Offset", "Tus-Resumable", "If-None-Match"):
            assert name in answer["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer

    def test_answers_may_be_read_with_what_the_client_needs(self, client: Client, mirrored: World) -> None:
        answer = client.get("/api/v1/me", headers=mirrored.first.auth | {"origin": MIRROR})
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, MIRROR)
        for name in ("ETag", "Date", "Location", "Retry-After", "Link", "Upload-Offset"):
            assert name in answer["Access-Control-Expose-Headers"]
        assert "Origin" in answer["Vary"]

    def test_problems_may_be_read_too(self, client: Client, mirrored: World) -> None:
        answer = client.get("/api/v1/me", headers={"origin": MIRROR})
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, MIRROR)

    def test_the_platforms_own_hosts_are_allowed(self, client: Client, mirrored: World) -> None:
        answer = client.options("/api/v1/me", headers=PREFLIGHT | {"origin": "https://main.example"})
        assert answer["Access-Control-Allow-Origin"] == "https://main.example"


class TestAnyOtherOrigin:
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://mirror.example", MIRROR + ".evil.example"]
    )
    def test_may_read_nothing(self, client: Client, mirrored: World, origin: str) -> None:
        answer = client.get("/api/v1/me", headers=mirrored.first.auth | {"origin": origin})
        assert "Access-Control-Allow-Origin" not in answer
        asked = client.options("/api/v1/me", headers=PREFLIGHT | {"origin": origin})
        assert "Access-Control-Allow-Origin" not in asked

    def test_no_origin_may_read_the_desk(self, client: Client, mirrored: World) -> None:
        assert "Access-Control-Allow-Origin" not in client.get("/admin/login/", headers={"origin": MIRROR})
