"""POST /relay, /relay/ and manage.py relay.

A relay file is stored once, whoever sends it.
"""

import io
import os
import tarfile
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from observer.models import Election, Trail, User
from reports.models import Evidence, Note, Refusal, RelayFile, Report
from reports.services.operations.backups import write_backup
from reports.services.operations.key_rotation import rotate_keys
from reports.services.storage.sealed_store import open_sealed_file
from tests.api.conftest import PhoneClient, get_outcomes, send_relay_file
from tests.support.relay import (
    build_announcement,
    build_files_file,
    build_reports_file,
    set_relay_key,
    split_into_records,
)
from tests.support.threads import run_concurrently
from tests.support.world import World, make_election, make_phone, payload


class TestReports:
    def test_they_are_stored_as_if_their_own_phone_had_sent_them(self, relay_world: World, nobody: PhoneClient) -> None:
        bodies = [payload(), payload(commission="KZ-1-1-2")]
        answer = send_relay_file(nobody, build_reports_file(relay_world.first, bodies))
        assert answer.status_code == 200
        assert answer.json() == {
            "state": "taken",
            "kind": "reports",
            "part": 1,
            "parts": 1,
            "results": [{"id": body["id"], "outcome": "stored"} for body in bodies],
        }
        report = Report.objects.get(uuid=bodies[0]["id"])
        assert (report.observer, report.device) == (relay_world.first.observer, relay_world.first.device)
        assert (report.channel, report.submitter) == ("relay", None)

    def test_the_submitting_device_is_recorded(
        self, relay_world: World, second: PhoneClient, first: PhoneClient
    ) -> None:
        body, own = payload(), payload()
        send_relay_file(second, build_reports_file(relay_world.first, [body]))
        send_relay_file(first, build_reports_file(relay_world.first, [own]))
        assert Report.objects.get(uuid=body["id"]).submitter == relay_world.second.device
        assert Report.objects.get(uuid=own["id"]).submitter is None
        assert Report.objects.get(uuid=body["id"]).device == relay_world.first.device

    def test_a_report_sent_twice_by_any_way_is_stored_once(
        self, relay_world: World, nobody: PhoneClient, first: PhoneClient
    ) -> None:
        body = payload()
        file = build_reports_file(relay_world.first, [body])
        assert get_outcomes(send_relay_file(nobody, file)) == ["stored"]
        assert get_outcomes(send_relay_file(nobody, file)) == ["duplicate"]
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, [body]))) == ["duplicate"], (
            "sealed anew"
        )
        assert first.post("reports", body).status_code == 200
        assert Report.objects.count() == 1

    def test_each_report_has_its_own_outcome_without_a_reason(
        self, relay_world: World, nobody: PhoneClient, second: PhoneClient
    ) -> None:
        taken = payload()
        second.post("reports", taken)
        good = payload()
        lines = [
            good,
            b"{not json",
            payload(commission="KZ-9"),
            {**taken, "comment": "other"},
            b"",
            payload(answers={"V03": 7}),
        ]
        answer = send_relay_file(nobody, build_reports_file(relay_world.first, lines))
        assert get_outcomes(answer) == ["stored", "invalid", "unknown", "conflict", "invalid"]
        assert {key for one in answer.json()["results"] for key in one} == {"id", "outcome"}
        assert Refusal.objects.count() == 4, "their bodies are kept"

    def test_a_report_that_is_too_long_affects_no_other(
        self, relay_world: World, nobody: PhoneClient, settings: Any
    ) -> None:
        settings.REPORT_BYTES_MAX = 2_000
        lines = [payload(), payload(comment="x" * 9_000), payload()]
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, lines))) == [
            "stored",
            "too_large",
            "stored",
        ]

    def test_a_file_may_hold_more_reports_than_one_batch(self, relay_world: World, nobody: PhoneClient) -> None:
        bodies = [payload() for _ in range(230)]
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, bodies))) == ["stored"] * 230


