"""A process that dies between sealing a file and storing its row: no byte is lost or requested again."""

import hashlib
import io
import os
import random
import signal
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from reports.models import Evidence
from reports.services.evidence import crash_recovery, uploads
from reports.services.evidence.crash_recovery import recover_lost_parts, recover_upload, recover_uploads
from reports.services.evidence.uploads import OffsetMismatch, append_to_upload
from reports.services.storage.sealed_store import open_sealed_file
from reports.services.storage.upload_sql import mark_upload_stored
from tests.reports.services.storage.test_sealed_store_bucket import bucket  # noqa: F401
from tests.support.files import announce_file
from tests.support.threads import run_concurrently
from tests.support.world import DAY

CONTENT = random.Random(7).randbytes(400_000)  # fits into one write
LATER = DAY + timedelta(minutes=1)


class Killed(BaseException):
    """Simulates kill -9: open files are closed, and no other code runs."""


@pytest.fixture(params=["folder", "bucket"])
def store(request):
    """Where sealed files are stored."""
    if request.param == "bucket":
        request.getfixturevalue("bucket")
    return request.param


def append(evidence, content, offset=0, **more):
    return append_to_upload(
        evidence=evidence, offset=offset, stream=io.BytesIO(content), length=len(content), now=DAY, **more
    )


def reload_evidence(evidence):
    return Evidence.objects.get(pk=evidence.pk)


