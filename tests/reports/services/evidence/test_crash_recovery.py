"""A process that dies between sealing a file and storing its row: no byte is lost, none is asked for twice."""

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
from reports.services.evidence.crash_recovery import upload_mended, uploads_mend, uploads_mend_lost
from reports.services.evidence.uploads import OffsetMismatch, upload_append
from reports.services.storage.sealed_store import open_sealed
from reports.services.storage.upload_sql import row_store
from tests.reports.services.storage.test_sealed_store_bucket import bucket  # noqa: F401
from tests.support.files import awaited
from tests.support.threads import at_once
from tests.support.world import DAY

CONTENT = random.Random(7).randbytes(400_000)  # one landing
LATER = DAY + timedelta(minutes=1)


class Killed(BaseException):
    """kill -9, as far as a test can be killed: the kernel closes what was open, and nothing else happens."""


@pytest.fixture(params=["folder", "bucket"])
def store(request):
    """Where originals lie."""
    if request.param == "bucket":
        request.getfixturevalue("bucket")
    return request.param


def append(evidence, content, offset=0, **more):
    return upload_append(
        evidence=evidence, offset=offset, stream=io.BytesIO(content), length=len(content), now=DAY, **more
    )


def again(evidence):
    return Evidence.objects.get(pk=evidence.pk)