class TestNotes:
    """Notes that a phone wrote after the report, in the field `notes` of its line."""

    def make_note(self, text: str = "He took my badge", **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid4()), "text": text, "at": "2022-11-20T21:00:00+06:00"} | fields

    def load_notes(self) -> dict[str, tuple[str, str]]:
        return {str(note.uuid): (str(note.report.uuid), note.text) for note in Note.objects.select_related("report")}

    def test_they_are_stored_once_whoever_brings_them_and_when_their_phone_sends_them_too(
        self, relay_world: World, nobody: PhoneClient, first: PhoneClient
    ) -> None:
        body, note = payload(), self.make_note()
        file = build_reports_file(relay_world.first, [body | {"notes": [note]}])
        assert get_outcomes(send_relay_file(nobody, file)) == ["stored"]
        assert get_outcomes(send_relay_file(nobody, file)) == ["duplicate"]
        assert first.post(f"reports/{body['id']}/notes", note).status_code == 200
        assert self.load_notes() == {note["id"]: (body["id"], note["text"])}
        assert Note.objects.get().at.isoformat() == "2022-11-20T15:00:00+00:00"

    def test_notes_to_a_report_received_before_are_added(
        self, relay_world: World, nobody: PhoneClient, first: PhoneClient
    ) -> None:
        body, told, later = payload(), self.make_note(), self.make_note("And my phone")
        first.post("reports", body)
        first.post(f"reports/{body['id']}/notes", told)
        assert get_outcomes(
            send_relay_file(nobody, build_reports_file(relay_world.first, [body | {"notes": [told, later]}]))
        ) == ["duplicate"]
        assert self.load_notes() == {note["id"]: (body["id"], note["text"]) for note in (told, later)}

    def test_notes_to_a_refused_report_are_not_stored(
        self, relay_world: World, nobody: PhoneClient, first: PhoneClient
    ) -> None:
        body = payload()
        first.post("reports", body)
        other = body | {"comment": "Something else", "notes": [self.make_note()]}
        refused = payload(commission="KZ-9") | {"notes": [self.make_note()]}
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, [other, refused]))) == [
            "conflict",
            "unknown",
        ]
        assert self.load_notes() == {}

    @pytest.mark.parametrize(
        "notes",
        [
            None,
            "text",
            {"id": 1},
            [1, None, []],
            [{}],
            [{"id": "x"}],
            [{"id": str(uuid4()), "text": 1, "at": 2}],
            [{"id": str(uuid4()), "text": "x" * 20_001, "at": "2022-11-20T21:00:00+06:00"}],
        ],
    )
    def test_an_invalid_note_affects_neither_the_report_nor_another_note(
        self, relay_world: World, nobody: PhoneClient, notes: Any
    ) -> None:
        good = self.make_note()
        given = [*notes, good] if isinstance(notes, list) else notes
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, [payload(notes=given)]))) == [
            "stored"
        ]
        assert list(self.load_notes()) == ([good["id"]] if isinstance(notes, list) else [])

    def test_a_note_cannot_be_overwritten_under_its_id(self, relay_world: World, nobody: PhoneClient) -> None:
        mine, theirs, note = payload(), payload(), self.make_note()
        send_relay_file(nobody, build_reports_file(relay_world.first, [mine | {"notes": [note]}]))
        forged = build_reports_file(relay_world.second, [theirs | {"notes": [note | {"text": "Nothing happened"}]}])
        assert get_outcomes(send_relay_file(nobody, forged)) == ["stored"]
        assert self.load_notes() == {note["id"]: (mine["id"], note["text"])}


