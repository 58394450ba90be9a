"""Carried files that are forged, cut, too large or not for us: refused or quarantined, and nothing is lost."""

import io
import json
import os
import shutil
import tracemalloc
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pyrage import x25519

from api.rest import relay_format
from api.rest.relaying import file_accept
from observer.models import User
from observer.services.devices.enrolment import device_revoke
from reports.models import RelayFile, Report
from reports.problems import Rejected
from reports.services.storage import partial_uploads
from reports.services.storage.sealed_store import open_sealed
from tests.api.conftest import OCTETS, PhoneClient, bring, outcomes
from tests.support.relay import announced, cut_up, files_file, header, reports_file, sealed, with_key
from tests.support.world import World, make_election, payload


class TestAFileThatCannotBeBelieved:
    def quarantined(self, answer: Any, reason: str) -> RelayFile:
        assert answer.status_code == 202
        assert answer.json()["results"] == []
        row = RelayFile.objects.get()
        assert (row.state, row.reason, Report.objects.count()) == ("quarantined", reason, 0)
        return row

    def test_of_an_unknown_token(self, keyed: World, nobody: PhoneClient) -> None:
        file = reports_file(keyed.first, [payload()], token="guessed")
        row = self.quarantined(bring(nobody, file), "unknown_token")
        with open_sealed(sha256=row.sha256) as kept:
            assert kept.read() == file
        assert bring(nobody, file).json()["state"] == "quarantined"
        assert RelayFile.objects.count() == 1

    def test_of_a_revoked_device(self, keyed: World, nobody: PhoneClient) -> None:
        device_revoke(device=keyed.first.device, user=None, now=timezone.now())
        self.quarantined(bring(nobody, reports_file(keyed.first, [payload()])), "device_revoked")

    def test_that_names_another_observer(self, keyed: World, nobody: PhoneClient) -> None:
        file = reports_file(keyed.first, [payload()], observer=keyed.second.observer.code)
        self.quarantined(bring(nobody, file), "wrong_observer")

    def test_for_another_elections_key(self, keyed: World, nobody: PhoneClient) -> None:
        other = with_key(make_election("other-2022"))
        self.quarantined(bring(nobody, reports_file(keyed.first, [payload()], key=other.relay_key)), "wrong_election")

    def test_an_operator_may_accept_it_later(self, keyed: World, nobody: PhoneClient) -> None:
        body = payload()
        device_revoke(device=keyed.first.device, user=None, now=timezone.now())
        file = reports_file(keyed.first, [body])
        row = self.quarantined(bring(nobody, file), "device_revoked")
        user = User.objects.create(username="operator")
        assert file_accept(row=row, user=user, now=timezone.now()) == {"stored": 1}
        row.refresh_from_db()
        assert (row.state, row.accepted_by) == ("taken", user)
        assert Report.objects.get(uuid=body["id"]).device == keyed.first.device
        assert outcomes(bring(nobody, file)) == ["duplicate"], "it stays accepted"

    def test_of_an_unknown_token_it_is_accepted_as_the_observers_it_names(
        self, keyed: World, nobody: PhoneClient
    ) -> None:
        row = self.quarantined(bring(nobody, reports_file(keyed.first, [payload()], token="lost")), "unknown_token")
        file_accept(row=row, user=User.objects.create(username="operator"), now=timezone.now())
        report = Report.objects.get()
        assert (report.observer, report.device) == (keyed.first.observer, None)

    def test_whose_observer_nobody_knows_cannot_be_accepted(self, keyed: World, nobody: PhoneClient) -> None:
        file = reports_file(keyed.first, [payload()], token="x", observer="OB-NOBODY")
        row = self.quarantined(bring(nobody, file), "unknown_token")
        with pytest.raises(Rejected, match="unknown_observer"):
            file_accept(row=row, user=User.objects.create(username="operator"), now=timezone.now())

    def test_no_more_are_kept_than_there_is_room_for(self, keyed: World, nobody: PhoneClient, settings: Any) -> None:
        settings.RELAY_KEPT_BYTES_MAX = 2_000
        bring(nobody, reports_file(keyed.first, [payload(comment="x" * 500)], token="a"))
        answer = bring(nobody, reports_file(keyed.first, [payload(comment="x" * 500)], token="b"))
        assert (answer.status_code, answer.json()["code"]) == (503, "low_disk")
        assert bring(nobody, reports_file(keyed.first, [payload()])).status_code == 200, "what needs no room is taken"


