"""Exports of lists: permissions, requests, failures of the writer, concurrency."""

import subprocess
import sys
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Grant, Organisation, Trail, User
from observer.services.accounts.disclosure_log import ReasonRequired
from reports.models import Export, Report
from reports.problems import Rejected
from reports.services.exports import exports
from reports.services.exports import tables as export_tables
from reports.services.exports.exports import (
    RETENTION,
    get_list_exports_dir,
    open_export,
    read_progress,
    request_export,
    write_next_export,
)
from reports.services.exports.filters import InvalidListing
from tests.support.exports import fetch_bytes, make_list_tables, make_user, read_tables, request_list
from tests.support.intake import store_report
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World, make_election, make_observer, make_phone, make_tree, payload

HERE = "/desk/test-2022/exports/"


@pytest.fixture
def user(world: World) -> User:
    return make_user(world)


class TestPermissions:
    @pytest.fixture
    def other_organisation(self, world):
        """A report in each region, one of them by another organisation's observer, and one in another election."""
        other = Organisation.objects.create(code="other", names={"en": "other"})
        stranger = make_phone(make_observer("OB-4444", other), world.election)
        store_report(world.first, payload())
        store_report(stranger, payload(commission="KZ-1-1-2"))
        store_report(world.second, payload(commission="KZ-2-1-1"))
        return other

    def places(self, world, user, **more):
        return sorted(one["place"] for one in make_list_tables(world, user, **more)["voting"])

    def test_limit_rows_to_own_territory_and_organisation(self, world, other_organisation):
        assert self.places(world, make_user(world, "a", code="KZ")) == ["KZ-1-1-1", "KZ-1-1-2", "KZ-2-1-1"]
        assert self.places(world, make_user(world, "b", code="KZ-1")) == ["KZ-1-1-1", "KZ-1-1-2"]
        assert self.places(world, make_user(world, "c", code="KZ", organisation=other_organisation)) == ["KZ-1-1-2"]
        assert self.places(world, make_user(world, "d", code="KZ-2-1")) == ["KZ-2-1-1"]

    def test_are_checked_again_when_the_file_is_written(self, world, user, other_organisation):
        export = request_list(world, user)
        Grant.objects.update(role="reader")
        assert write_next_export(now=DAY) == 0
        export.refresh_from_db()
        assert (export.problem, export.name, list(get_list_exports_dir().glob("reports*"))) == ("rights", "", [])

    def test_are_checked_again_when_the_file_is_downloaded(self, world, user, other_organisation):
        export = request_list(world, user)
        write_next_export(now=DAY)
        Grant.objects.update(commission=world.tree["KZ-1"])
        with pytest.raises(FileNotFoundError):
            fetch_bytes(export)

    def test_only_the_requester_sees_the_file(self, world, user, other_organisation, client, root):
        export = request_list(world, user)
        write_next_export(now=DAY)
        address = f"{HERE}{export.pk}/"
        for other in (make_user(world, "boris"), root):
            client.force_login(other)
            assert client.get(address).status_code == 404
            assert list(client.get(HERE).context["rows"]) == []

    def test_rows_of_other_elections_are_left_out(self, world, user, other_organisation):
        elsewhere = make_election("other-2022")
        tree = make_tree(elsewhere)
        Grant.objects.create(user=user, role="territorial", commission=tree["KZ"])
        export = request_export(
            uuid=uuid4(),
            user=user,
            election=elsewhere,
            kind="reports",
            format="csv",
            labels="codes",
            language="en",
            words=False,
            filters={},
            reason="a test",
            now=DAY,
        )
        write_next_export(now=DAY)
        assert list(read_tables(fetch_bytes(export))) == ["columns"]

    def test_coverage_counts_own_observers_only(self, world, other_organisation):
        partner = make_user(world, code="KZ", organisation=other_organisation)
        assert make_list_tables(world, partner, "coverage", {"at": "KZ"})["coverage"] == []
        assert len(make_list_tables(world, make_user(world, "b"), "coverage", {"at": "KZ"})["coverage"]) == 2

    def test_coverage_of_another_territory_is_refused(self, world):
        user = make_user(world, code="KZ-2")
        for code in ("KZ", "KZ-1", "nowhere", ""):
            with pytest.raises(InvalidListing):
                request_list(world, user, "coverage", {"at": code})


