"""GET /reports?since=, and what is added to a stored report."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from api.rest import report_status
from reports.models import Evidence, Note, Report
from tests.api.conftest import PhoneClient
from tests.support.world import World, payload

FILE = {"id": str(uuid4()), "sha256": "ab" * 32, "size": 10, "type": "image/png"}


def get_next_address(answer) -> str:
    address, rel = answer["Link"].split("; ")
    assert rel == 'rel="next"'
    return address.strip("<>").split("/api/v1/")[1]


class TestReportStatus:
    def test_it_lists_the_observers_own_reports_with_their_state(self, first: PhoneClient, second: PhoneClient) -> None:
        body = payload()
        receipt = first.post("reports", body).json()
        second.post("reports", payload())
        (item,) = first.get("reports").json()
        assert item.items() >= receipt.items()
        assert item["checklist"] == {"code": "voting", "version": 1}
        assert item["commission"] == "KZ-1-1-1"
        assert "changed_at" in item

    def test_a_change_of_state_is_listed_after_the_cursor(self, first: PhoneClient) -> None:
        first.post("reports", payload())
        Report.objects.update(changed_at=timezone.now() - timedelta(hours=1))
        seen = first.get("reports")
        first.post("reports", payload(commission="KZ-1-1-2"))
        more = first.get(get_next_address(seen)).json()
        assert [one["commission"] for one in more] == ["KZ-1-1-1", "KZ-1-1-2"], "it overlaps by 60 s"
        newest = first.get("reports")
        Report.objects.filter(commission__code="KZ-1-1-1").update(
            state="rejected", changed_at=timezone.now() + timedelta(seconds=70)
        )
        assert [one["state"] for one in first.get(get_next_address(newest)).json()][-1] == "rejected"

    def test_it_says_when_a_coordinator_first_read_it(self, first: PhoneClient) -> None:
        first.post("reports", payload())
        assert first.get("reports").json()[0]["read_at"] is None
        Report.objects.update(read_at="2022-11-20T05:00:00Z", state="verified")
        (item,) = first.get("reports").json()
        assert (item["state"], item["read_at"]) == ("verified", "2022-11-20T05:00:00Z")

    def test_many_changes_at_one_moment_are_all_listed(self, first: PhoneClient, monkeypatch) -> None:
        monkeypatch.setattr(report_status, "PAGE_SIZE", 2)
        for _ in range(5):
            first.post("reports", payload())
        Report.objects.update(changed_at=timezone.now())
        seen, address = set(), "reports"
        for _ in range(3):
            answer = first.get(address)
            seen |= {one["id"] for one in answer.json()}
            address = get_next_address(answer)
        assert len(seen) == 5

    def test_unchanged_it_is_304(self, first: PhoneClient) -> None:
        first.post("reports", payload())
        seen = first.get("reports")
        again = first.get("reports", **{"if-none-match": seen["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again["Link"] == seen["Link"]

    @pytest.mark.parametrize(
        "since",
        [
            "2022-11-20T10:41:00%2B06:00",
            "2022-11-20T10:41:00+06:00",
            "2022-11-20T04:41:00Z",
            "2022-11-20T04:41:00.000001Z",
            "2022-11-19T23:41:00-05:00",
            "2022-11-20t04:41:00z",
        ],
    )
    def test_a_time_will_do_instead_of_a_cursor(self, first: PhoneClient, since: str) -> None:
        """What changed from a minute before it: the same overlap as from one answer to the next."""
        early, late = payload(), payload(commission="KZ-1-1-2")
        for body, changed in ((early, "04:39:59"), (late, "04:40:01")):
            first.post("reports", body)
            Report.objects.filter(uuid=body["id"]).update(changed_at=f"2022-11-20T{changed}Z")
        answer = first.get(f"reports?since={since}")
        assert [one["id"] for one in answer.json()] == [late["id"]]
        assert [one["id"] for one in first.get(get_next_address(answer)).json()] == [early["id"], late["id"]]

    @pytest.mark.parametrize("since", ["2022-11-20T10:41:00%2B06:00", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
    def test_a_time_without_news_gives_a_cursor_too(self, first: PhoneClient, since: str) -> None:
        answer = first.get(f"reports?since={since}")
        assert answer.json() == []
        assert first.get(get_next_address(answer)).json() == []

    @pytest.mark.parametrize(
        "cursor",
        [
            "2022-11-20",
            "2022-11-20T10:00:00",
            "0001-01-01T00:00:00Z",
            "x",
            "%00",
            "A" * 300,
            "MjAyMg",
            "MjAyMi0xMS0yMFQwMDowMDowMCAtMQ",
            "é",
            "==",
        ],
    )
    def test_an_invalid_cursor_is_400(self, first: PhoneClient, cursor: str) -> None:
        answer = first.get(f"reports?since={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")

    def test_reports_in_another_election_are_not_listed(self, first: PhoneClient, world: World) -> None:
        first.post("reports", payload())
        assert PhoneClient(make_phone_in_other_election(world)).get("reports").json() == []


def make_phone_in_other_election(world: World):
    """The same observer, enrolled in another election."""
    from tests.support.world import make_election, make_phone

    return make_phone(world.first.observer, make_election("other-2022"))


class TestMoreFiles:
    def test_they_are_announced_once(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        for _ in range(2):
            answer = first.post(f"reports/{body['id']}/evidence", {"evidence": [FILE]})
            assert answer.status_code == 200
            assert [one["id"] for one in answer.json()["evidence"]] == [FILE["id"]]
        assert Evidence.objects.get().report.uuid.hex == body["id"].replace("-", "")

    def test_another_hash_under_the_same_id_is_409(self, first: PhoneClient) -> None:
        body = payload(evidence=[FILE])
        first.post("reports", body)
        answer = first.post(f"reports/{body['id']}/evidence", {"evidence": [FILE | {"sha256": "cd" * 32}]})
        assert (answer.status_code, answer.json()["code"]) == (409, "changed_content")

    @pytest.mark.parametrize("body", [{}, {"evidence": {}}, {"evidence": [7]}, {"evidence": [FILE | {"size": "1"}]}])
    def test_wrong_fields_are_422(self, first: PhoneClient, body: dict) -> None:
        report = payload()
        first.post("reports", report)
        assert first.post(f"reports/{report['id']}/evidence", body).status_code == 422

    def test_anothers_report_is_404(self, first: PhoneClient, second: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        assert second.post(f"reports/{body['id']}/evidence", {"evidence": [FILE]}).status_code == 404
        assert second.post(f"reports/{body['id']}/notes", NOTE).status_code == 404


NOTE = {"id": str(uuid4()), "text": "Кейін кешірім сұрады", "at": "2022-11-20T12:00:00+06:00"}


class TestNotes:
    def test_a_note_is_stored_once(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        answers = [first.post(f"reports/{body['id']}/notes", NOTE) for _ in range(2)]
        assert [one.status_code for one in answers] == [201, 200]
        assert answers[0].json() == answers[1].json()
        assert Note.objects.get().text == NOTE["text"]

    def test_other_words_under_the_same_id_are_409(self, first: PhoneClient) -> None:
        body = payload()
        first.post("reports", body)
        first.post(f"reports/{body['id']}/notes", NOTE)
        answer = first.post(f"reports/{body['id']}/notes", NOTE | {"text": "other"})
        assert (answer.status_code, answer.json()["code"]) == (409, "changed_content")
        assert Note.objects.get().text == NOTE["text"]

    @pytest.mark.parametrize(
        "wrong", [{"id": 5}, {"text": ""}, {"text": ["x"]}, {"text": "x" * 20_001}, {"at": "now"}, {"at": None}]
    )
    def test_wrong_fields_are_422(self, first: PhoneClient, wrong: dict) -> None:
        body = payload()
        first.post("reports", body)
        answer = first.post(f"reports/{body['id']}/notes", NOTE | wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["field"] in wrong