class TestAFileThatCannotBeOpened:
    def unreadable(self, answer: Any) -> None:
        assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_file")
        assert not Report.objects.exists()
        assert not RelayFile.objects.exists()

    @pytest.mark.parametrize("left", [0, 1, 20, 100, 250, 65_536, 65_800, -1, -16, -17])
    def test_cut_off_anywhere(self, keyed: World, first: PhoneClient, left: int) -> None:
        file = reports_file(keyed.first, [payload(comment="x" * 1_000) for _ in range(100)])
        self.unreadable(bring(first, file[:left]))

    def test_cut_off_between_two_pieces_of_the_cipher(self, keyed: World, first: PhoneClient) -> None:
        content = b"x" * 65_536 * 3
        file = sealed(content, keyed.election.relay_key)
        head = len(sealed(b"", keyed.election.relay_key)) - 16
        self.unreadable(bring(first, file[: head + 2 * (65_536 + 16)]))

    def test_altered_in_one_bit(self, keyed: World, first: PhoneClient) -> None:
        file = bytearray(reports_file(keyed.first, [payload()]))
        file[-40] ^= 1
        self.unreadable(bring(first, bytes(file)))

    def test_sealed_for_somebody_else(self, keyed: World, first: PhoneClient) -> None:
        stranger = str(x25519.Identity.generate().to_public())
        self.unreadable(bring(first, reports_file(keyed.first, [payload()], key=stranger)))

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"age-encryption.org/v1\n" * 5_000, os.urandom(5_000)])
    def test_not_sealed_at_all(self, keyed: World, first: PhoneClient, content: bytes) -> None:
        self.unreadable(bring(first, content))

    @pytest.mark.parametrize(
        "fields",
        [
            {"format": "zip"},
            {"version": 2},
            {"version": "1"},
            {"kind": "photos"},
            {"kind": None},
            {"observer": None},
            {"token": 7},
            {"token": ""},
            {"part": 0},
            {"part": 2},
            {"parts": 10**9},
            {"part": True},
            {"made_at": "yesterday"},
            {"token": "x" * 9_000},
        ],
    )
    def test_with_a_header_that_says_something_else(
        self, keyed: World, first: PhoneClient, fields: dict[str, Any]
    ) -> None:
        line = json.dumps(header(keyed.first, "reports") | fields).encode()
        self.unreadable(bring(first, sealed(line + b"\n{}\n", keyed.election.relay_key)))

    @pytest.mark.parametrize(
        "record",
        [
            relay_format.RECORD.pack(b"x" * 16, 0, 0),
            relay_format.RECORD.pack(b"x" * 16, 0, 10) + b"short",
            relay_format.RECORD.pack(b"x" * 16, 2**63, 1) + b"x",
            relay_format.RECORD.pack(b"x" * 16, 0, 2**32 - 1),
            b"x",
        ],
    )
    def test_with_pieces_that_do_not_fit(self, keyed: World, first: PhoneClient, record: bytes) -> None:
        content = json.dumps(header(keyed.first, "files")).encode() + b"\n" + record
        self.unreadable(bring(first, sealed(content, keyed.election.relay_key)))

    def test_with_more_than_anyone_writes(
        self, keyed: World, first: PhoneClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_format, "LINES_MAX", 3)
        monkeypatch.setattr(relay_format, "PIECES_MAX", 3)
        self.unreadable(bring(first, reports_file(keyed.first, [b"{}"] * 4)))
        self.unreadable(bring(first, files_file(keyed.first, [(str(uuid4()), 0, b"x")] * 4)))


class TestTheRequest:
    def test_another_type_is_415(self, keyed: World, nobody: PhoneClient) -> None:
        assert nobody.post("relay", b"x", "application/json").status_code == 415

    def test_too_much_is_413_before_it_is_read(self, keyed: World, nobody: PhoneClient, settings: Any) -> None:
        settings.RELAY_BYTES_MAX = 1_000
        assert bring(nobody, b"x" * 1_001).status_code == 413

    def test_a_body_that_ends_early_is_400(self, keyed: World, nobody: PhoneClient) -> None:
        half = {"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "8"}
        answer = nobody.client.generic("POST", "/api/v1/relay", b"half", OCTETS, **half)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    def test_without_a_length_it_is_411(self, keyed: World, nobody: PhoneClient) -> None:
        assert nobody.client.generic("POST", "/api/v1/relay", b"x", OCTETS, CONTENT_LENGTH="").status_code == 411

    def test_low_disk_is_503_and_nothing_is_taken(
        self, keyed: World, nobody: PhoneClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(".")
        monkeypatch.setattr(partial_uploads.shutil, "disk_usage", lambda path: usage._replace(free=10))
        answer = bring(nobody, reports_file(keyed.first, [payload()]))
        assert (answer.status_code, answer.json()["code"]) == (503, "low_disk")
        assert answer["Retry-After"]
        assert not Report.objects.exists()

    def test_nothing_is_left_on_the_disk(self, keyed: World, nobody: PhoneClient, settings: Any) -> None:
        bring(nobody, reports_file(keyed.first, [payload()]))
        bring(nobody, b"garbage")
        bring(nobody, reports_file(keyed.first, [payload()], token="unknown"))
        assert not [path for path in settings.PARTS_DIR.iterdir() if not path.name.startswith("lock.")]

    def test_a_stranger_who_brings_much_that_is_not_ours_has_to_wait_and_a_device_has_not(
        self, keyed: World, nobody: PhoneClient, second: PhoneClient
    ) -> None:
        for _ in range(21):
            assert bring(nobody, b"garbage").status_code == 422
        good = reports_file(keyed.first, [payload()])
        assert bring(nobody, good).status_code == 429
        assert bring(second, good).status_code == 200

    def test_a_revoked_phone_may_bring_for_others(self, keyed: World, second: PhoneClient) -> None:
        device_revoke(device=keyed.second.device, user=None, now=timezone.now())
        assert bring(second, reports_file(keyed.first, [payload()])).status_code == 200
        assert Report.objects.get().submitter is None


class TestMemory:
    def test_fifty_megabytes_are_taken_with_less_than_eight(self, keyed: World, first: PhoneClient) -> None:
        photo, content = str(uuid4()), os.urandom(1_000_000) * 48
        first.post("reports", payload(evidence=[announced(photo, content, type="video/mp4")]))
        file = files_file(keyed.first, cut_up(photo, content, 1_000_000))
        del content
        tracemalloc.start()
        try:
            answer = first.client.generic("POST", "/api/v1/relay", file, OCTETS, headers=first.headers)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert outcomes(answer) == ["stored"]
        # The test's client holds the body a second time; what is above that is ours.
        assert peak - len(file) < 8_000_000