def killed(monkeypatch, evidence, content, offset=0, *, step="row_store"):
    """Appends, and dies at `step`."""

    def die(**more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(uploads, step, die)
        with pytest.raises(Killed):
            append(again(evidence), content, offset)


def sealed(evidence):
    row = again(evidence)
    assert (row.state, row.offset, row.size, row.part) == ("stored", len(CONTENT), len(CONTENT), "")
    with open_sealed(sha256=row.sha256) as file:
        return file.read()


def notes(settings):
    return list((settings.PARTS_DIR / "whole").iterdir())


WAYS = {"in one request": 0, "in two requests": 300_000}
ANNOUNCED = {
    "announced": {},
    "in capitals": {"sha256": hashlib.sha256(CONTENT).hexdigest().upper()},
    "not announced": {"sha256": "", "size": None},
}


@pytest.mark.parametrize("first", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("announced", ANNOUNCED.values(), ids=ANNOUNCED)
class TestAFileSealedWhenItsProcessDied:
    @pytest.fixture
    def evidence(self, world, store, first, announced, monkeypatch):
        evidence = awaited(world.first, CONTENT, **announced)
        if first:
            append(evidence, CONTENT[:first], total=len(CONTENT))
        killed(monkeypatch, evidence, CONTENT[first:], first)
        assert (again(evidence).offset, again(evidence).stored_at) == (first, None)
        return evidence

    def test_is_stored_already_for_whoever_goes_on(self, evidence, first, settings):
        stream = io.BytesIO(CONTENT[first:])
        with pytest.raises(OffsetMismatch) as caught:
            upload_append(evidence=again(evidence), offset=first, stream=stream, length=len(CONTENT) - first, now=LATER)
        assert (caught.value.code, caught.value.offset) == ("already_stored", len(CONTENT))
        assert stream.tell() == 0
        assert sealed(evidence) == CONTENT
        assert again(evidence).stored_at == LATER and notes(settings) == []

    def test_is_stored_for_whoever_asks(self, evidence):
        row = upload_mended(evidence=again(evidence), now=LATER)
        assert (row.state, row.offset) == ("stored", len(CONTENT))
        assert sealed(evidence) == CONTENT

    def test_is_found_by_the_worker_though_its_phone_never_comes_back(self, evidence, settings):
        assert uploads_mend(now=LATER) == 1
        assert sealed(evidence) == CONTENT
        assert notes(settings) == [] and uploads_mend(now=LATER) == 0


class TestAProcessKilledForReal:
    @pytest.mark.parametrize("first", WAYS.values(), ids=WAYS)
    def test_leaves_a_file_that_is_stored(self, concurrent_world, monkeypatch, first):
        evidence = awaited(concurrent_world.first, CONTENT)
        if first:
            append(evidence, CONTENT[:first])
        connection.close()  # no two processes may share one
        process = os.fork()
        if process == 0:
            try:
                monkeypatch.setattr(uploads, "row_store", lambda **more: os.kill(os.getpid(), signal.SIGKILL))
                append(again(evidence), CONTENT[first:], first)
            finally:
                os._exit(1)
        _pid, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert (again(evidence).state, again(evidence).offset) == ("partial" if first else "awaited", first)
        assert upload_mended(evidence=again(evidence), now=LATER).offset == len(CONTENT)
        assert sealed(evidence) == CONTENT


class TestWhatThePhoneIsTold:
    @pytest.fixture
    def evidence(self, world, monkeypatch):
        evidence = awaited(world.first, CONTENT)
        killed(monkeypatch, evidence, CONTENT)
        return evidence

    def test_by_a_background_run(self, evidence):
        call_command("refresh_summaries")
        assert sealed(evidence) == CONTENT
        assert again(evidence).processed_at is not None

    def test_nothing_of_a_file_that_another_noted(self, world, evidence):
        assert uploads_mend(now=LATER, only=[awaited(world.first, CONTENT).uuid]) == 0
        assert uploads_mend(now=LATER, only=[evidence.uuid]) == 1


class TestANote:
    def test_of_a_living_process_is_left_alone(self, world, monkeypatch):
        """Whoever asks while a file is being finished changes nothing, and its sender is told of success."""
        evidence = awaited(world.first, CONTENT)
        seen = []

        def look(**more):
            row = upload_mended(evidence=again(evidence), now=LATER)
            seen.append((row.state, row.offset, uploads_mend(now=LATER)))
            return row_store(**more)

        monkeypatch.setattr(uploads, "row_store", look)
        assert append(evidence, CONTENT) == len(CONTENT)
        assert seen == [("awaited", 0, 0)]
        assert sealed(evidence) == CONTENT

    def test_without_a_sealed_file_is_forgotten(self, world, settings, monkeypatch):
        evidence = awaited(world.first, CONTENT)
        append(evidence, CONTENT[:300_000])
        killed(monkeypatch, evidence, CONTENT[300_000:], 300_000, step="seal")
        assert uploads_mend(now=LATER) == 0
        assert notes(settings) == []
        assert append(again(evidence), CONTENT[300_000:], 300_000) == len(CONTENT)
        assert sealed(evidence) == CONTENT

    @pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"{}", b"\x00" * 90])
    def test_that_broke_off_is_forgotten(self, world, settings, broken, monkeypatch):
        evidence = awaited(world.first, CONTENT)
        killed(monkeypatch, evidence, CONTENT)
        notes(settings)[0].write_bytes(broken)
        assert upload_mended(evidence=again(evidence), now=LATER).state == "awaited"
        assert notes(settings) == []
        assert append(again(evidence), CONTENT) == len(CONTENT)

    def test_does_not_undo_what_somebody_else_did_since(self, world, monkeypatch):
        """Its words hold for the row as it was: an old request may have gone on before anybody looked."""
        evidence = awaited(world.first, CONTENT, sha256="", size=len(CONTENT))
        killed(monkeypatch, evidence, CONTENT)
        with monkeypatch.context() as patch:
            patch.setattr(uploads, "upload_mended", lambda *, evidence, now: evidence)
            append(again(evidence), b"?" * 1000)
        assert upload_mended(evidence=again(evidence), now=LATER).offset == 1000
        assert uploads_mend(now=LATER) == 0

    def test_stays_while_the_storage_or_database_does_not_answer(self, world, settings, monkeypatch):
        evidence = awaited(world.first, CONTENT)
        killed(monkeypatch, evidence, CONTENT)

        def fail(**more):
            raise OperationalError

        with monkeypatch.context() as patch:
            patch.setattr(crash_recovery, "is_sealed", fail)
            assert uploads_mend(now=LATER) == 0
        assert uploads_mend(now=LATER) == 1
        assert sealed(evidence) == CONTENT

    def test_helps_too_where_the_database_was_lost_and_not_the_process(self, world, monkeypatch):
        evidence = awaited(world.first, CONTENT)

        def lose(**more):
            raise OperationalError("connection lost")

        with monkeypatch.context() as patch:
            patch.setattr(uploads, "row_store", lose)
            with pytest.raises(OperationalError):
                append(evidence, CONTENT)
        assert uploads_mend(now=LATER) == 1
        assert sealed(evidence) == CONTENT


