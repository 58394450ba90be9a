"""Every error below /api/ is a problem in JSON with a stable code and a text."""

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from api.rest import problems, reports
from reports.models import Refusal, Report, Unkept
from tests.api.conftest import PhoneClient
from tests.support.world import World, payload


def check_problem(answer, status: int, code: str) -> dict:
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:baqylau:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert isinstance(body["errors"], list)
    return body


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/",
            "/api/v1/",
            "/api/v1/nothing",
            "/api/v2/reports",
            "/api/v1/reports/",
            "/api/v1/me%00",
            "/api/v1/reports/not-an-id/notes",
            "/api/v1/checklists/a%00b/1",
            "/api/v1/checklists/voting/1%0a",
            "/api/v1/elections/x%00/commissions/KZ",
            "/api/v1/elections/%ff/commissions/KZ",
            "/api/v1/elections/x/commissions/%ED%A0%80",
            "/api/v1/evidence/%00",
        ],
    )
    @pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "trace", "brew"])
    def test_an_unknown_address_is_404_whatever_the_method(self, first: PhoneClient, path: str, method: str) -> None:
        strict = Client(enforce_csrf_checks=True)
        check_problem(strict.generic(method.upper(), path, headers=first.headers), 404, "not_found")

    def test_capitals_in_an_id_are_the_same_address(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        note = {"id": body["id"], "text": "x", "at": "2022-11-20T12:00:00Z"}
        assert first.post(f"reports/{body['id'].upper()}/notes", note).status_code == 201

    def test_another_method_is_405_with_those_that_work(self, first: PhoneClient) -> None:
        answer = first.client.delete("/api/v1/reports", headers=first.headers)
        check_problem(answer, 405, "method_not_allowed")
        assert set(answer["Allow"].split(", ")) >= {"GET", "POST"}

    def test_options_says_what_is_taken(self, first: PhoneClient) -> None:
        answer = first.client.options("/api/v1/reports", headers=first.headers)
        assert answer.status_code == 204
        assert "POST" in answer["Allow"]


class TestTheServersOwnFaults:
    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    def test_a_database_that_does_not_answer_is_503_and_nothing_was_stored(self, first, monkeypatch, error) -> None:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise error("database is locked")

        monkeypatch.setattr(reports, "accept_submission", broken)
        answer = first.post("reports", payload())
        body = check_problem(answer, 503, "unavailable")
        assert int(answer["Retry-After"]) > 0
        assert "locked" not in str(body)
        assert not Report.objects.exists()

    def test_an_unforeseen_error_is_500_and_tells_no_secret(self, world: World, monkeypatch) -> None:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("the secret")

        monkeypatch.setattr(reports, "accept_submission", broken)
        phone = PhoneClient(world.first)
        phone.client = Client(raise_request_exception=False)
        answer = phone.post("reports", payload())
        assert "secret" not in answer.content.decode()
        check_problem(answer, 500, "server_error")

    def test_a_host_that_is_not_ours_is_400(self, world: World, settings) -> None:
        settings.ALLOWED_HOSTS = ["example.org"]
        phone = PhoneClient(world.first)
        answer = phone.client.post("/api/v1/reports", b"{}", "application/json", headers=phone.headers)
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_full_quarantine_keeps_no_more_and_says_so(self, first: PhoneClient, settings) -> None:
        settings.QUARANTINE_BODIES_PER_DEVICE = 1
        stored = payload()
        assert first.post("reports", stored).status_code == 201
        first.post("reports", {"id": 1})
        refused = {
            (400, "malformed"): b"{",
            (409, "changed_content"): stored | {"comment": "other"},
            (422, "invalid_report"): {"id": 2},
            (422, "unknown_commission"): payload(commission="XX"),
        }
        for (status, code), body in refused.items():
            answer = first.post("reports", body, **{"accept-language": "en"})
            assert "No copy was kept here" in check_problem(answer, status, code)["detail"]
        rows = first.post(
            "reports/batch", {"reports": [stored | {"comment": "x"}, payload(commission="XX"), payload()]}
        )
        results = rows.json()["results"]
        assert [row["outcome"] for row in results] == ["conflict", "unknown", "stored"]
        assert ["Копия" in row["problem"]["detail"] for row in results[:2]] == [True, True]
        assert Refusal.objects.count() == 1
        assert Unkept.objects.get().bodies == 6


class TestWords:
    def test_every_code_has_a_status_and_a_title(self) -> None:
        for code, (status, title) in problems.CODES.items():
            assert 400 <= status < 600, code
            assert str(title), code

    @pytest.mark.parametrize("language", ["kk", "ru", "en"])
    def test_they_come_in_the_readers_language(self, first: PhoneClient, language: str) -> None:
        answer = first.post("reports", {}, **{"accept-language": language})
        assert answer["Content-Language"] == language
        check_problem(answer, 422, "invalid_report")

    def test_an_unknown_code_is_422(self) -> None:
        assert problems.build_problem_response("something_new").status_code == 422
