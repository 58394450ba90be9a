"""The permission table of the API.

The answer to everyone at every address.
"""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from observer.services.devices.enrolment import revoke_device
from reports.models import Message
from tests.api.conftest import PhoneClient
from tests.api.test_schema import list_documented_operations
from tests.support.world import DAY, World, make_election, make_phone, payload

REPORT, FILE = str(uuid4()), str(uuid4())
ANNOUNCED = {"id": FILE, "sha256": "ab" * 32, "size": 10, "type": "image/png"}
NOTE = {"id": str(uuid4()), "text": "x", "at": "2022-11-20T12:00:00Z"}
CONSENT = {"document": "code-of-conduct", "version": 1, "at": "2022-11-20T12:00:00Z"}
PUBLIC = "/api/v1/elections/{election}/commissions/{code}"

# method, address: body, then the answer to nobody, to another observer's device, to a revoked
# device, to the own device, and to the same observer's device of another election.
TABLE = {
    ("post", "/api/v1/relay"): (b"no file of ours", 422, 422, 422, 422, 422),
    ("post", "/api/v1/enrol"): ({"code": "0000-0000"}, 422, 422, 422, 422, 422),
    ("get", "/api/v1/me"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/me/consent"): (None, 401, 200, 401, 200, 200),
    ("post", "/api/v1/me/consent"): (CONSENT, 401, 200, 401, 200, 200),
    ("post", "/api/v1/me/transfer"): (None, 401, 201, 401, 201, 201),
    ("get", "/api/v1/assignments"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/schedule"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/checklists"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/checklists/{code}/{version}"): (None, 401, 200, 401, 200, 404),
    ("get", "/api/v1/violation-types"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/commissions"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/commissions/bundle"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/messages"): (None, 401, 200, 401, 200, 200),
    ("post", "/api/v1/messages/{id}/read"): (None, 401, 404, 401, 200, 404),
    ("get", "/api/v1/guide"): (None, 401, 200, 401, 200, 200),
    ("get", "/api/v1/reports"): (None, 401, 200, 401, 200, 200),
    ("post", "/api/v1/reports"): (payload(id=REPORT, comment="again"), 401, 409, 401, 200, 409),
    ("post", "/api/v1/reports/batch"): ({"reports": []}, 401, 200, 401, 200, 200),
    ("post", "/api/v1/reports/{id}/evidence"): ({"evidence": [ANNOUNCED]}, 401, 404, 401, 200, 404),
    ("post", "/api/v1/reports/{id}/notes"): (NOTE, 401, 404, 401, 201, 404),
    ("head", "/api/v1/evidence/{id}"): (None, 401, 404, 401, 200, 200),
    ("patch", "/api/v1/evidence/{id}"): (b"", 401, 404, 401, 204, 204),
    ("post", "/api/v1/evidence/{id}"): (b"", 401, 404, 401, 204, 204),
    ("options", "/api/v1/evidence/{id}"): (None, 204, 204, 204, 204, 204),
    ("get", "/api/v1/elections"): (None, 200, 200, 200, 200, 200),
    ("get", "/api/v1/elections/{election}/releases"): (None, 200, 200, 200, 200, 200),
    ("get", PUBLIC): (None, 200, 200, 200, 200, 200),
    ("get", f"{PUBLIC}/summary"): (None, 200, 200, 200, 200, 200),
    ("get", "/api/schema/"): (None, 200, 200, 200, 200, 200),
    ("get", "/api/docs/"): (None, 200, 200, 200, 200, 200),
}
CLIENTS = ("nobody", "another", "revoked", "own", "other election")


@pytest.fixture
def clients(world: World) -> dict[str, PhoneClient]:
    Message.objects.create(pk=1, election=world.election, observer=world.first.observer, texts={}, sent_at=DAY)
    own = PhoneClient(world.first)
    body = payload(id=REPORT, comment="again", evidence=[ANNOUNCED])
    assert own.post("reports", body).status_code == 201
    revoked = make_phone(world.first.observer, world.election)
    revoke_device(device=revoked.device, user=None, now=timezone.now())
    elsewhere = make_phone(world.first.observer, make_election("other-2022"))
    return {
        "nobody": PhoneClient(),
        "another": PhoneClient(world.second),
        "revoked": PhoneClient(revoked),
        "own": own,
        "other election": PhoneClient(elsewhere),
    }


def build_address(template: str) -> str:
    if "messages" in template:
        return template.replace("{id}", "1")
    if "evidence/{id}" in template:
        return template.replace("{id}", FILE)
    if "elections" in template:
        return template.replace("{election}", "test-2022").replace("{code}", "KZ")
    return template.replace("{id}", REPORT).replace("{code}", "voting").replace("{version}", "1")


def send_request(who: PhoneClient, method: str, template: str, body: object) -> int:
    headers = dict(who.headers)
    kind = "application/json"
    if "relay" in template:
        kind = "application/octet-stream"
    if "evidence/{id}" in template:
        kind = "application/offset+octet-stream"
        headers |= {"tus-resumable": "1.0.0", "upload-offset": "0"}
        if method == "post":
            headers["x-http-method-override"] = "PATCH"
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    # The content type is given by hand: the test client leaves it out where there is no body.
    return who.client.generic(
        method.upper(),
        build_address(template),
        data,
        kind,
        headers=headers,
        CONTENT_TYPE=kind,
        CONTENT_LENGTH=str(len(data)),
    ).status_code


def test_the_table_has_every_address() -> None:
    assert set(TABLE) == list_documented_operations()


@pytest.mark.parametrize(("method", "template"), TABLE, ids=lambda value: value)
def test_everyone_gets_what_the_table_says(clients: dict[str, PhoneClient], method: str, template: str) -> None:
    body, *expected = TABLE[method, template]
    answers = {who: send_request(clients[who], method, template, body) for who in CLIENTS}
    assert answers == dict(zip(CLIENTS, expected, strict=True))


TEMPLATES = pytest.mark.parametrize("template", sorted({path for _method, path in TABLE}))


def get_allowed_methods(template: str) -> set[str]:
    """Returns the methods that this address takes."""
    methods = {method.upper() for method, path in TABLE if path == template} | {"OPTIONS"}
    return methods | ({"HEAD"} if "GET" in methods else set())


@TEMPLATES
def test_any_other_method_is_405_and_says_which_are_taken(clients: dict[str, PhoneClient], template: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    own = clients["own"].headers
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - get_allowed_methods(template):
        answer = strict.generic(method, build_address(template), b"{}", "application/json", headers=own)
        assert answer.status_code == 405, (method, template)
        assert answer["Content-Type"] == "application/problem+json"
        assert method == "HEAD" or answer.json()["code"] == "method_not_allowed"
        assert set(answer["Allow"].split(", ")) == get_allowed_methods(template)


@TEMPLATES
def test_options_says_to_everyone_which_methods_are_taken(clients: dict[str, PhoneClient], template: str) -> None:
    for who in CLIENTS:
        answer = clients[who].client.options(build_address(template), headers=clients[who].headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer
        assert set(answer["Allow"].split(", ")) == get_allowed_methods(template)


@TEMPLATES
def test_head_is_taken_where_get_is_and_tells_the_same(clients: dict[str, PhoneClient], template: str) -> None:
    if "GET" in get_allowed_methods(template):
        own = clients["own"]
        shown, told = (
            getattr(own.client, method)(build_address(template), headers=own.headers) for method in ("get", "head")
        )
        assert (told.status_code, told["Content-Type"], told.content) == (200, shown["Content-Type"], b"")
        assert told.headers.get("ETag") == shown.headers.get("ETag")
        assert set(told["Allow"].split(", ")) == get_allowed_methods(template)