def append_and_die(monkeypatch, evidence, content, offset=0, *, step="mark_upload_stored"):
    """Appends, and dies at `step`."""

    def die(**more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(uploads, step, die)
        with pytest.raises(Killed):
            append(reload_evidence(evidence), content, offset)


def read_sealed(evidence):
    row = reload_evidence(evidence)
    assert (row.state, row.offset, row.size, row.part) == ("stored", len(CONTENT), len(CONTENT), "")
    with open_sealed_file(sha256=row.sha256) as file:
        return file.read()


def list_journal_entries(settings):
    return list((settings.PARTS_DIR / "whole").iterdir())


FIRST_REQUEST_BYTES = {"in one request": 0, "in two requests": 300_000}
ANNOUNCEMENTS = {
    "announced": {},
    "in capitals": {"sha256": hashlib.sha256(CONTENT).hexdigest().upper()},
    "not announced": {"sha256": "", "size": None},
}


@pytest.mark.parametrize("first_bytes", FIRST_REQUEST_BYTES.values(), ids=FIRST_REQUEST_BYTES)
@pytest.mark.parametrize("announced", ANNOUNCEMENTS.values(), ids=ANNOUNCEMENTS)
class TestAFileSealedWhenItsProcessDied:
    @pytest.fixture
    def evidence(self, world, store, first_bytes, announced, monkeypatch):
        evidence = announce_file(world.first, CONTENT, **announced)
        if first_bytes:
            append(evidence, CONTENT[:first_bytes], total=len(CONTENT))
        append_and_die(monkeypatch, evidence, CONTENT[first_bytes:], first_bytes)
        assert (reload_evidence(evidence).offset, reload_evidence(evidence).stored_at) == (first_bytes, None)
        return evidence

    def test_is_stored_already_for_whoever_goes_on(self, evidence, first_bytes, settings):
        stream = io.BytesIO(CONTENT[first_bytes:])
        with pytest.raises(OffsetMismatch) as caught:
            append_to_upload(
                evidence=reload_evidence(evidence),
                offset=first_bytes,
                stream=stream,
                length=len(CONTENT) - first_bytes,
                now=LATER,
            )
        assert (caught.value.code, caught.value.offset) == ("already_stored", len(CONTENT))
        assert stream.tell() == 0
        assert read_sealed(evidence) == CONTENT
        assert reload_evidence(evidence).stored_at == LATER and list_journal_entries(settings) == []

    def test_is_stored_for_whoever_asks(self, evidence):
        row = recover_upload(evidence=reload_evidence(evidence), now=LATER)
        assert (row.state, row.offset) == ("stored", len(CONTENT))
        assert read_sealed(evidence) == CONTENT

    def test_is_found_by_the_worker_though_its_phone_never_comes_back(self, evidence, settings):
        assert recover_uploads(now=LATER) == 1
        assert read_sealed(evidence) == CONTENT
        assert list_journal_entries(settings) == [] and recover_uploads(now=LATER) == 0


class TestAProcessKilledForReal:
    @pytest.mark.parametrize("first_bytes", FIRST_REQUEST_BYTES.values(), ids=FIRST_REQUEST_BYTES)
    def test_leaves_a_file_that_is_stored(self, concurrent_world, monkeypatch, first_bytes):
        evidence = announce_file(concurrent_world.first, CONTENT)
        if first_bytes:
            append(evidence, CONTENT[:first_bytes])
        connection.close()  # two processes must not share a connection
        process = os.fork()
        if process == 0:
            try:
                monkeypatch.setattr(uploads, "mark_upload_stored", lambda **more: os.kill(os.getpid(), signal.SIGKILL))
                append(reload_evidence(evidence), CONTENT[first_bytes:], first_bytes)
            finally:
                os._exit(1)
        _pid, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert (reload_evidence(evidence).state, reload_evidence(evidence).offset) == (
            "partial" if first_bytes else "awaited",
            first_bytes,
        )
        assert recover_upload(evidence=reload_evidence(evidence), now=LATER).offset == len(CONTENT)
        assert read_sealed(evidence) == CONTENT


class TestWhatThePhoneIsTold:
    @pytest.fixture
    def evidence(self, world, monkeypatch):
        evidence = announce_file(world.first, CONTENT)
        append_and_die(monkeypatch, evidence, CONTENT)
        return evidence

    def test_by_a_background_run(self, evidence):
        call_command("refresh_summaries")
        assert read_sealed(evidence) == CONTENT
        assert reload_evidence(evidence).processed_at is not None

    def test_nothing_of_a_file_that_another_noted(self, world, evidence):
        assert recover_uploads(now=LATER, only=[announce_file(world.first, CONTENT).uuid]) == 0
        assert recover_uploads(now=LATER, only=[evidence.uuid]) == 1


class TestAJournalEntry:
    def test_of_a_living_process_is_left_alone(self, world, monkeypatch):
        """A look while a file is being finished changes nothing, and its sender is told that it is stored."""
        evidence = announce_file(world.first, CONTENT)
        seen = []

        def look(**more):
            row = recover_upload(evidence=reload_evidence(evidence), now=LATER)
            seen.append((row.state, row.offset, recover_uploads(now=LATER)))
            return mark_upload_stored(**more)

        monkeypatch.setattr(uploads, "mark_upload_stored", look)
        assert append(evidence, CONTENT) == len(CONTENT)
        assert seen == [("awaited", 0, 0)]
        assert read_sealed(evidence) == CONTENT

    def test_without_a_sealed_file_is_forgotten(self, world, settings, monkeypatch):
        evidence = announce_file(world.first, CONTENT)
        append(evidence, CONTENT[:300_000])
        append_and_die(monkeypatch, evidence, CONTENT[300_000:], 300_000, step="seal_file")
        assert recover_uploads(now=LATER) == 0
        assert list_journal_entries(settings) == []
        assert append(reload_evidence(evidence), CONTENT[300_000:], 300_000) == len(CONTENT)
        assert read_sealed(evidence) == CONTENT

    @pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"{}", b"\x00" * 90])
    def test_that_broke_off_is_forgotten(self, world, settings, broken, monkeypatch):
        evidence = announce_file(world.first, CONTENT)
        append_and_die(monkeypatch, evidence, CONTENT)
        list_journal_entries(settings)[0].write_bytes(broken)
        assert recover_upload(evidence=reload_evidence(evidence), now=LATER).state == "awaited"
        assert list_journal_entries(settings) == []
        assert append(reload_evidence(evidence), CONTENT) == len(CONTENT)

    def test_does_not_undo_what_somebody_else_did_since(self, world, monkeypatch):
        """It applies to the row as it was then; another request may have continued since."""
        evidence = announce_file(world.first, CONTENT, sha256="", size=len(CONTENT))
        append_and_die(monkeypatch, evidence, CONTENT)
        with monkeypatch.context() as patch:
            patch.setattr(uploads, "recover_upload", lambda *, evidence, now: evidence)
            append(reload_evidence(evidence), b"?" * 1000)
        assert recover_upload(evidence=reload_evidence(evidence), now=LATER).offset == 1000
        assert recover_uploads(now=LATER) == 0

    def test_stays_while_the_storage_or_database_does_not_answer(self, world, settings, monkeypatch):
        evidence = announce_file(world.first, CONTENT)
        append_and_die(monkeypatch, evidence, CONTENT)

        def fail(**more):
            raise OperationalError

        with monkeypatch.context() as patch:
            patch.setattr(crash_recovery, "is_sealed", fail)
            assert recover_uploads(now=LATER) == 0
        assert recover_uploads(now=LATER) == 1
        assert read_sealed(evidence) == CONTENT

    def test_helps_too_where_the_database_was_lost_and_not_the_process(self, world, monkeypatch):
        evidence = announce_file(world.first, CONTENT)

        def lose(**more):
            raise OperationalError("connection lost")

        with monkeypatch.context() as patch:
            patch.setattr(uploads, "mark_upload_stored", lose)
            with pytest.raises(OperationalError):
                append(evidence, CONTENT)
        assert recover_uploads(now=LATER) == 1
        assert read_sealed(evidence) == CONTENT