class TestRequest:
    def test_needs_a_reason_which_is_kept_in_the_trail(self, world, user):
        with pytest.raises(ReasonRequired):
            request_list(world, user, reason=" ab ")
        request_list(world, user, filters={"state": "held", "q": "Асель"}, reason="for the statement")
        detail = Trail.objects.get(action="export.ask").detail
        assert detail["reason"] == "for the statement"
        assert detail["filters"] == {"state": "held", "q": "…"}

    @pytest.mark.parametrize(
        ("kind", "filters"),
        [
            ("reports", {"body": "x"}),
            ("reports", {"state": "x"}),
            ("reports", {"rehearsal": "2"}),
            ("reports", {"flag": "x"}),
            ("observers", {}),
            ("violations", {"rehearsal": "1"}),
            ("reports", {"q": "x" * 101}),
            ("coverage", {"at": "KZ", "show": "unsettled"}),
        ],
    )
    def test_with_an_unknown_list_or_filter_is_refused(self, world, user, kind, filters):
        with pytest.raises(InvalidListing):
            request_list(world, user, kind, filters)

    def test_made_twice_is_one_export(self, world, user):
        first = request_list(world, user)
        assert request_list(world, user) == first
        assert request_list(world, user, uuid=first.uuid, format="xlsx") == first
        write_next_export(now=DAY)
        assert request_list(world, user, uuid=first.uuid) == first
        assert request_list(world, user) != first

    def test_is_refused_with_too_many_files(self, world, user, monkeypatch):
        monkeypatch.setattr(exports, "MAX_FILES_PER_USER", 2)
        request_list(world, user)
        request_list(world, user, "violations")
        with pytest.raises(Rejected):
            request_list(world, user, "evidence")


class TestFile:
    def test_is_hashed_logged_and_deleted_after_a_day(self, world, user):
        export = request_list(world, user)
        write_next_export(now=DAY)
        fetch_bytes(export)
        assert Trail.objects.get(action="export.fetch").detail == {"sha256": reload(export).sha256}
        assert (get_list_exports_dir() / reload(export).name).stat().st_mode & 0o077 == 0
        with pytest.raises(FileNotFoundError):
            open_export(export=reload(export), user=user, now=DAY + RETENTION)
        write_next_export(now=DAY + RETENTION * 1.01)
        assert reload(export).name == ""
        assert [path.name for path in get_list_exports_dir().iterdir()] == [exports.LOCK_FILE]

    def test_is_deleted_when_its_election_is_purged(self, world, user, capsys):
        request_list(world, user)
        write_next_export(now=DAY)
        waiting = request_list(world, user, "violations")
        world.election.state = "closed"
        world.election.save()
        assert exports.remove_exports(election=world.election) == 2
        assert [path.name for path in get_list_exports_dir().iterdir()] == [exports.LOCK_FILE]
        assert reload(waiting).problem == "list"
        call_command("purge_people", "test-2022")
        assert "exports          0" in capsys.readouterr().out


def reload(export: Export) -> Export:
    return Export.objects.get(pk=export.pk)


