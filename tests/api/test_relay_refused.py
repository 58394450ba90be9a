"""Relay files that are forged, cut off, too large or not for us.

They are refused or quarantined, and nothing is lost.
"""

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
from api.rest.relay_intake import accept_quarantined_file
from observer.models import User
from observer.services.devices.enrolment import revoke_device
from reports.models import RelayFile, Report
from reports.problems import Rejected
from reports.services.storage import partial_uploads
from reports.services.storage.sealed_store import open_sealed_file
from tests.api.conftest import OCTET_STREAM, PhoneClient, get_outcomes, send_relay_file
from tests.support.relay import (
    build_announcement,
    build_files_file,
    build_header,
    build_reports_file,
    encrypt,
    set_relay_key,
    split_into_records,
)
from tests.support.world import World, make_election, payload


class TestUntrustedFile:
    def check_quarantined(self, answer: Any, reason: str) -> RelayFile:
        assert answer.status_code == 202
        assert answer.json()["results"] == []
        row = RelayFile.objects.get()
        assert (row.state, row.reason, Report.objects.count()) == ("quarantined", reason, 0)
        return row

    def test_with_an_unknown_token_is_quarantined(self, relay_world: World, nobody: PhoneClient) -> None:
        file = build_reports_file(relay_world.first, [payload()], token="guessed")
        row = self.check_quarantined(send_relay_file(nobody, file), "unknown_token")
        with open_sealed_file(sha256=row.sha256) as kept:
            assert kept.read() == file
        assert send_relay_file(nobody, file).json()["state"] == "quarantined"
        assert RelayFile.objects.count() == 1

    def test_of_a_revoked_device_is_quarantined(self, relay_world: World, nobody: PhoneClient) -> None:
        revoke_device(device=relay_world.first.device, user=None, now=timezone.now())
        self.check_quarantined(
            send_relay_file(nobody, build_reports_file(relay_world.first, [payload()])), "device_revoked"
        )

    def test_that_names_another_observer_is_quarantined(self, relay_world: World, nobody: PhoneClient) -> None:
        file = build_reports_file(relay_world.first, [payload()], observer=relay_world.second.observer.code)
        self.check_quarantined(send_relay_file(nobody, file), "wrong_observer")

    def test_sealed_for_another_election_is_quarantined(self, relay_world: World, nobody: PhoneClient) -> None:
        other = set_relay_key(make_election("other-2022"))
        self.check_quarantined(
            send_relay_file(nobody, build_reports_file(relay_world.first, [payload()], key=other.relay_key)),
            "wrong_election",
        )

    def test_may_be_accepted_by_an_operator_later(self, relay_world: World, nobody: PhoneClient) -> None:
        body = payload()
        revoke_device(device=relay_world.first.device, user=None, now=timezone.now())
        file = build_reports_file(relay_world.first, [body])
        row = self.check_quarantined(send_relay_file(nobody, file), "device_revoked")
        user = User.objects.create(username="operator")
        assert accept_quarantined_file(row=row, user=user, now=timezone.now()) == {"stored": 1}
        row.refresh_from_db()
        assert (row.state, row.accepted_by) == ("taken", user)
        assert Report.objects.get(uuid=body["id"]).device == relay_world.first.device
        assert get_outcomes(send_relay_file(nobody, file)) == ["duplicate"], "it stays accepted"

    def test_with_an_unknown_token_is_accepted_as_the_observers_it_names(
        self, relay_world: World, nobody: PhoneClient
    ) -> None:
        row = self.check_quarantined(
            send_relay_file(nobody, build_reports_file(relay_world.first, [payload()], token="lost")), "unknown_token"
        )
        accept_quarantined_file(row=row, user=User.objects.create(username="operator"), now=timezone.now())
        report = Report.objects.get()
        assert (report.observer, report.device) == (relay_world.first.observer, None)

    def test_of_an_unknown_observer_cannot_be_accepted(self, relay_world: World, nobody: PhoneClient) -> None:
        file = build_reports_file(relay_world.first, [payload()], token="x", observer="OB-NOBODY")
        row = self.check_quarantined(send_relay_file(nobody, file), "unknown_token")
        with pytest.raises(Rejected, match="unknown_observer"):
            accept_quarantined_file(row=row, user=User.objects.create(username="operator"), now=timezone.now())

    def test_is_not_kept_beyond_the_limit_of_kept_bytes(
        self, relay_world: World, nobody: PhoneClient, settings: Any
    ) -> None:
        settings.RELAY_KEPT_BYTES_MAX = 2_000
        send_relay_file(nobody, build_reports_file(relay_world.first, [payload(comment="x" * 500)], token="a"))
        answer = send_relay_file(nobody, build_reports_file(relay_world.first, [payload(comment="x" * 500)], token="b"))
        assert (answer.status_code, answer.json()["code"]) == (503, "low_disk")
        assert send_relay_file(nobody, build_reports_file(relay_world.first, [payload()])).status_code == 200, (
            "what needs no room is taken"
        )