class TestALostPartWithoutANote:
    """A disk that lost the note, or a file sealed before there were notes."""

    @pytest.fixture
    def evidence(self, world, store, settings, monkeypatch):
        evidence = awaited(world.first, CONTENT)
        append(evidence, CONTENT[:300_000])
        killed(monkeypatch, evidence, CONTENT[300_000:], 300_000)
        notes(settings)[0].unlink()
        return evidence

    def test_whose_announced_content_is_sealed_is_stored(self, evidence):
        with pytest.raises(OffsetMismatch) as caught:
            append(again(evidence), CONTENT[300_000:], 300_000)
        assert (caught.value.code, caught.value.offset) == ("already_stored", len(CONTENT))
        assert sealed(evidence) == CONTENT

    def test_is_found_by_a_background_run(self, evidence):
        assert uploads_mend_lost(now=LATER) == 1
        assert sealed(evidence) == CONTENT
        assert uploads_mend_lost(now=LATER) == 0

    def test_is_no_way_to_a_file_that_one_never_sent(self, world, evidence):
        """Who only knows a hash has to send the bytes."""
        another = awaited(world.second, CONTENT)
        assert upload_mended(evidence=again(another), now=LATER).state == "awaited"
        append(another, CONTENT[:5])
        assert upload_mended(evidence=again(another), now=LATER).state == "partial"
        assert uploads_mend_lost(now=LATER) == 1
        assert again(another).offset == 5


@pytest.mark.slow
class TestTwoAtOnce:
    @pytest.mark.parametrize("announced", ANNOUNCED.values(), ids=ANNOUNCED)
    def test_of_which_some_die_leave_a_whole_file(self, concurrent_world, store, announced, monkeypatch):
        """Six phones send one file at once; the first two to finish it die between the seal and the row."""
        evidence = awaited(concurrent_world.first, CONTENT, **announced)
        told: Counter[str] = Counter()
        turns = iter(range(100))

        def store_or_die(**more):
            if next(turns) < 2:
                raise Killed
            return row_store(**more)

        def phone():
            try:
                append(evidence, CONTENT)
                told["stored"] += 1
            except OffsetMismatch as problem:
                assert problem.offset == len(CONTENT) or problem.code == "offset_mismatch"
                told[problem.code] += 1
            except Killed:
                told["killed"] += 1

        monkeypatch.setattr(uploads, "row_store", store_or_die)
        at_once([phone] * 6)
        assert sum(told.values()) == 6 and told["stored"] <= 1
        upload_mended(evidence=again(evidence), now=LATER)
        while (row := again(evidence)).state != "stored":
            try:
                append(row, CONTENT[row.offset :], row.offset)
            except OffsetMismatch as problem:
                assert problem.offset > row.offset
            except Killed:
                pass
        assert sealed(evidence) == CONTENT

    def test_who_both_look_store_it_once(self, concurrent_world, monkeypatch):
        evidence = awaited(concurrent_world.first, CONTENT)
        killed(monkeypatch, evidence, CONTENT)
        assert sum(at_once([partial(uploads_mend, now=LATER)] * 4)) == 1
        assert sealed(evidence) == CONTENT