class TestFiles:
    CONTENT = os.urandom(1_500_000)

    @pytest.fixture
    def photo(self) -> str:
        return str(uuid4())

    def send_report(self, who: PhoneClient, photo: str, **fields: Any) -> None:
        answer = who.post("reports", payload(evidence=[build_announcement(photo, self.CONTENT, **fields)]))
        assert answer.status_code == 201

    def test_a_photo_in_one_file_is_stored(
        self, relay_world: World, first: PhoneClient, nobody: PhoneClient, photo: str
    ) -> None:
        self.send_report(first, photo)
        file = build_files_file(relay_world.first, split_into_records(photo, self.CONTENT))
        answer = send_relay_file(nobody, file)
        assert (answer.status_code, get_outcomes(answer)) == (200, ["stored"])
        evidence = Evidence.objects.get(uuid=photo)
        with open_sealed_file(sha256=evidence.sha256) as stored:
            assert stored.read() == self.CONTENT
        assert get_outcomes(send_relay_file(nobody, file)) == ["duplicate"]

    def test_parts_may_come_in_any_order(
        self, relay_world: World, first: PhoneClient, nobody: PhoneClient, photo: str
    ) -> None:
        self.send_report(first, photo)
        records = split_into_records(photo, self.CONTENT)
        one, two, three = (
            build_files_file(relay_world.first, records[start : start + 2], part=part, parts=3)
            for part, start in ((1, 0), (2, 2), (3, 4))
        )
        late = send_relay_file(nobody, three)
        assert (late.status_code, late.json()["state"], get_outcomes(late)) == (202, "waiting", ["gap"])
        assert get_outcomes(send_relay_file(nobody, one)) == ["partial"]
        last = send_relay_file(nobody, two)
        assert last.json()["state"] == "taken"
        assert Evidence.objects.get(uuid=photo).state == "stored"
        assert set(RelayFile.objects.values_list("state", flat=True)) == {"taken"}

    def test_photos_may_come_before_their_reports(self, relay_world: World, nobody: PhoneClient, photo: str) -> None:
        answer = send_relay_file(nobody, build_files_file(relay_world.first, split_into_records(photo, self.CONTENT)))
        assert (answer.status_code, get_outcomes(answer)) == (202, ["unknown"])
        report = payload(evidence=[build_announcement(photo, self.CONTENT)])
        assert get_outcomes(send_relay_file(nobody, build_reports_file(relay_world.first, [report]))) == ["stored"]
        assert Evidence.objects.get(uuid=photo).state == "stored"
        assert not RelayFile.objects.filter(state="waiting").exists()

    def test_the_phone_continues_where_the_file_ended(self, relay_world: World, first: PhoneClient, photo: str) -> None:
        self.send_report(first, photo)
        send_relay_file(first, build_files_file(relay_world.first, split_into_records(photo, self.CONTENT)[:2]))
        address = f"/api/v1/evidence/{photo}"
        assert first.client.head(address, headers=first.headers)["Upload-Offset"] == "600000"
        patch = {"upload-offset": "600000", "tus-resumable": "1.0.0"}
        answer = first.client.generic(
            "PATCH", address, self.CONTENT[600_000:], "application/offset+octet-stream", headers=first.headers | patch
        )
        assert answer.status_code == 204
        assert get_outcomes(
            send_relay_file(first, build_files_file(relay_world.first, split_into_records(photo, self.CONTENT)))
        ) == ["duplicate"]

    def test_other_bytes_than_announced_are_not_stored(
        self, relay_world: World, first: PhoneClient, nobody: PhoneClient, photo: str
    ) -> None:
        self.send_report(first, photo)
        wrong = bytes(len(self.CONTENT))
        assert get_outcomes(
            send_relay_file(nobody, build_files_file(relay_world.first, split_into_records(photo, wrong)))
        ) == ["damaged"]
        assert Evidence.objects.get(uuid=photo).state == "awaited"
        assert get_outcomes(
            send_relay_file(nobody, build_files_file(relay_world.first, split_into_records(photo, self.CONTENT)))
        ) == ["stored"]

    def test_another_observers_photo_cannot_be_uploaded(
        self, relay_world: World, first: PhoneClient, nobody: PhoneClient, photo: str
    ) -> None:
        self.send_report(first, photo)
        answer = send_relay_file(nobody, build_files_file(relay_world.second, split_into_records(photo, self.CONTENT)))
        assert get_outcomes(answer) == ["unknown"]
        assert Evidence.objects.get(uuid=photo).offset == 0


class TestAdmin:
    def test_a_superuser_accepts_a_quarantined_file_in_the_admin(
        self, relay_world: World, nobody: PhoneClient, client: Client
    ) -> None:
        body = payload()
        send_relay_file(nobody, build_reports_file(relay_world.first, [body], token="lost"))
        row = RelayFile.objects.get()
        chosen = {"action": "accept", "_selected_action": [row.pk]}
        client.force_login(User.objects.create(username="staff", is_staff=True))
        assert client.post("/admin/reports/relayfile/", chosen).status_code == 403
        client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
        assert client.post("/admin/reports/relayfile/", chosen).status_code == 302
        assert Report.objects.get().uuid == UUID(body["id"])
        assert Trail.objects.get(action="relay.accept").user.username == "root"


