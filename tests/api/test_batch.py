"""POST /reports/batch: many reports at once, each with its own outcome."""

import json
from uuid import uuid4

from reports.models import Refusal, Report
from tests.api.conftest import PhoneClient
from tests.support.world import payload


class TestABatch:
    def test_every_report_has_its_outcome_in_order(self, first: PhoneClient, second: PhoneClient) -> None:
        known, theirs = payload(), payload()
        first.post("reports", known)
        second.post("reports", theirs)
        sent = [
            payload(),
            known,
            known | {"comment": "other"},
            theirs,
            payload(commission="XX"),
            payload() | {"checklist": {"code": "lunch", "version": 1}},
            payload(answers={"V03": "perhaps"}),
            payload(id="no id"),
            payload(observed_at=5),
        ]
        answer = first.post("reports/batch", {"reports": sent})
        assert answer.status_code == 200
        rows = answer.json()["results"]
        assert [row["outcome"] for row in rows] == [
            "stored",
            "duplicate",
            "conflict",
            "conflict",
            "unknown",
            "unknown",
            "invalid",
            "invalid",
            "invalid",
        ]
        assert [row["id"] for row in rows] == [one["id"] for one in sent]
        assert all(("receipt" in row) != ("problem" in row) for row in rows)
        assert rows[6]["problem"]["errors"][0]["field"] == "answers.V03"
        assert rows[6]["problem"]["status"] == 422
        assert Report.objects.count() == 3
        assert Refusal.objects.count() == 7

    def test_a_bad_element_affects_only_itself_and_is_kept(self, first: PhoneClient) -> None:
        good = [json.dumps(payload()).encode() for _ in range(2)]
        for bad in (b'{"id": 1e400}', b'{"id": tru}', b"7", b"null", b'"\xff"', b'{"a":' * 9000 + b"1" + b"}" * 9000):
            answer = first.post("reports/batch", b'{"reports": [%s,%s,%s]}' % (good[0], bad, good[1]))
            assert answer.status_code == 200, bad
            outcomes = [row["outcome"] for row in answer.json()["results"]]
            assert outcomes[1] == "invalid", bad
            assert outcomes[0] in ("stored", "duplicate")
            assert outcomes[2] in ("stored", "duplicate")
        assert Report.objects.count() == 2
        assert Refusal.objects.count() == 6

    def test_the_same_report_twice_in_one_batch_is_stored_once(self, first: PhoneClient) -> None:
        body = payload()
        rows = first.post("reports/batch", {"reports": [body, body]}).json()["results"]
        assert [row["outcome"] for row in rows] == ["stored", "duplicate"]
        assert rows[0]["receipt"] == rows[1]["receipt"]

    def test_a_report_that_is_too_large_alone_is_too_large_here(self, first: PhoneClient, settings) -> None:
        settings.REPORT_BYTES_MAX = 2000
        rows = first.post("reports/batch", {"reports": [payload(), payload(comment="x" * 3000)]}).json()["results"]
        assert [row["outcome"] for row in rows] == ["stored", "too_large"]
        assert rows[1]["problem"]["status"] == 413

    def test_an_empty_batch_is_accepted(self, first: PhoneClient) -> None:
        assert first.post("reports/batch", {"reports": []}).json() == {"results": []}

    def test_more_than_a_hundred_are_413_and_none_is_stored(self, first: PhoneClient) -> None:
        answer = first.post("reports/batch", {"reports": [{"id": str(uuid4())}] * 101})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert not Refusal.objects.exists()

    def test_a_wrapper_that_cannot_be_read_is_400_and_kept(self, first: PhoneClient) -> None:
        answer = first.post("reports/batch", b'{"reports": [{}')
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        assert Refusal.objects.count() == 1

    def test_a_wrapper_without_reports_is_422(self, first: PhoneClient) -> None:
        answer = first.post("reports/batch", {"report": []})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_report")