class TestALostPartWithoutAJournalEntry:
    """A disk that lost the entry, or a file that was sealed before there was a journal."""

    @pytest.fixture
    def evidence(self, world, store, settings, monkeypatch):
        evidence = announce_file(world.first, CONTENT)
        append(evidence, CONTENT[:300_000])
        append_and_die(monkeypatch, evidence, CONTENT[300_000:], 300_000)
        list_journal_entries(settings)[0].unlink()
        return evidence

    def test_whose_announced_content_is_sealed_is_stored(self, evidence):
        with pytest.raises(OffsetMismatch) as caught:
            append(reload_evidence(evidence), CONTENT[300_000:], 300_000)
        assert (caught.value.code, caught.value.offset) == ("already_stored", len(CONTENT))
        assert read_sealed(evidence) == CONTENT

    def test_is_found_by_a_background_run(self, evidence):
        assert recover_lost_parts(now=LATER) == 1
        assert read_sealed(evidence) == CONTENT
        assert recover_lost_parts(now=LATER) == 0

    def test_is_no_way_to_a_file_that_one_never_sent(self, world, evidence):
        """Somebody who only knows the hash must send the bytes."""
        another = announce_file(world.second, CONTENT)
        assert recover_upload(evidence=reload_evidence(another), now=LATER).state == "awaited"
        append(another, CONTENT[:5])
        assert recover_upload(evidence=reload_evidence(another), now=LATER).state == "partial"
        assert recover_lost_parts(now=LATER) == 1
        assert reload_evidence(another).offset == 5


@pytest.mark.slow
class TestConcurrentUploads:
    @pytest.mark.parametrize("announced", ANNOUNCEMENTS.values(), ids=ANNOUNCEMENTS)
    def test_of_which_some_die_leave_a_whole_file(self, concurrent_world, store, announced, monkeypatch):
        """Six phones send one file at once; the first two that finish die between sealing and storing."""
        evidence = announce_file(concurrent_world.first, CONTENT, **announced)
        outcomes: Counter[str] = Counter()
        turns = iter(range(100))

        def store_or_die(**more):
            if next(turns) < 2:
                raise Killed
            return mark_upload_stored(**more)

        def phone():
            try:
                append(evidence, CONTENT)
                outcomes["stored"] += 1
            except OffsetMismatch as problem:
                assert problem.offset == len(CONTENT) or problem.code == "offset_mismatch"
                outcomes[problem.code] += 1
            except Killed:
                outcomes["killed"] += 1

        monkeypatch.setattr(uploads, "mark_upload_stored", store_or_die)
        run_concurrently([phone] * 6)
        assert sum(outcomes.values()) == 6 and outcomes["stored"] <= 1
        recover_upload(evidence=reload_evidence(evidence), now=LATER)
        while (row := reload_evidence(evidence)).state != "stored":
            try:
                append(row, CONTENT[row.offset :], row.offset)
            except OffsetMismatch as problem:
                assert problem.offset > row.offset
            except Killed:
                pass
        assert read_sealed(evidence) == CONTENT

    def test_who_both_look_store_it_once(self, concurrent_world, monkeypatch):
        evidence = announce_file(concurrent_world.first, CONTENT)
        append_and_die(monkeypatch, evidence, CONTENT)
        assert sum(run_concurrently([partial(recover_uploads, now=LATER)] * 4)) == 1
        assert read_sealed(evidence) == CONTENT
