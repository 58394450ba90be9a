"""Whole requests in ODK Collect's form, sent unchanged.

Three photos in two POSTs, repeated, cut off, edited, refused.
"""

import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from observer.services.devices.enrolment import revoke_device
from reports.models import Checklist, Evidence, Refusal, Report
from reports.services.storage.sealed_store import open_sealed_file
from tests.support.world import World, make_texts, make_version

FOLDER = Path(__file__).parents[2] / "payloads" / "openrosa"
FIRST = UUID("5a3c2f7e-2f0a-4a3c-8d53-7b1d0c9e6a11")
EDITED = UUID("c0ffee00-8a5b-4b0e-9a33-1f2e3d4c5b6a")
QUESTIONS: list[dict[str, Any]] = [
    {"code": "P1", "type": "yes_no", "violation_answers": ["yes"], "violation_code": "FRD-05", "required": True},
    {"code": "P2", "type": "photo"},
    {"code": "P3", "type": "file"},
    {"code": "P4", "type": "choices", "choices": ["a", "b", "c"]},
    {"code": "P5", "type": "decimal"},
    {"code": "P6", "type": "time"},
    {"code": "P7", "type": "date"},
    {"code": "P8", "type": "location"},
]


@pytest.fixture
def token(world: World) -> str:
    papers = Checklist.objects.create(
        election=world.election, code="papers", stage="voting", repeat="visit", titles=make_texts("papers"), order=9
    )
    make_version(papers, 1, QUESTIONS)
    return world.first.token


def replay(token: str, name: str, cut: int | None = None, **environment: Any) -> Any:
    """Sends a stored request, or only its first `cut` bytes of body, as a broken connection would."""
    head, body = (FOLDER / f"{name}.http").read_bytes().split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    method, address, _protocol = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    kind = headers.pop("Content-Type", "")
    length = headers.pop("Content-Length", "0")
    headers.pop("Host")
    return Client().generic(
        method,
        f"/api/openrosa/k/{token}{address}",
        body[:cut],
        kind,
        headers=headers,
        CONTENT_TYPE=kind,
        **{"wsgi.input": io.BytesIO(body[:cut]), "CONTENT_LENGTH": length, **environment},
    )


def load_photo_states(report: UUID = FIRST) -> list[str]:
    return list(Evidence.objects.filter(report__uuid=report).order_by("pk").values_list("state", flat=True))


