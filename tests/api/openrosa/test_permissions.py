"""The permission table of the OpenRosa channel.

By a token in the address, by Basic auth, or by neither.
"""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from api.openrosa.urls import urlpatterns
from observer.models import Device
from observer.services.devices.enrolment import create_device, revoke_device
from reports.models import Report
from tests.api.openrosa.collect import BOUNDARY, HEADERS, CollectClient, build_form_xml, build_multipart
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


def build_basic_auth(code: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{code}:{token}".encode()).decode()}


def send_request(method: str, address: str, headers: dict[str, str] | None = None) -> Any:
    body = build_multipart(build_form_xml()) if method == "POST" else b""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return Client().generic(method, f"/api/openrosa/{address}", body, kind, headers=HEADERS | (headers or {}))


def test_the_table_has_every_address():
    assert get_resolver() and len(urlpatterns) == 2 * (len({address for _method, address in TABLE}))


@pytest.mark.parametrize(("method", "address"), TABLE)
def test_everyone_gets_what_the_table_says(world: World, method: str, address: str):
    own, elsewhere = TABLE[method, address]
    other = make_phone(world.first.observer, make_election("other-2022"))
    revoked = make_phone(world.first.observer, world.election)
    revoke_device(device=revoked.device, user=None, now=timezone.now())
    expected = [(world.first.token, own), (other.token, elsewhere), (revoked.token, 403), ("x" * 43, 403)]
    for token, status in expected:
        assert send_request(method, f"k/{token}/{address}").status_code == status
        answer = send_request(method, address, build_basic_auth("ob-2222", token))
        assert answer.status_code == (401 if status == 403 else status)
        assert answer.has_header("WWW-Authenticate") == (status == 403)
    for headers in (
        {},
        build_basic_auth("OB-3333", world.first.token),
        build_basic_auth("", world.first.token),
        {"Authorization": "Basic !"},
    ):
        answer = send_request(method, address, headers)
        assert answer.status_code == 401 and answer["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("address", sorted({address for _method, address in TABLE}))
def test_any_other_method_is_405(world: World, address: str):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = send_request(method, f"k/{world.first.token}/{address}")
        assert answer.status_code == 405 and answer["Allow"]


class TestADeviceMadeForCollect:
    def test_works_at_once_and_says_when_it_did(self, world: World):
        made = create_device(
            observer=world.first.observer, election=world.election, name="ODK Collect", now=timezone.now()
        )
        assert CollectClient(token=made.token).head().status_code == 204
        assert Device.objects.get(pk=made.device.pk).last_used_at is not None

    def test_dies_if_nobody_uses_it_in_three_days(self, world: World):
        now = timezone.now() - timedelta(hours=73)
        made = create_device(observer=world.first.observer, election=world.election, name="ODK Collect", now=now)
        assert CollectClient(token=made.token).head().status_code == 403

    def test_does_not_die_once_it_was_used(self, world: World):
        now = timezone.now() - timedelta(hours=73)
        made = create_device(observer=world.first.observer, election=world.election, name="ODK Collect", now=now)
        Device.objects.filter(pk=made.device.pk).update(last_used_at=now + timedelta(hours=1))
        assert CollectClient(token=made.token).send(build_form_xml()).status_code == 201
        assert Report.objects.get().device == made.device
