"""POST /enrol, and authentication by token."""

from uuid import uuid4

import pytest
from django.utils import timezone

from observer.models import Device
from observer.services.devices.enrolment import create_enrolment_code, revoke_device
from tests.api.conftest import PhoneClient
from tests.support.world import World, payload


@pytest.fixture
def code(world: World) -> str:
    return create_enrolment_code(observer=world.first.observer, election=world.election, now=timezone.now())


class TestACode:
    def test_it_becomes_a_token_that_works(self, nobody: PhoneClient, world: World, code: str) -> None:
        answer = nobody.post("enrol", {"code": code.lower(), "device": "Galaxy A14", "device_id": str(uuid4())})
        assert answer.status_code == 201
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert body["observer"] == {"code": "OB-2222", "language": "ru"}
        assert body["election"] == "test-2022"
        mine = nobody.get("me", authorization=f"Bearer {body['token']}")
        assert mine.json()["device"]["name"] == "Galaxy A14"

    def test_asked_again_by_the_same_device_it_gives_a_fresh_token(self, nobody: PhoneClient, code: str) -> None:
        body = {"code": code, "device_id": str(uuid4())}
        one, two = nobody.post("enrol", body), nobody.post("enrol", body)
        assert (one.status_code, two.status_code) == (201, 201)
        assert one.json()["token"] != two.json()["token"]

    @pytest.mark.parametrize("again", [{}, {"device_id": str(uuid4())}])
    def test_it_works_once(self, nobody: PhoneClient, code: str, again: dict) -> None:
        assert nobody.post("enrol", {"code": code}).status_code == 201
        answer = nobody.post("enrol", {"code": code} | again)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_code")

    @pytest.mark.parametrize(
        "body", [{}, {"code": 5}, {"code": ""}, {"code": "M4TQ-7HXV", "device": []}, {"code": "X", "device_id": "x"}]
    )
    def test_wrong_fields_are_named(self, nobody: PhoneClient, body: dict) -> None:
        answer = nobody.post("enrol", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    def test_many_wrong_ones_are_429_and_a_right_one_still_works(self, nobody: PhoneClient, code: str) -> None:
        statuses = [nobody.post("enrol", {"code": "0000-0000"}).status_code for _ in range(25)]
        assert statuses == [422] * 20 + [429] * 5
        slowed = nobody.post("enrol", {"code": "0000-0000"})
        assert slowed.json()["code"] == "throttled"
        assert int(slowed["Retry-After"]) > 0
        assert nobody.post("enrol", {"code": code}).status_code == 201

    def test_wrong_ones_are_counted_by_address_and_by_network_of_ipv6(self, nobody: PhoneClient) -> None:
        def status(address: str) -> int:
            return nobody.client.post(
                "/api/v1/enrol", b'{"code": "0000-0000"}', "application/json", REMOTE_ADDR=address
            ).status_code

        assert {status(f"2001:db8::{n:x}") for n in range(20)} == {422}
        assert status("2001:db8::ffff") == 429
        assert status("2001:db8:1::1") == 422
        assert status("198.51.100.7") == 422


class TestAToken:
    @pytest.mark.parametrize("header", ["Bearer x", "Token x", "Bearer", "Bearer é", "Basic eDp4", "Bearer \x7f"])
    def test_an_unknown_one_is_401(self, nobody: PhoneClient, header: str) -> None:
        answer = nobody.get("me", authorization=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_none_is_401(self, nobody: PhoneClient) -> None:
        answer = nobody.get("me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_a_revoked_one_is_told_so_in_the_observers_language(self, first: PhoneClient, world: World) -> None:
        revoke_device(device=world.first.device, user=None, now=timezone.now())
        answer = first.post("reports", payload())
        assert (answer.status_code, answer.json()["code"]) == (401, "device_revoked")
        assert answer["Content-Language"] == "ru"

    def test_its_use_is_noted_to_five_minutes(self, first: PhoneClient, world: World) -> None:
        before = timezone.now()
        first.get("me")
        seen = Device.objects.get(pk=world.first.device.pk).last_used_at
        assert seen >= before
        first.get("me")
        assert Device.objects.get(pk=world.first.device.pk).last_used_at == seen


class TestTransfer:
    def test_it_gives_a_code_for_the_same_observer(self, first: PhoneClient, nobody: PhoneClient) -> None:
        answer = first.post("me/transfer")
        assert answer.status_code == 201
        enrolled = nobody.post("enrol", {"code": answer.json()["code"], "device": "Browser"})
        assert enrolled.json()["observer"]["code"] == "OB-2222"