class TestAWholeSubmission:
    def test_begins_with_a_handshake(self, token):
        answer = replay(token, "head")
        assert answer.status_code == 204 and answer["X-OpenRosa-Version"] == "1.0" and answer["Date"]
        assert int(answer["X-OpenRosa-Accept-Content-Length"]) == 2_000_000

    def test_comes_in_two_posts_and_is_one_report_with_three_photos(self, token):
        assert replay(token, "first").status_code == 202
        assert load_photo_states() == ["stored", "stored", "awaited"]
        assert replay(token, "second").status_code == 201
        assert load_photo_states() == ["stored"] * 3
        report = Report.objects.get()
        assert report.answers == {
            "P1": "yes",
            "P2": ["1668916800001.jpg"],
            "P3": ["1668916800002.jpg"],
            "P4": ["a", "c"],
            "P5": "3",
            "P6": "10:30",
            "P7": "2022-11-20",
            "P8": {"lat": 43.2567, "lon": 76.9286, "accuracy": 0.0},
        }
        assert (report.lat, report.lon, report.accuracy) == (43.25, 76.95, 11.8)
        assert report.comment == "Двое подписались за соседей."
        assert [one.code for one in report.violations.all()] == ["FRD-05"]
        assert report.sent_at is None

    def test_its_files_are_sealed_with_their_question(self, token):
        replay(token, "first")
        replay(token, "second")
        rows = list(Evidence.objects.order_by("pk"))
        assert [row.question for row in rows] == ["P2", "P3", ""]
        assert all(row.publishable and row.type == "image/jpeg" and row.size for row in rows)
        for row in rows:
            with open_sealed_file(sha256=row.sha256) as file:
                content = file.read()
            assert len(content) == row.size and content in b"".join(
                (FOLDER / name).read_bytes() for name in ("first.http", "second.http")
            )

    def test_may_come_again_any_number_of_times_in_any_order(self, token):
        for name in ("second", "first", "first", "second", "second"):
            assert replay(token, name).status_code in (201, 202)
        assert Report.objects.count() == 1 and load_photo_states() == ["stored"] * 3
        assert replay(token, "first").status_code == 201

    def test_may_come_in_chunks_without_a_length(self, token):
        answer = replay(token, "first", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
        assert answer.status_code == 202 and load_photo_states()[:2] == ["stored", "stored"]

    def test_cut_off_anywhere_it_keeps_complete_parts_and_can_be_sent_again(self, token, settings):
        body = (FOLDER / "first.http").read_bytes().split(b"\r\n\r\n", 1)[1]
        seen = set()
        for cut in range(0, len(body) - 4, 97):
            answer = replay(token, "first", cut)
            assert answer.status_code == 400, cut
            seen.add(tuple(load_photo_states()))
        assert seen == {(), ("awaited",) * 3, ("stored", "awaited", "awaited"), ("stored", "stored", "awaited")}
        assert replay(token, "first").status_code == 202
        assert Report.objects.count() == 1 and Refusal.objects.count() == 0
        assert not [one for one in settings.PARTS_DIR.iterdir() if not one.name.startswith("lock.")]


class TestAnEdit:
    def test_is_a_new_report_in_the_place_of_the_old_one(self, token):
        replay(token, "first")
        replay(token, "second")
        assert replay(token, "edited").status_code == 201
        old, new = Report.objects.get(uuid=FIRST), Report.objects.get(uuid=EDITED)
        assert new.supersedes == FIRST and old.superseded and not new.superseded
        assert load_photo_states(EDITED) == load_photo_states(FIRST) == ["stored"] * 3
        assert set(Evidence.objects.values_list("sha256", flat=True)) and Evidence.objects.count() == 6

    def test_may_come_before_what_it_edits(self, token):
        assert replay(token, "edited").status_code == 201
        assert replay(token, "first").status_code == 202
        assert Report.objects.get(uuid=FIRST).superseded

    def test_under_the_same_id_is_a_conflict_and_both_are_kept(self, token):
        replay(token, "first")
        answer = replay(token, "changed")
        assert answer.status_code == 409 and b'nature="error"' in answer.content
        assert Report.objects.get().answers["P1"] == "yes"
        assert Refusal.objects.get().code == "changed_content"

    def test_of_a_photo_under_the_same_name_is_a_conflict_and_the_first_stands(self, token):
        replay(token, "first")
        before = Evidence.objects.order_by("pk").first()
        assert before is not None
        assert replay(token, "other-photo").status_code == 409
        assert Evidence.objects.get(pk=before.pk).sha256 == before.sha256


class TestARefusal:
    def test_of_a_version_that_never_was_keeps_the_body_and_its_photo(self, token):
        answer = replay(token, "future-version")
        assert answer.status_code == 422 and Report.objects.count() == 0
        refusal = Refusal.objects.get()
        assert (refusal.code, refusal.channel) == ("unknown_checklist", "openrosa")
        kept = refusal.evidence.order_by("pk")
        assert [row.state for row in kept] == ["stored", "awaited", "awaited"]

    def test_of_an_unknown_token_is_403_in_words(self, token):
        answer = replay("A" * 43, "first")
        assert answer.status_code == 403 and b"OpenRosaResponse" in answer.content
        assert answer["X-OpenRosa-Version"] == "1.0"
        assert Report.objects.count() == Refusal.objects.count() == 0

    def test_of_a_revoked_device_is_403_at_every_address(self, world, token):
        revoke_device(device=world.first.device, user=None, now=timezone.now())
        for name in ("head", "first"):
            assert replay(token, name).status_code == 403
        assert Client().get(f"/api/openrosa/k/{token}/formList").status_code == 403
        assert Report.objects.count() == 0

    def test_of_an_old_version_does_not_happen(self, world, token):
        make_version(Checklist.objects.get(code="papers"), 2, QUESTIONS[:1])
        assert replay(token, "first").status_code == 202
