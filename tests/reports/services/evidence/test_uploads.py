"""Uploads: interrupted, repeated, concurrent, wrong or too long; in the end sealed as they were sent."""

import errno
import hashlib
import io
import os
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from reports.models import Evidence
from reports.problems import Rejected
from reports.services.evidence import uploads
from reports.services.evidence.uploads import OffsetMismatch, append_to_upload, find_evidence
from reports.services.storage import sealed_store
from reports.services.storage.partial_uploads import delete_abandoned_parts
from reports.services.storage.sealed_store import open_sealed_file
from reports.services.storage.upload_sql import advance_upload
from tests.support.files import announce_file
from tests.support.threads import run_concurrently
from tests.support.world import DAY

CONTENT = random.Random(1).randbytes(1_300_001)  # more than two writes, and no round number


class InterruptedStream(io.BytesIO):
    """A connection that breaks after these bytes."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise ConnectionResetError
        return piece


def append(evidence, content, offset=0, **more):
    more.setdefault("length", len(content))
    stream = more.pop("stream", None) or io.BytesIO(content)
    return append_to_upload(evidence=evidence, offset=offset, stream=stream, now=DAY, **more)


def reload_evidence(evidence):
    return Evidence.objects.get(pk=evidence.pk)


def read_sealed(evidence):
    with open_sealed_file(sha256=reload_evidence(evidence).sha256) as file:
        return file.read()


def list_parts(settings):
    return [path for path in settings.PARTS_DIR.iterdir() if path.is_file() and not path.name.startswith("lock.")]


class TestAWholeFile:
    def test_is_sealed_byte_for_byte(self, world, settings):
        evidence = announce_file(world.first, CONTENT)
        assert append(evidence, CONTENT) == len(CONTENT)
        row = reload_evidence(evidence)
        assert (row.state, row.offset, row.stored_at, row.part) == ("stored", len(CONTENT), DAY, "")
        assert read_sealed(evidence) == CONTENT
        assert list_parts(settings) == []

    def test_sealed_file_is_private_and_read_only(self, world, settings):
        evidence = announce_file(world.first, b"abc")
        append(evidence, b"abc")
        digest = hashlib.sha256(b"abc").hexdigest()
        path = settings.SEALED_DIR / digest[:2] / digest
        assert path.stat().st_mode & 0o777 == 0o400
        assert settings.SEALED_DIR.stat().st_mode & 0o077 == 0

    def test_same_content_twice_is_one_file(self, world, settings):
        for _ in range(2):
            append(announce_file(world.first, CONTENT), CONTENT)
        assert len([path for path in settings.SEALED_DIR.rglob("*") if path.is_file()]) == 1
        assert list_parts(settings) == []

    def test_empty_file(self, world):
        evidence = announce_file(world.first, b"", size=0)
        assert append(evidence, b"") == 0
        assert reload_evidence(evidence).state == "stored"

    def test_hash_announced_in_capitals(self, world):
        evidence = announce_file(world.first, b"abc", sha256=hashlib.sha256(b"abc").hexdigest().upper())
        append(evidence, b"abc")
        assert read_sealed(evidence) == b"abc"

    def test_hash_is_taken_on_receipt_where_the_channel_knew_none(self, world):
        evidence = announce_file(world.first, CONTENT, sha256="", size=None)
        append(evidence, CONTENT)
        row = reload_evidence(evidence)
        assert (row.sha256, row.size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))

    def test_is_never_whole_in_memory(self, world):
        class Watching(io.BytesIO):
            largest = 0

            def read(self, size=-1):
                assert size > 0
                self.largest = max(self.largest, size)
                return super().read(size)

        stream = Watching(CONTENT)
        append(announce_file(world.first, CONTENT), CONTENT, stream=stream)
        assert stream.largest <= 256 * 1024


class TestAnInterruptedUpload:
    def test_at_every_tenth_and_resumed(self, world):
        evidence = announce_file(world.first, CONTENT)
        offset = 0
        for tenth in range(1, 10):
            cut = len(CONTENT) * tenth // 10
            rest = InterruptedStream(CONTENT[offset:cut])
            offset = append(evidence, b"", offset, stream=rest, length=len(CONTENT) - offset)
            evidence = find_evidence(uuid=evidence.uuid, observer=world.first.observer)
            assert (evidence.offset, evidence.state) == (cut, "partial")
            assert offset == cut
        assert append(evidence, CONTENT[offset:], offset) == len(CONTENT)
        assert read_sealed(evidence) == CONTENT

    def test_before_the_first_byte(self, world):
        evidence = announce_file(world.first, CONTENT)
        assert append(evidence, b"", stream=InterruptedStream(b""), length=len(CONTENT)) == 0
        assert reload_evidence(evidence).state == "awaited"

    def test_crash_between_the_bytes_and_the_row(self, world, settings):
        """The file is longer than the row says; the bytes after the offset are overwritten."""
        evidence = announce_file(world.first, CONTENT)
        append(evidence, CONTENT[:1000], length=1000)
        with (settings.PARTS_DIR / reload_evidence(evidence).part).open("ab") as part:
            part.write(b"never promised" * 200_000)
        append(reload_evidence(evidence), CONTENT[1000:], 1000)
        assert read_sealed(evidence) == CONTENT

    @pytest.mark.parametrize("loss", ["removed", "shorter"])
    def test_lost_part_begins_again(self, world, settings, loss):
        evidence = announce_file(world.first, CONTENT)
        append(evidence, CONTENT[:1000], length=1000)
        part = settings.PARTS_DIR / reload_evidence(evidence).part
        part.unlink() if loss == "removed" else os.truncate(part, 10)
        with pytest.raises(OffsetMismatch) as caught:
            append(reload_evidence(evidence), CONTENT[1000:], 1000)
        assert caught.value.offset == reload_evidence(evidence).offset == 0
        append(reload_evidence(evidence), CONTENT)
        assert read_sealed(evidence) == CONTENT


class TestAWrongUpload:
    def test_hash_resets_and_stores_nothing(self, world, settings):
        evidence = announce_file(world.first, CONTENT)
        with pytest.raises(Rejected) as caught:
            append(evidence, CONTENT[:-1] + b"?")
        assert caught.value.code == "checksum_mismatch"
        row = reload_evidence(evidence)
        assert (row.state, row.offset, row.part) == ("awaited", 0, "")
        assert list_parts(settings) == []
        assert not settings.SEALED_DIR.exists()
        append(row, CONTENT)
        assert read_sealed(evidence) == CONTENT

    def test_hash_over_several_requests(self, world):
        evidence = announce_file(world.first, CONTENT)
        append(evidence, b"x" * 700_000, length=700_000)
        with pytest.raises(Rejected) as caught:
            append(reload_evidence(evidence), CONTENT[700_000:], 700_000)
        assert caught.value.code == "checksum_mismatch"
        assert reload_evidence(evidence).offset == 0

    @pytest.mark.parametrize("offset", [1, 5, 10**15])
    def test_offset(self, world, offset):
        evidence = announce_file(world.first, CONTENT)
        with pytest.raises(OffsetMismatch) as caught:
            append(evidence, b"abc", offset)
        assert (caught.value.code, caught.value.offset) == ("offset_mismatch", 0)

    def test_anything_on_a_stored_one(self, world):
        evidence = announce_file(world.first, b"abc")
        append(evidence, b"abc")
        for offset in (0, 3):
            with pytest.raises(OffsetMismatch) as caught:
                append(reload_evidence(evidence), b"abc", offset)
            assert (caught.value.code, caught.value.offset) == ("already_stored", 3)
        assert read_sealed(evidence) == b"abc"

    def test_more_bytes_than_announced_are_not_even_read(self, world):
        evidence = announce_file(world.first, CONTENT)
        stream = io.BytesIO(CONTENT + b"more")
        with pytest.raises(Rejected) as caught:
            append(evidence, b"", stream=stream, length=len(CONTENT) + 4)
        assert caught.value.code == "too_large"
        assert stream.tell() == 0

    def test_more_bytes_than_announced_without_a_length(self, world):
        evidence = announce_file(world.first, b"abc")
        with pytest.raises(Rejected) as caught:
            append(evidence, b"abcd", length=None)
        assert caught.value.code == "too_large"
        assert reload_evidence(evidence).offset == 0
        append(evidence, b"abc", length=None)
        assert read_sealed(evidence) == b"abc"

    def test_larger_than_its_kind_may_be(self, world, settings):
        settings.IMAGE_BYTES_MAX = 10
        with pytest.raises(Rejected) as caught:
            append(announce_file(world.first, CONTENT, size=None), CONTENT)
        assert caught.value.code == "too_large"
        append(announce_file(world.first, CONTENT, size=None, type="video/mp4"), CONTENT)

    def test_neither_size_nor_length(self, world):
        with pytest.raises(Rejected) as caught:
            append(announce_file(world.first, CONTENT, size=None), CONTENT, length=None)
        assert caught.value.code == "length_required"

    def test_low_disk_stops_files(self, world, settings):
        settings.DISK_FREE_MIN_EVIDENCE = 10**18
        evidence = announce_file(world.first, CONTENT)  # the report is stored nevertheless
        with pytest.raises(Rejected) as caught:
            append(evidence, CONTENT)
        assert caught.value.code == "low_disk"
        assert reload_evidence(evidence).state == "awaited"

    def test_of_another_observer_is_not_found(self, world):
        evidence = announce_file(world.first, CONTENT)
        assert find_evidence(uuid=evidence.uuid, observer=world.second.observer) is None
        assert find_evidence(uuid=uuid4(), observer=world.first.observer) is None


class TestConcurrentUploads:
    def test_one_wins_and_the_file_is_whole(self, concurrent_world):
        """Six requests send the same file from the same offsets, over and over, until it is stored."""
        evidence = announce_file(concurrent_world.first, CONTENT)
        outcomes: Counter[str] = Counter()

        def phone():
            while (row := reload_evidence(evidence)).state != "stored":
                piece = CONTENT[row.offset : row.offset + 300_000]
                try:
                    append(row, piece, row.offset)
                    outcomes["moved"] += 1
                except OffsetMismatch as problem:
                    outcomes[problem.code] += 1
                    assert problem.offset > row.offset

        run_concurrently([phone] * 6)
        assert outcomes["moved"] == 5  # 300 kB each, whoever sent them
        assert read_sealed(evidence) == CONTENT

    def test_old_connection_wakes_after_the_new_one_went_on(self, world):
        """A phone whose connection died silently continues at once; the old request changes nothing."""
        evidence = announce_file(world.first, CONTENT)

        class Asleep(io.BytesIO):
            def read(self, size=-1):
                if self.tell() == 0:
                    append(reload_evidence(evidence), CONTENT[:900_000], length=900_000)
                return super().read(size)

        with pytest.raises(OffsetMismatch) as caught:
            append(evidence, b"", stream=Asleep(b"?" * len(CONTENT)), length=len(CONTENT))
        assert caught.value.offset == 900_000
        append(reload_evidence(evidence), CONTENT[900_000:], 900_000)
        assert read_sealed(evidence) == CONTENT

    def test_two_different_contents_never_mix(self, concurrent_world):
        """Without an announced hash only the lock prevents a mixture."""
        contents = [bytes([n]) * 600_000 for n in (1, 2, 3, 4)]
        evidence = announce_file(concurrent_world.first, b"", sha256="", size=600_000)

        def phone(content):
            with suppress(OffsetMismatch):
                append(evidence, content)

        run_concurrently([partial(phone, content) for content in contents])
        assert reload_evidence(evidence).state == "stored"
        assert read_sealed(evidence) in contents


class TestAbandonedParts:
    def aged(self, path, age):
        moment = (DAY - age).timestamp()
        os.utime(path, (moment, moment))

    def test_removes_old_parts_that_no_row_names(self, world, settings):
        mine = announce_file(world.first, CONTENT)
        append(mine, CONTENT[:1000], length=1000)
        named = settings.PARTS_DIR / reload_evidence(mine).part
        abandoned, fresh = settings.PARTS_DIR / f"{uuid4()}.ab", settings.PARTS_DIR / f"{uuid4()}.cd"
        for path in (abandoned, fresh):
            path.write_bytes(b"x")
        for path, age in ((named, timedelta(days=9)), (abandoned, timedelta(hours=25)), (fresh, timedelta(hours=23))):
            self.aged(path, age)
        assert delete_abandoned_parts(now=DAY) == 1
        assert set(list_parts(settings)) == {named, fresh}
        append(reload_evidence(mine), CONTENT[1000:], 1000)
        assert read_sealed(mine) == CONTENT

    def test_looks_once_an_hour(self, world, settings):
        settings.PARTS_DIR.mkdir()
        assert delete_abandoned_parts(now=DAY) == 0
        abandoned = settings.PARTS_DIR / "a.b"
        abandoned.write_bytes(b"x")
        self.aged(abandoned, timedelta(days=2))
        assert delete_abandoned_parts(now=DAY + timedelta(minutes=59)) == 0
        assert delete_abandoned_parts(now=DAY + timedelta(minutes=61)) == 1

    def test_without_a_folder_there_is_nothing_to_do(self, world):
        assert delete_abandoned_parts(now=DAY) == 0

    def test_part_of_a_commit_whose_answer_was_lost_stays(self, world, settings, monkeypatch):
        """Nobody knows whether the row names it."""
        evidence = announce_file(world.first, CONTENT)

        def lose(**more):
            assert advance_upload(**more)
            raise OperationalError("connection lost")

        with monkeypatch.context() as patch:
            patch.setattr(uploads, "advance_upload", lose)
            with pytest.raises(OperationalError):
                append(evidence, CONTENT[:1000], length=1000)
        assert append(reload_evidence(evidence), CONTENT[1000:], 1000) == len(CONTENT)
        assert read_sealed(evidence) == CONTENT


class TestStatementsAndSyncs:
    def test_for_a_whole_file_is_two_statements(self, world):
        uuid = announce_file(world.first, CONTENT[:200_000]).uuid
        with CaptureQueriesContext(connection) as captured:
            evidence = find_evidence(uuid=uuid, observer=world.first.observer)
            append(evidence, CONTENT[:200_000])
        assert len(captured.captured_queries) == 2

    def test_a_whole_file_is_synced_and_so_is_its_name(self, world, settings, monkeypatch):
        append(announce_file(world.first, b"first of its folder"), b"first of its folder")  # and of all
        synced = []
        fsync = os.fsync

        def watch(handle):
            synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
            fsync(handle)

        monkeypatch.setattr(os, "fsync", watch)
        append(announce_file(world.first, b"first of another"), b"first of another")
        folder = settings.SEALED_DIR / hashlib.sha256(b"first of another").hexdigest()[:2]
        assert len(synced) == 2  # the folders are all on disk since the first file
        assert synced[0].startswith(str(settings.PARTS_DIR)) and synced[1] == str(folder)


class TestOtherStorage:
    def test_storage_named_sealed_takes_the_originals(self, world, settings):
        settings.STORAGES = settings.STORAGES | {"sealed": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
        for _ in range(2):
            append(announce_file(world.first, CONTENT), CONTENT)
        digest = hashlib.sha256(CONTENT).hexdigest()
        assert storages["sealed"].size(f"{digest[:2]}/{digest}") == len(CONTENT)
        with sealed_store.open_sealed_file(sha256=digest) as file:
            assert file.read() == CONTENT
        with sealed_store.open_sealed_path(sha256=digest) as path:
            assert path.read_bytes() == CONTENT
        assert not settings.SEALED_DIR.exists() and list_parts(settings) == []

    def test_sealed_folder_on_another_disk(self, world, settings, monkeypatch):
        rename = sealed_store.Path.rename

        def refuse(self, target):
            if "parts" in str(self):
                raise OSError(errno.EXDEV, "cross-device link")
            return rename(self, target)

        monkeypatch.setattr(sealed_store.Path, "rename", refuse)
        evidence = announce_file(world.first, CONTENT)
        append(evidence, CONTENT)
        assert read_sealed(evidence) == CONTENT and list_parts(settings) == []
