"""Processing of sealed files: equal files, the queue, and publication."""

import hashlib
import io
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from observer.models import Trail, User
from reports import tasks
from reports.models import Evidence
from reports.problems import Rejected
from reports.services.evidence import processing as service
from reports.services.evidence import sandbox
from reports.services.evidence.processing import approve_evidence, process_waiting_evidence, withdraw_evidence
from reports.services.evidence.uploads import append_to_upload
from reports.services.publishing.photos import find_public_copy, is_evidence_public, load_public_evidence
from reports.services.review.decisions import reject_report, restore_report
from tests.support.files import make_jpeg, process_file, read_public_copy, upload_file
from tests.support.intake import send_report, store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, payload

AFTER = DAY + timedelta(days=2)  # the window is over: precincts are public


def store_refused_file(phone, content):
    """Stores a file of a refused report; returns its row and the refused body."""
    file = {
        "id": str(uuid4()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "type": "image/jpeg",
    }
    body = payload(commission="XX", evidence=[file])
    send_report(phone, body)
    row = Evidence.objects.get(uuid=file["id"])
    append_to_upload(evidence=row, offset=0, stream=io.BytesIO(content), length=len(content), now=DAY)
    return row, body


class TestSameFile:
    def test_from_another_station_is_flagged_on_the_later(self, world):
        content = make_jpeg()
        first = process_file(world.first, content)
        second = process_file(world.second, content, report={"commission": "KZ-1-1-2"})
        assert (first.flags, second.flags) == ([], ["same_file_elsewhere"])

    def test_from_the_same_station_is_not(self, world):
        content = make_jpeg()
        process_file(world.first, content)
        assert process_file(world.second, content, report={"commission": "KZ-1-1-1"}).flags == []

    def test_both_wait_and_the_later_is_looked_at_first(self, world):
        content = make_jpeg()
        rows = [
            upload_file(phone, content, report={"commission": place})
            for phone, place in ((world.first, "KZ-1-1-1"), (world.second, "KZ-1-1-2"))
        ]
        assert process_waiting_evidence(now=DAY) == 2
        assert [Evidence.objects.get(pk=row.pk).flags for row in rows] == [[], ["same_file_elsewhere"]]


class TestQueue:
    def test_is_empty_when_done(self, world):
        process_file(world.first, make_jpeg())
        assert process_waiting_evidence(now=DAY) == process_waiting_evidence(now=DAY, include_claimed=True) == 0

    def test_no_more_than_asked(self, world):
        for _ in range(3):
            upload_file(world.first, make_jpeg())
        assert [process_waiting_evidence(now=DAY, max_files=2) for _ in range(3)] == [2, 1, 0]

    def test_no_longer_than_asked(self, world):
        for _ in range(3):
            upload_file(world.first, make_jpeg())
        assert [process_waiting_evidence(now=DAY, max_seconds=-1.0) for _ in range(4)] == [1, 1, 1, 0]

    def test_task_is_bounded_and_asks_for_another_run(self, world, monkeypatch):
        monkeypatch.setattr(tasks, "MAX_FILES_PER_TASK", 2)
        woken = []
        monkeypatch.setattr(tasks, "wake_task", woken.append)
        for _ in range(3):
            upload_file(world.first, make_jpeg())
        assert (tasks.process_evidence(), woken) == (2, ["reports.process_evidence"])
        assert (tasks.process_evidence(), tasks.process_evidence(), len(woken)) == (1, 0, 1)

    def test_file_kept_with_a_refused_body_is_looked_at_again_once_it_has_a_report(self, world, settings):
        row, body = store_refused_file(world.first, make_jpeg(place=(51.1, 71.4)))
        assert process_waiting_evidence(now=DAY) == 1
        row.refresh_from_db()
        assert row.flags == [] and row.copy
        store_report(world.first, body | {"commission": "KZ-1-1-1"})
        assert process_waiting_evidence(now=DAY) == 1
        again = Evidence.objects.get(pk=row.pk)
        assert (again.flags, again.attempts) == (["place_contradicts"], 1)
        assert [read_public_copy(settings, again.copy)[:2], (settings.PUBLIC_DIR / row.copy).exists()] == [
            b"\xff\xd8",
            False,
        ]

    def test_file_that_gets_its_report_during_the_look_is_looked_at_again(self, world, monkeypatch):
        row, body = store_refused_file(world.first, make_jpeg(place=(51.1, 71.4)))
        look = sandbox.examine_in_sandbox

        def slowly(path, **more):
            monkeypatch.setattr(sandbox, "examine_in_sandbox", look)
            store_report(world.first, body | {"commission": "KZ-1-1-1"})
            return look(path, **more)

        monkeypatch.setattr(sandbox, "examine_in_sandbox", slowly)
        assert process_waiting_evidence(now=DAY) == 1
        assert Evidence.objects.get(pk=row.pk).flags == ["place_contradicts"]

    def test_claimed_is_left_alone_until_its_worker_is_dead(self, world):
        row = upload_file(world.first, make_jpeg())
        Evidence.objects.filter(pk=row.pk).update(claimed_at=DAY, attempts=1)
        assert process_waiting_evidence(now=DAY + timedelta(minutes=4)) == 0
        assert process_waiting_evidence(now=DAY + timedelta(minutes=6)) == 1

    def test_claimed_can_be_stolen(self, world):
        row = upload_file(world.first, make_jpeg())
        Evidence.objects.filter(pk=row.pk).update(claimed_at=DAY, attempts=1)
        assert process_waiting_evidence(now=DAY, include_claimed=True) == 1

    def test_worker_that_comes_too_late_leaves_nothing(self, world, settings, monkeypatch):
        row = upload_file(world.first, make_jpeg())
        look = sandbox.examine_in_sandbox

        def slowly(path, **more):
            monkeypatch.setattr(sandbox, "examine_in_sandbox", look)
            assert process_waiting_evidence(now=DAY, include_claimed=True) == 1
            return look(path, **more)

        monkeypatch.setattr(sandbox, "examine_in_sandbox", slowly)
        assert process_waiting_evidence(now=DAY) == 0
        row.refresh_from_db()
        found = {str(path.relative_to(settings.PUBLIC_DIR)) for path in settings.PUBLIC_DIR.rglob("*.jpg")}
        assert found == {row.copy, row.thumbnail}

    def test_file_that_kills_its_reader_is_given_up(self, world, monkeypatch):
        """The attempt is counted before the examination, so a killed process counts too."""
        poison, innocent = upload_file(world.first, make_jpeg(32, 32)), upload_file(world.first, make_jpeg())

        class Killed(BaseException):
            pass

        look = sandbox.examine_in_sandbox

        def die(path, **more):
            if path.name == poison.sha256:
                raise Killed
            return look(path, **more)

        monkeypatch.setattr(sandbox, "examine_in_sandbox", die)
        with pytest.raises(Killed):
            process_waiting_evidence(now=DAY)
        assert process_waiting_evidence(now=DAY) == 1  # the others do not wait for it
        for minutes in (6, 12):
            with pytest.raises(Killed):
                process_waiting_evidence(now=DAY + timedelta(minutes=minutes))
        assert process_waiting_evidence(now=DAY + timedelta(minutes=18)) == 1
        poison.refresh_from_db()
        innocent.refresh_from_db()
        assert (poison.flags, innocent.flags) == (["unreadable"], [])

    def test_lost_original_is_given_up(self, world, settings):
        row = upload_file(world.first, make_jpeg())
        next(path for path in settings.SEALED_DIR.rglob("*") if path.is_file()).unlink()
        assert process_waiting_evidence(now=DAY) == 1
        row.refresh_from_db()
        assert row.flags == ["unreadable"]

    def test_full_disk_gives_up_nothing(self, world, monkeypatch):
        row = upload_file(world.first, make_jpeg())

        def full(*args):
            raise OSError(28, "no space left")

        with monkeypatch.context() as patch:
            patch.setattr(service.os, "fsync", full)
            for _ in range(9):
                assert process_waiting_evidence(now=DAY, include_claimed=True) == 0
        assert process_waiting_evidence(now=DAY) == 1
        row.refresh_from_db()
        assert row.flags == []

    def test_several_workers_finish_each_once(self, concurrent_world, settings):
        for _ in range(12):
            upload_file(concurrent_world.first, make_jpeg(64, 48))
        done = run_concurrently([partial(process_waiting_evidence, now=DAY)] * 4)
        assert sum(done) == 12 == Evidence.objects.filter(processed_at__isnull=False, attempts=1).count()
        assert len(list(settings.PUBLIC_DIR.rglob("*.jpg"))) == 24


class TestPublication:
    @pytest.fixture
    def row(self, world):
        return process_file(world.first, make_jpeg())

    @pytest.fixture
    def user(self, db):
        return User.objects.create_user("desk")

    def shown(self, row):
        station = row.report.commission
        listed = list(load_public_evidence(commission=station, now=AFTER))
        assert bool(listed) == is_evidence_public(evidence=row, now=AFTER)
        assert all(
            (find_public_copy(name=name, now=AFTER) is not None) == bool(listed) for name in (row.copy, row.thumbnail)
        )
        return listed

    def test_only_after_a_yes(self, row, user):
        assert self.shown(row) == []
        approve_evidence(evidence=row, user=user, now=DAY)
        assert (row.approved_at, row.approved_by) == (DAY, user)
        assert self.shown(row) == [row]
        withdraw_evidence(evidence=row, user=user, now=DAY)
        assert self.shown(row) == []
        assert list(Trail.objects.values_list("action", flat=True).order_by("pk")) == [
            "evidence.approve",
            "evidence.withdraw",
        ]

    def test_withdrawn_when_no_counted_report_links_it(self, row, user):
        approve_evidence(evidence=row, user=user, now=DAY)
        reject_report(report=row.report, user=user, now=DAY)
        assert self.shown(row) == []
        restore_report(report=row.report, user=user, now=DAY)
        assert self.shown(row) == [row]

    def test_nothing_the_election_does_not_publish(self, world, row, user):
        approve_evidence(evidence=row, user=user, now=DAY)
        assert not is_evidence_public(evidence=row, now=DAY)  # a precinct, during its day
        world.election.publication = "closed"
        world.election.save()
        row = Evidence.objects.get(pk=row.pk)
        assert self.shown(row) == []

    @pytest.mark.parametrize(("content", "kind"), [(b"junk", "image/jpeg"), (b"%PDF-1.4 ...", "application/pdf")])
    def test_nothing_without_a_copy(self, world, user, content, kind):
        with pytest.raises(Rejected) as caught:
            approve_evidence(evidence=process_file(world.first, content, type=kind), user=user, now=DAY)
        assert caught.value.code == "not_publishable"

    def test_nothing_that_was_not_looked_at(self, world, user):
        with pytest.raises(Rejected):
            approve_evidence(evidence=upload_file(world.first, make_jpeg()), user=user, now=DAY)

    @pytest.mark.parametrize(
        "name",
        ["", "x", "1-", "../../etc/passwd", "aa/999999999999999999999-x.jpg", "aa/²-x.jpg", "a\0b", "aa/1-\0.jpg"],
    )
    def test_names_that_are_none(self, world, name):
        assert find_public_copy(name=name, now=AFTER) is None
