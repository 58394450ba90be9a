"""Who may do what at every address of this channel: by a token in the address, by Basic, or by neither."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from api.openrosa.urls import urlpatterns
from observer.models import Device
from observer.services.devices.enrolment import device_create, device_revoke
from reports.models import Report
from tests.api.openrosa.collect import BOUNDARY, HEADERS, Collect, multipart, xml
from tests.support.world import World, make_election, make_phone

pytestmark = pytest.mark.once

# address: the answer to a working device, and to one of the same observer's in another election
TABLE = {
    ("GET", "formList"): (200, 200),
    ("GET", "forms/voting/1.xml"): (200, 404),
    ("GET", "forms/voting/1/manifest"): (200, 404),
    ("GET", "forms/voting/1/files/stations.csv"): (200, 404),
    ("HEAD", "submission"): (204, 204),
    ("POST", "submission"): (201, 422),
    ("GET", ""): (200, 200),
}


def basic(code: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{code}:{token}".encode()).decode()}


def ask(method: str, address: str, headers: dict[str, str] | None = None) -> Any:
    body = multipart(xml()) if method == "POST" else b""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return Client().generic(method, f"/api/openrosa/{address}", body, kind, headers=HEADERS | (headers or {}))


def test_the_table_has_every_address():
    assert get_resolver() and len(urlpatterns) == 2 * (len({address for _method, address in TABLE}))


@pytest.mark.parametrize(("method", "address"), TABLE)
def test_everyone_gets_what_the_table_says(world: World, method: str, address: str):
    own, elsewhere = TABLE[method, address]
    other = make_phone(world.first.observer, make_election("other-2022"))
    revoked = make_phone(world.first.observer, world.election)
    device_revoke(device=revoked.device, user=None, now=timezone.now())
    expected = [(world.first.token, own), (other.token, elsewhere), (revoked.token, 403), ("x" * 43, 403)]
    for token, status in expected:
        assert ask(method, f"k/{token}/{address}").status_code == status
        answer = ask(method, address, basic("ob-2222", token))
        assert answer.status_code == (401 if status == 403 else status)
        assert answer.has_header("WWW-Authenticate") == (status == 403)
    for headers in (
        {},
        basic("OB-3333", world.first.token),
        basic("", world.first.token),
        {"Authorization": "Basic !"},
    ):
        answer = ask(method, address, headers)
        assert answer.status_code == 401 and answer["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("address", sorted({address for _method, address in TABLE}))
def test_any_other_method_is_405(world: World, address: str):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = ask(method, f"k/{world.first.token}/{address}")
        assert answer.status_code == 405 and answer["Allow"]


class TestADeviceMadeForCollect:
    def test_works_at_once_and_says_when_it_did(self, world: World):
        made = device_create(
            observer=world.first.observer, election=world.election, name="ODK Collect", now=timezone.now()
        )
        assert Collect(token=made.token).head().status_code == 204
        assert Device.objects.get(pk=made.device.pk).last_used_at is not None

    def test_dies_if_nobody_uses_it_in_three_days(self, world: World):
        now = timezone.now() - timedelta(hours=73)
        made = device_create(observer=world.first.observer, election=world.election, name="ODK Collect", now=now)
        assert Collect(token=made.token).head().status_code == 403

    def test_does_not_die_once_it_was_used(self, world: World):
        now = timezone.now() - timedelta(hours=73)
        made = device_create(observer=world.first.observer, election=world.election, name="ODK Collect", now=now)
        Device.objects.filter(pk=made.device.pk).update(last_used_at=now + timedelta(hours=1))
        assert Collect(token=made.token).send(xml()).status_code == 201
        assert Report.objects.get().device == made.device