class TestKeys:
    def test_rotating_keeps_files_readable(self, relay_world: World, nobody: PhoneClient, settings: Any) -> None:
        file = build_reports_file(relay_world.first, [payload()])
        new = Fernet.generate_key().decode()
        settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
        rotate_keys(now=timezone.now())
        settings.FIELD_KEYS = [new]
        assert send_relay_file(nobody, file).status_code == 200

    def test_elections_without_a_key_get_one(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("relay", "--keys")
        election = Election.objects.get(pk=world.election.pk)
        assert election.relay_key.startswith("age1")
        assert election.relay_key in capsys.readouterr().out
        call_command("relay", "--keys")
        assert Election.objects.get(pk=world.election.pk).relay_key == election.relay_key


class TestTheCommand:
    def test_it_takes_files_and_prints_the_result_of_each(
        self, relay_world: World, tmp_path: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        good, bad = tmp_path / "good.age", tmp_path / "bad.age"
        good.write_bytes(build_reports_file(relay_world.first, [payload()]))
        bad.write_bytes(b"garbage")
        with pytest.raises(CommandError, match="2 of 3"):
            call_command("relay", str(good), str(bad), str(tmp_path / "missing.age"))
        told = capsys.readouterr()
        assert f"{good}: reports, part 1 of 1: taken; 1 stored" in told.out
        assert str(bad) in told.err
        call_command("relay", str(good))
        assert "1 duplicate" in capsys.readouterr().out


class TestThePage:
    @pytest.mark.parametrize(("language", "words"), [("kk", "Телефон"), ("ru", "телефон"), ("en", "phone")])
    def test_it_is_a_form_without_script_or_cookie(self, db: None, client: Client, language: str, words: str) -> None:
        page = client.get(f"/relay/{language}/")
        assert page.status_code == 200
        assert words in page.content.decode()
        assert "<script" not in page.content.decode()
        assert not client.cookies
        assert "form-action 'self'" in page["Content-Security-Policy"]

    def test_it_is_found_in_the_browsers_language(self, client: Client) -> None:
        assert client.get("/relay/", headers={"accept-language": "kk-KZ"})["Location"] == "/relay/kk/"
        assert client.get("/relay/de/").status_code == 404

    def upload(self, client: Client, *files: bytes, name: str = "OB-2222.age") -> Any:
        sent = []
        for content in files:
            file = io.BytesIO(content)
            file.name = name
            sent.append(file)
        return client.post("/relay/en/", {"files": sent})

    def test_several_files_at_once(self, relay_world: World, client: Client) -> None:
        photo, content = str(uuid4()), os.urandom(400_000)
        report = payload(evidence=[build_announcement(photo, content)])
        answer = self.upload(
            client,
            build_files_file(relay_world.first, split_into_records(photo, content), parts=2),
            build_reports_file(relay_world.first, [report]),
            b"garbage",
            build_reports_file(relay_world.second, [payload()], token="guessed"),
        )
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "waits for the phone" in text
        assert "new here: 1, here already: 0, other: 0" in text
        assert "damaged, cut off, or not made for this platform" in text
        assert "the desk will look at it first" in text
        assert Evidence.objects.get(uuid=photo).state == "stored"

    def test_it_shows_nothing_of_the_content_and_escapes_the_name(self, relay_world: World, client: Client) -> None:
        body = payload(comment="what was seen")
        answer = self.upload(client, build_reports_file(relay_world.first, [body]), name="<b>x.age").content.decode()
        assert "&lt;b&gt;x.age" in answer
        assert not [
            word for word in (body["id"], "what was seen", relay_world.first.token, "KZ-1-1-1") if word in answer
        ]

    def test_without_a_file_it_says_so(self, db: None, client: Client) -> None:
        answer = client.post("/relay/en/", {})
        assert (answer.status_code, "Choose the files first" in answer.content.decode()) == (422, True)

    @pytest.mark.parametrize("body", [b"", b"x", b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nx"])
    def test_a_form_that_is_cut_off_is_refused(self, db: None, client: Client, body: bytes) -> None:
        answer = client.generic("POST", "/relay/en/", body, "multipart/form-data; boundary=b")
        assert answer.status_code in (400, 411, 422)

    def test_a_file_that_is_too_large_is_413(self, relay_world: World, client: Client, settings: Any) -> None:
        settings.RELAY_BYTES_MAX = 1_000
        assert self.upload(client, b"x" * 1_500).status_code == 413


@pytest.mark.slow
class TestBackup:
    def test_quarantined_files_are_in_it(self, concurrent_world: World, tmp_path: Path) -> None:
        set_relay_key(concurrent_world.election)
        file = build_reports_file(concurrent_world.first, [payload()], token="lost")
        send_relay_file(PhoneClient(), file)
        write_backup(path=tmp_path / "backup.tar", now=timezone.now())
        with tarfile.open(tmp_path / "backup.tar") as tar:
            kept = tar.extractfile(f"sealed/{RelayFile.objects.get().sha256}")
            assert kept is not None
            assert kept.read() == file


@pytest.mark.slow
class TestTwoAtOnce:
    def test_every_report_and_photo_is_there_once(self, concurrent_world: World) -> None:
        set_relay_key(concurrent_world.election)
        photo, content = str(uuid4()), os.urandom(900_000)
        bodies = [payload() for _ in range(30)] + [payload(evidence=[build_announcement(photo, content)])]
        reports = build_reports_file(concurrent_world.first, bodies)
        photos = build_files_file(concurrent_world.first, split_into_records(photo, content, 100_000))
        for file in (reports, photos):
            answers = run_concurrently([partial(send_relay_file, PhoneClient(), file) for _ in range(4)])
            assert all(answer.status_code == 200 for answer in answers)
        assert Report.objects.count() == 31
        assert Evidence.objects.get().state == "stored"
        assert RelayFile.objects.count() == 2


def test_a_phone_of_another_election_on_this_server_has_its_own_key(relay_world: World, nobody: PhoneClient) -> None:
    other = set_relay_key(make_election("other-2022"))
    phone = make_phone(relay_world.first.observer, other)
    answer = send_relay_file(nobody, build_reports_file(phone, [payload()]))
    assert get_outcomes(answer) == ["unknown"], "that election has no such checklist"
    assert not Report.objects.exists()