class TestWhenTheWriterDies:
    def test_the_next_writer_starts_again_and_no_incomplete_file_is_offered(self, world, user, monkeypatch):
        class Killed(BaseException):
            pass

        def killed(*_):
            raise Killed

        store_report(world.first, payload())
        export = request_list(world, user)
        with monkeypatch.context() as patch:
            patch.setattr(exports.Path, "rename", killed)
            patch.setattr(exports.Path, "unlink", lambda *_a, **_k: None)  # a killed process cleans nothing up
            with pytest.raises(Killed):
                write_next_export(now=DAY)
        assert len(list(get_list_exports_dir().glob("*.part"))) == 1
        assert (reload(export).name, reload(export).attempts) == ("", 1)
        assert write_next_export(now=DAY) == 1
        assert not list(get_list_exports_dir().glob("*.part"))
        assert len(read_tables(fetch_bytes(export))["voting"]) == 1

    def test_its_lock_is_released(self, world, user):
        request_list(world, user)
        get_list_exports_dir().mkdir()
        hold = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(1, flush=True); time.sleep(600)"
        with subprocess.Popen(
            [sys.executable, "-c", hold, get_list_exports_dir() / exports.LOCK_FILE], stdout=subprocess.PIPE
        ) as other:
            assert other.stdout.readline() == b"1\n"
            assert write_next_export(now=DAY) == 0
            other.kill()
            other.wait()
        assert write_next_export(now=DAY) == 1

    def test_three_times_the_export_is_given_up(self, world, user, monkeypatch):
        export = request_list(world, user)
        monkeypatch.setattr(exports, "_write_tables", lambda *_: 1 / 0)
        assert [write_next_export(now=DAY) for _ in range(4)] == [0] * 4
        assert (reload(export).problem, reload(export).attempts) == ("broken", 3)

    def test_because_the_disk_is_full_the_export_says_so(self, world, user, monkeypatch):
        store_report(world.first, payload())
        export = request_list(world, user)
        monkeypatch.setattr(exports, "get_free_disk_bytes", lambda: 0)
        write_next_export(now=DAY)
        assert reload(export).problem == "disk"
        assert [path.name for path in get_list_exports_dir().iterdir()] == [exports.LOCK_FILE]

    def test_or_rows_are_missing_the_export_fails(self, world, user, monkeypatch):
        store_report(world.first, payload())
        export = request_list(world, user)
        monkeypatch.setattr(export_tables, "_read_chunks", lambda *_: iter(()))
        assert write_next_export(now=DAY) == 0
        assert reload(export).name == ""


class TestConcurrency:
    def test_only_one_process_writes_and_it_reports_progress(self, world, user, monkeypatch):
        store_report(world.first, payload())
        export, seen = request_list(world, user), []
        original = exports._write_tables

        def write_and_watch(*args):
            total = original(*args)
            seen.append((write_next_export(now=DAY), read_progress(export)))
            return total

        monkeypatch.setattr(exports, "_write_tables", write_and_watch)
        assert write_next_export(now=DAY) == 1
        assert seen == [(0, (1, 1))]
        assert read_progress(reload(export)) is None

    @pytest.mark.django_db(transaction=True)
    def test_a_report_that_arrives_meanwhile_is_left_out(self, concurrent_world, monkeypatch):
        world = concurrent_world
        user = make_user(world)
        store_report(world.first, payload())
        export = request_list(world, user)
        original = export_tables._read_chunks

        def chunks(*args):
            run_concurrently([lambda: store_report(world.second, payload(commission="KZ-1-1-2"))])
            yield from original(*args)

        monkeypatch.setattr(export_tables, "_read_chunks", chunks)
        assert write_next_export(now=DAY) == 1
        assert len(read_tables(fetch_bytes(export))["voting"]) == reload(export).total == 1
        assert Report.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_concurrent_equal_requests_are_one_export(self, concurrent_world):
        user = make_user(concurrent_world)
        found = run_concurrently([lambda: request_list(concurrent_world, user).pk] * 4)
        assert len(set(found)) == 1


class TestMemory:
    def test_holds_one_chunk_of_rows(self, world, user, monkeypatch):
        """Counts the chunks that are alive: a writer that collected rows would keep more of them."""
        for _ in range(30):
            store_report(world.first, payload())
        monkeypatch.setattr(export_tables, "CHUNK_ROWS", 5)
        alive_chunks, alive_counts = set(), []
        original = export_tables._read_chunks

        class Watched(list):
            def __init__(self, rows):
                super().__init__(rows)
                alive_chunks.add(id(self))
                alive_counts.append(len(alive_chunks))

            def __del__(self):
                alive_chunks.discard(id(self))

        monkeypatch.setattr(export_tables, "_read_chunks", lambda *args: (Watched(some) for some in original(*args)))
        assert len(make_list_tables(world, user)["voting"]) == 30
        assert (len(alive_counts), max(alive_counts)) == (6, 2)


def test_number_of_queries_does_not_depend_on_number_of_reports(world, user):
    counts = []
    for _ in range(2):
        for _n in range(5):
            store_report(world.first, payload())
        request_list(world, user)
        with CaptureQueriesContext(connection) as found:
            write_next_export(now=DAY)
        counts.append(len(found))
    assert counts[0] == counts[1]