class TestUnreadableFile:
    def check_unreadable(self, answer: Any) -> None:
        assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_file")
        assert not Report.objects.exists()
        assert not RelayFile.objects.exists()

    @pytest.mark.parametrize("left", [0, 1, 20, 100, 250, 65_536, 65_800, -1, -16, -17])
    def test_cut_off_anywhere(self, relay_world: World, first: PhoneClient, left: int) -> None:
        file = build_reports_file(relay_world.first, [payload(comment="x" * 1_000) for _ in range(100)])
        self.check_unreadable(send_relay_file(first, file[:left]))

    def test_cut_off_between_two_pieces_of_the_cipher(self, relay_world: World, first: PhoneClient) -> None:
        content = b"x" * 65_536 * 3
        file = encrypt(content, relay_world.election.relay_key)
        head = len(encrypt(b"", relay_world.election.relay_key)) - 16
        self.check_unreadable(send_relay_file(first, file[: head + 2 * (65_536 + 16)]))

    def test_altered_in_one_bit(self, relay_world: World, first: PhoneClient) -> None:
        file = bytearray(build_reports_file(relay_world.first, [payload()]))
        file[-40] ^= 1
        self.check_unreadable(send_relay_file(first, bytes(file)))

    def test_sealed_for_somebody_else(self, relay_world: World, first: PhoneClient) -> None:
        stranger = str(x25519.Identity.generate().to_public())
        self.check_unreadable(send_relay_file(first, build_reports_file(relay_world.first, [payload()], key=stranger)))

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"age-encryption.org/v1\n" * 5_000, os.urandom(5_000)])
    def test_not_sealed_at_all(self, relay_world: World, first: PhoneClient, content: bytes) -> None:
        self.check_unreadable(send_relay_file(first, content))

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
        self, relay_world: World, first: PhoneClient, fields: dict[str, Any]
    ) -> None:
        line = json.dumps(build_header(relay_world.first, "reports") | fields).encode()
        self.check_unreadable(send_relay_file(first, encrypt(line + b"\n{}\n", relay_world.election.relay_key)))

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
    def test_with_pieces_that_do_not_fit(self, relay_world: World, first: PhoneClient, record: bytes) -> None:
        content = json.dumps(build_header(relay_world.first, "files")).encode() + b"\n" + record
        self.check_unreadable(send_relay_file(first, encrypt(content, relay_world.election.relay_key)))

    def test_with_too_many_reports_or_pieces(
        self, relay_world: World, first: PhoneClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay_format, "MAX_REPORTS", 3)
        monkeypatch.setattr(relay_format, "MAX_PIECES", 3)
        self.check_unreadable(send_relay_file(first, build_reports_file(relay_world.first, [b"{}"] * 4)))
        self.check_unreadable(
            send_relay_file(first, build_files_file(relay_world.first, [(str(uuid4()), 0, b"x")] * 4))
        )


class TestTheRequest:
    def test_another_type_is_415(self, relay_world: World, nobody: PhoneClient) -> None:
        assert nobody.post("relay", b"x", "application/json").status_code == 415

    def test_too_much_is_413_before_it_is_read(self, relay_world: World, nobody: PhoneClient, settings: Any) -> None:
        settings.RELAY_BYTES_MAX = 1_000
        assert send_relay_file(nobody, b"x" * 1_001).status_code == 413

    def test_a_body_that_ends_early_is_400(self, relay_world: World, nobody: PhoneClient) -> None:
        half = {"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "8"}
        answer = nobody.client.generic("POST", "/api/v1/relay", b"half", OCTET_STREAM, **half)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    def test_without_a_length_it_is_411(self, relay_world: World, nobody: PhoneClient) -> None:
        assert nobody.client.generic("POST", "/api/v1/relay", b"x", OCTET_STREAM, CONTENT_LENGTH="").status_code == 411

    def test_low_disk_is_503_and_nothing_is_taken(
        self, relay_world: World, nobody: PhoneClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(".")
        monkeypatch.setattr(partial_uploads.shutil, "disk_usage", lambda path: usage._replace(free=10))
        answer = send_relay_file(nobody, build_reports_file(relay_world.first, [payload()]))
        assert (answer.status_code, answer.json()["code"]) == (503, "low_disk")
        assert answer["Retry-After"]
        assert not Report.objects.exists()

    def test_nothing_is_left_on_the_disk(self, relay_world: World, nobody: PhoneClient, settings: Any) -> None:
        send_relay_file(nobody, build_reports_file(relay_world.first, [payload()]))
        send_relay_file(nobody, b"garbage")
        send_relay_file(nobody, build_reports_file(relay_world.first, [payload()], token="unknown"))
        assert not [path for path in settings.PARTS_DIR.iterdir() if not path.name.startswith("lock.")]

    def test_an_address_that_sends_many_wrong_files_is_throttled_and_a_device_is_not(
        self, relay_world: World, nobody: PhoneClient, second: PhoneClient
    ) -> None:
        for _ in range(21):
            assert send_relay_file(nobody, b"garbage").status_code == 422
        good = build_reports_file(relay_world.first, [payload()])
        assert send_relay_file(nobody, good).status_code == 429
        assert send_relay_file(second, good).status_code == 200

    def test_a_revoked_phone_may_send_files_of_others(self, relay_world: World, second: PhoneClient) -> None:
        revoke_device(device=relay_world.second.device, user=None, now=timezone.now())
        assert send_relay_file(second, build_reports_file(relay_world.first, [payload()])).status_code == 200
        assert Report.objects.get().submitter is None


class TestMemory:
    def test_fifty_megabytes_are_taken_with_less_than_eight(self, relay_world: World, first: PhoneClient) -> None:
        photo, content = str(uuid4()), os.urandom(1_000_000) * 48
        first.post("reports", payload(evidence=[build_announcement(photo, content, type="video/mp4")]))
        file = build_files_file(relay_world.first, split_into_records(photo, content, 1_000_000))
        del content
        tracemalloc.start()
        try:
            answer = first.client.generic("POST", "/api/v1/relay", file, OCTET_STREAM, headers=first.headers)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert get_outcomes(answer) == ["stored"]
        # The test's client holds the body a second time; what is above that is ours.
        assert peak - len(file) < 8_000_000
