"""POST /reports: the answers to a phone, and what is stored."""

import io
import json
from uuid import uuid4

import pytest

from reports.models import Evidence, Refusal, Report
from tests.api.conftest import PhoneClient
from tests.support.world import payload

FILE = {"id": "018f3c1e-7b2a-7c3d-9e4f-5a6b7c8d9e0f", "sha256": "ab" * 32, "size": 214332, "type": "image/jpeg"}


class TestAGoodReport:
    def test_it_is_stored_and_answered_with_a_receipt(self, first: PhoneClient) -> None:
        body = payload(
            contest=None,
            slot=None,
            sent_at="2022-11-20T10:41:07+06:00",
            comment="Көрдім",
            outside=False,
            location={"lat": 43.238, "lon": 76.945, "accuracy": 12},
            supersedes=None,
            rehearsal=False,
            evidence=[
                FILE
                | {
                    "question": "V03",
                    "captured_at": "2022-11-20T10:40:00.123Z",
                    "source": "camera",
                    "location": None,
                    "violation": None,
                    "publishable": True,
                    "preview_of": None,
                }
            ],
            unknown_field={"ignored": True},
        )
        answer = first.post("reports", body)
        assert answer.status_code == 201, answer.content
        receipt = answer.json()
        assert list(receipt) == ["id", "received_at", "sequence", "content_sha256", "flags", "state", "evidence"]
        assert receipt["id"] == body["id"]
        assert receipt["state"] == "received"
        url = f"http://testserver/api/v1/evidence/{FILE['id']}"
        assert receipt["evidence"] == [{"id": FILE["id"], "state": "awaited", "offset": 0, "url": url}]
        stored = Report.objects.get()
        assert (stored.comment, stored.lat, stored.accuracy) == ("Көрдім", 43.238, 12)
        assert Evidence.objects.get().publishable

    def test_sent_again_it_is_the_same_receipt(self, first: PhoneClient) -> None:
        body = payload()
        one, two = first.post("reports", body), first.post("reports", body | {"sent_at": "2022-11-20T11:00:00Z"})
        assert (one.status_code, two.status_code) == (201, 200)
        assert one.json() == two.json()

    def test_more_evidence_in_a_retry_is_added(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        again = first.post("reports", body | {"evidence": [FILE]})
        assert again.status_code == 200
        assert [one["id"] for one in again.json()["evidence"]] == [FILE["id"]]

    def test_an_id_in_capitals_is_the_same_id(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        assert first.post("reports", body | {"id": body["id"].upper()}).status_code == 200


class TestAnIdTwice:
    def test_other_content_is_a_conflict_and_both_are_kept(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        answer = first.post("reports", body | {"comment": "other", "evidence": [FILE]})
        assert (answer.status_code, answer.json()["code"]) == (409, "changed_content")
        assert answer.json()["evidence"][0]["url"].endswith(FILE["id"])
        assert Report.objects.get().comment == ""
        assert Refusal.objects.get().code == "changed_content"

    def test_another_observers_id_shows_nothing_of_theirs(self, first: PhoneClient, second: PhoneClient) -> None:
        body = payload(comment="mine alone")
        receipt = first.post("reports", body).json()
        answer = second.post("reports", body)
        assert answer.status_code == 409
        for secret in ("mine alone", receipt["content_sha256"], "OB-2222"):
            assert secret not in answer.content.decode()


class TestHeaders:
    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/json; charset=utf-16"])
    def test_another_content_type_is_415(self, first: PhoneClient, kind: str) -> None:
        answer = first.post("reports", b"{}", content_type=kind)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    def test_a_compressed_body_is_415(self, first: PhoneClient) -> None:
        assert first.post("reports", b"{}", **{"content-encoding": "gzip"}).status_code == 415

    def test_a_charset_is_allowed(self, first: PhoneClient) -> None:
        assert first.post("reports", payload(), content_type="application/json; charset=UTF-8").status_code == 201

    def test_ten_megabytes_are_refused_before_they_are_read(self, first: PhoneClient) -> None:
        answer = first.post("reports", b'{"a": "' + b"x" * 10_000_000 + b'"}')
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_a_body_without_a_length_is_411(self, first: PhoneClient) -> None:
        answer = first.client.generic(
            "POST", "/api/v1/reports", b"{}", "application/json", headers=first.headers, CONTENT_LENGTH=""
        )
        assert answer.status_code == 411

    def test_a_body_that_ends_early_is_not_stored(self, first: PhoneClient) -> None:
        body = json.dumps(payload()).encode()
        answer = first.client.generic(
            "POST",
            "/api/v1/reports",
            body,
            "application/json",
            headers=first.headers,
            CONTENT_LENGTH=str(len(body) + 9),
            **{"wsgi.input": io.BytesIO(body)},
        )
        assert answer.status_code == 400
        assert not Report.objects.exists()

    def test_a_full_disk_is_503_with_a_time_to_come_back(self, first: PhoneClient, settings) -> None:
        settings.DISK_FREE_MIN_REPORTS = 10**18
        answer = first.post("reports", payload())
        assert (answer.status_code, answer.json()["code"]) == (503, "low_disk")
        assert int(answer["Retry-After"]) > 0


MALFORMED = {
    "nothing": b" ",
    "no JSON": b"id=1",
    "a list": b"[]",
    "depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "NUL": b'{"id": "\\u0000"}',
    "raw NUL": b'{"id": "\x00"}',
    "lone surrogate": b'{"comment": "\\ud800"}',
    "raw surrogate": b'{"comment": "\xed\xa0\x80"}',
    "1e400": b'{"answers": {"X06": 1e400}}',
    "NaN": b'{"answers": {"X06": NaN}}',
    "duplicate keys": b'{"id": "a", "id": "b"}',
    "not UTF-8": b'{"comment": "\xff"}',
}
WRONG = {
    "no id": ({"id": None}, "id"),
    "id a number": ({"id": 7}, "id"),
    "id no UUID": ({"id": "x" * 36}, "id"),
    "id a list": ({"id": []}, "id"),
    "checklist a text": ({"checklist": "voting"}, "checklist"),
    "version a text": ({"checklist": {"code": "voting", "version": "1"}}, "checklist.version"),
    "version true": ({"checklist": {"code": "voting", "version": True}}, "checklist.version"),
    "version huge": ({"checklist": {"code": "voting", "version": 10**20}}, "checklist.version"),
    "code an object": ({"checklist": {"code": {}, "version": 1}}, "checklist.code"),
    "commission a number": ({"commission": 5}, "commission"),
    "commission too long": ({"commission": "K" * 61}, "commission"),
    "no commission": ({"commission": ""}, "commission"),
    "observed_at without offset": ({"observed_at": "2022-11-20T10:40:00"}, "observed_at"),
    "observed_at no time": ({"observed_at": "yesterday"}, "observed_at"),
    "observed_at 30 February": ({"observed_at": "2022-02-30T10:40:00Z"}, "observed_at"),
    "observed_at year 9999": ({"observed_at": "9999-12-31T23:59:59-23:59"}, "observed_at"),
    "observed_at year 1": ({"observed_at": "0001-01-01T00:00:00+23:59"}, "observed_at"),
    "observed_at a number": ({"observed_at": 1668919200}, "observed_at"),
    "sent_at a list": ({"sent_at": [1]}, "sent_at"),
    "answers a list": ({"answers": ["yes"]}, "answers"),
    "answers too many": ({"answers": {f"Q{n}": "yes" for n in range(1001)}}, "answers"),
    "comment a number": ({"comment": 1}, "comment"),
    "comment too long": ({"comment": "x" * 20_001}, "comment"),
    "slot too long": ({"slot": "x" * 33}, "slot"),
    "contest an object": ({"contest": {}}, "contest"),
    "location a text": ({"location": "here"}, "location"),
    "lat beyond the pole": ({"location": {"lat": 90.01, "lon": 0}}, "location.lat"),
    "lat true": ({"location": {"lat": True, "lon": 0}}, "location.lat"),
    "lon missing": ({"location": {"lat": 1}}, "location.lon"),
    "accuracy negative": ({"location": {"lat": 1, "lon": 1, "accuracy": -1}}, "location.accuracy"),
    "outside a text": ({"outside": "no"}, "outside"),
    "rehearsal a number": ({"rehearsal": 1}, "rehearsal"),
    "supersedes no UUID": ({"supersedes": "that one"}, "supersedes"),
    "evidence an object": ({"evidence": {}}, "evidence"),
    "evidence of texts": ({"evidence": ["photo"]}, "evidence.0"),
    "evidence without a hash": ({"evidence": [FILE | {"sha256": None}]}, "evidence.0.sha256"),
    "evidence with half a hash": ({"evidence": [FILE | {"sha256": "ab" * 31}]}, "evidence.0.sha256"),
    "evidence of no bytes": ({"evidence": [FILE | {"size": 0}]}, "evidence.0.size"),
    "evidence of 26 MB": ({"evidence": [FILE | {"size": 26_000_000}]}, "evidence.0.size"),
    "evidence of 1.5 bytes": ({"evidence": [FILE | {"size": 1.5}]}, "evidence.0.size"),
    "evidence of no type": ({"evidence": [FILE | {"type": "a photo"}]}, "evidence.0.type"),
    "evidence from nowhere": ({"evidence": [FILE | {"source": "heaven"}]}, "evidence.0.source"),
    "evidence published maybe": ({"evidence": [FILE | {"publishable": "yes"}]}, "evidence.0.publishable"),
    "evidence at no place": ({"evidence": [FILE | {"location": {"lat": 1}}]}, "evidence.0.location.lon"),
    "21 files": ({"evidence": [FILE | {"id": str(uuid4())} for _ in range(21)]}, "evidence"),
    "unknown question": ({"answers": {"Z99": "yes"}}, "answers.Z99"),
    "answer not among the choices": ({"answers": {"V03": "perhaps"}}, "answers.V03"),
    "answer a nested list": ({"answers": {"V30": [["a"]]}}, "answers.V30"),
    "answer an object": ({"answers": {"V03": {"a": 1}}}, "answers.V03"),
    "answer true": ({"answers": {"X05": True}}, "answers.X05"),
    "answer to a note": ({"answers": {"X12": "read"}}, "answers.X12"),
    "no such commission": ({"commission": "XX-1"}, "commission"),
    "no such contest": ({"contest": "mayor"}, "contest"),
    "no such checklist": ({"checklist": {"code": "lunch", "version": 1}}, "checklist"),
    "no such version": ({"checklist": {"code": "voting", "version": 99}}, "checklist"),
}


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
    def test_malformed_is_400_and_kept(self, first: PhoneClient, body: bytes) -> None:
        answer = first.post("reports", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        assert answer["Content-Type"] == "application/problem+json"
        assert Refusal.objects.get().size == len(body)

    @pytest.mark.parametrize(("fields", "path"), WRONG.values(), ids=WRONG.keys())
    def test_a_wrong_field_is_named_and_the_body_is_kept(self, first: PhoneClient, fields: dict, path: str) -> None:
        body = payload() | fields
        answer = first.post("reports", body)
        problem = answer.json()
        assert answer.status_code == 422, problem
        assert problem["code"] in ("invalid_report", "invalid_answers", "unknown_commission", "unknown_checklist")
        assert path in [error["field"] for error in problem["errors"]]
        assert all(set(error) == {"field", "code", "detail"} for error in problem["errors"])
        assert not Report.objects.exists()
        kept = Refusal.objects.get()
        assert kept.size == len(json.dumps(body, ensure_ascii=False).encode())

    def test_all_wrong_fields_are_told_at_once(self, first: PhoneClient) -> None:
        answer = first.post("reports", {"id": 1, "outside": 2})
        named = {error["field"] for error in answer.json()["errors"]}
        assert {"id", "outside", "checklist", "commission", "observed_at"} <= named

    def test_a_corrected_report_may_keep_its_id(self, first: PhoneClient) -> None:
        body = payload()
        assert first.post("reports", body | {"answers": {"Z99": 1}}).status_code == 422
        assert first.post("reports", body).status_code == 201

    def test_files_of_a_refused_report_may_be_sent(self, first: PhoneClient) -> None:
        answer = first.post("reports", payload(commission="XX", evidence=[FILE]))
        assert answer.json()["code"] == "unknown_commission"
        assert answer.json()["evidence"][0]["state"] == "awaited"

    def test_a_commission_of_another_election_is_unknown(self, first: PhoneClient, world) -> None:
        from_there = payload(commission="OTHER-1")
        assert first.post("reports", from_there).json()["code"] == "unknown_commission"

    def test_words_are_in_the_language_asked_for_codes_are_not(self, first: PhoneClient) -> None:
        answer = first.post("reports", payload(id=None), **{"accept-language": "ru"})
        assert answer["Content-Language"] == "ru"
        assert answer.json()["errors"][0]["code"] == "required"

    def test_without_a_header_it_is_the_observers_own_language(self, first: PhoneClient) -> None:
        assert first.post("reports", payload(id=None))["Content-Language"] == "ru"
