"""Lists as files: for whom they are, and what becomes of them when things go wrong."""

import subprocess
import sys
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Grant, Organisation, Trail, User
from observer.services.accounts.disclosure_log import ReasonNeeded
from reports.models import Export, Report
from reports.problems import Rejected
from reports.services.exports import exports
from reports.services.exports import tables as export_tables
from reports.services.exports.exports import KEPT, export_ask, export_fetch, export_progress, lists_dir, lists_write
from reports.services.exports.filters import Unlisted
from tests.support.door import stored
from tests.support.exports import ask, fetched, granted, made, tables
from tests.support.threads import at_once
from tests.support.world import DAY, World, make_election, make_observer, make_phone, make_tree, payload

HERE = "/desk/test-2022/exports/"


@pytest.fixture
def user(world: World) -> User:
    return granted(world)


class TestWhoMay:
    @pytest.fixture
    def everywhere(self, world):
        """A report in each region, one of them by another organisation's observer, and one in another election."""
        other = Organisation.objects.create(code="other", names={"en": "other"})
        stranger = make_phone(make_observer("OB-4444", other), world.election)
        stored(world.first, payload())
        stored(stranger, payload(commission="KZ-1-1-2"))
        stored(world.second, payload(commission="KZ-2-1-1"))
        return other

    def places(self, world, user, **more):
        return sorted(one["place"] for one in made(world, user, **more)["voting"])

    def test_takes_out_what_lies_in_the_territory_and_of_the_organisation(self, world, everywhere):
        assert self.places(world, granted(world, "a", code="KZ")) == ["KZ-1-1-1", "KZ-1-1-2", "KZ-2-1-1"]
        assert self.places(world, granted(world, "b", code="KZ-1")) == ["KZ-1-1-1", "KZ-1-1-2"]
        assert self.places(world, granted(world, "c", code="KZ", organisation=everywhere)) == ["KZ-1-1-2"]
        assert self.places(world, granted(world, "d", code="KZ-2-1")) == ["KZ-2-1-1"]

    def test_is_asked_again_when_it_is_written(self, world, user, everywhere):
        export = ask(world, user)
        Grant.objects.update(role="reader")
        assert lists_write(now=DAY) == 0
        export.refresh_from_db()
        assert (export.problem, export.name, list(lists_dir().glob("reports*"))) == ("rights", "", [])

    def test_is_asked_again_when_it_is_fetched(self, world, user, everywhere):
        export = ask(world, user)
        lists_write(now=DAY)
        Grant.objects.update(commission=world.tree["KZ-1"])
        with pytest.raises(FileNotFoundError):
            fetched(export)

    def test_is_one_person(self, world, user, everywhere, client, root):
        export = ask(world, user)
        lists_write(now=DAY)
        address = f"{HERE}{export.pk}/"
        for other in (granted(world, "boris"), root):
            client.force_login(other)
            assert client.get(address).status_code == 404
            assert list(client.get(HERE).context["rows"]) == []

    def test_other_elections_have_other_rows(self, world, user, everywhere):
        elsewhere = make_election("other-2022")
        tree = make_tree(elsewhere)
        Grant.objects.create(user=user, role="territorial", commission=tree["KZ"])
        export = export_ask(
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
        lists_write(now=DAY)
        assert list(tables(fetched(export))) == ["columns"]

    def test_coverage_is_of_the_own_observers(self, world, everywhere):
        partner = granted(world, code="KZ", organisation=everywhere)
        assert made(world, partner, "coverage", {"at": "KZ"})["coverage"] == []
        assert len(made(world, granted(world, "b"), "coverage", {"at": "KZ"})["coverage"]) == 2

    def test_coverage_stops_at_the_border(self, world):
        user = granted(world, code="KZ-2")
        for code in ("KZ", "KZ-1", "nowhere", ""):
            with pytest.raises(Unlisted):
                ask(world, user, "coverage", {"at": code})


class TestAsking:
    def test_needs_a_reason_which_stays_in_the_trail(self, world, user):
        with pytest.raises(ReasonNeeded):
            ask(world, user, reason=" ab ")
        ask(world, user, filters={"state": "held", "q": "Асель"}, reason="for the statement")
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
    def test_for_what_is_no_list_is_refused(self, world, user, kind, filters):
        with pytest.raises(Unlisted):
            ask(world, user, kind, filters)

    def test_twice_is_one_export(self, world, user):
        first = ask(world, user)
        assert ask(world, user) == first
        assert ask(world, user, uuid=first.uuid, format="xlsx") == first
        lists_write(now=DAY)
        assert ask(world, user, uuid=first.uuid) == first
        assert ask(world, user) != first

    def test_has_an_end(self, world, user, monkeypatch):
        monkeypatch.setattr(exports, "AT_ONCE", 2)
        ask(world, user)
        ask(world, user, "violations")
        with pytest.raises(Rejected):
            ask(world, user, "evidence")


class TestAFile:
    def test_is_hashed_noted_and_removed_after_a_day(self, world, user):
        export = ask(world, user)
        lists_write(now=DAY)
        fetched(export)
        assert Trail.objects.get(action="export.fetch").detail == {"sha256": export_of(export).sha256}
        assert (lists_dir() / export_of(export).name).stat().st_mode & 0o077 == 0
        with pytest.raises(FileNotFoundError):
            export_fetch(export=export_of(export), user=user, now=DAY + KEPT)
        lists_write(now=DAY + KEPT * 1.01)
        assert export_of(export).name == ""
        assert [path.name for path in lists_dir().iterdir()] == [exports.LOCK]

    def test_goes_with_the_people_of_its_election(self, world, user, capsys):
        ask(world, user)
        lists_write(now=DAY)
        waiting = ask(world, user, "violations")
        world.election.state = "closed"
        world.election.save()
        assert exports.exports_remove(election=world.election) == 2
        assert [path.name for path in lists_dir().iterdir()] == [exports.LOCK]
        assert export_of(waiting).problem == "list"
        call_command("purge_people", "test-2022")
        assert "exports          0" in capsys.readouterr().out


def export_of(export: Export) -> Export:
    return Export.objects.get(pk=export.pk)


class TestWhenTheWriterDies:
    def test_the_next_begins_again_and_no_half_file_is_offered(self, world, user, monkeypatch):
        class Killed(BaseException):
            pass

        def killed(*_):
            raise Killed

        stored(world.first, payload())
        export = ask(world, user)
        with monkeypatch.context() as patch:
            patch.setattr(exports.Path, "rename", killed)
            patch.setattr(exports.Path, "unlink", lambda *_a, **_k: None)  # a killed process tidies nothing
            with pytest.raises(Killed):
                lists_write(now=DAY)
        assert len(list(lists_dir().glob("*.part"))) == 1
        assert (export_of(export).name, export_of(export).attempts) == ("", 1)
        assert lists_write(now=DAY) == 1
        assert not list(lists_dir().glob("*.part"))
        assert len(tables(fetched(export))["voting"]) == 1

    def test_its_lock_dies_with_it(self, world, user):
        ask(world, user)
        lists_dir().mkdir()
        hold = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(1, flush=True); time.sleep(600)"
        with subprocess.Popen(
            [sys.executable, "-c", hold, lists_dir() / exports.LOCK], stdout=subprocess.PIPE
        ) as other:
            assert other.stdout.readline() == b"1\n"
            assert lists_write(now=DAY) == 0
            other.kill()
            other.wait()
        assert lists_write(now=DAY) == 1

    def test_three_times_it_is_given_up(self, world, user, monkeypatch):
        export = ask(world, user)
        monkeypatch.setattr(exports, "_fill", lambda *_: 1 / 0)
        assert [lists_write(now=DAY) for _ in range(4)] == [0] * 4
        assert (export_of(export).problem, export_of(export).attempts) == ("broken", 3)

    def test_because_the_disk_is_full_it_says_so(self, world, user, monkeypatch):
        stored(world.first, payload())
        export = ask(world, user)
        monkeypatch.setattr(exports, "disk_free", lambda: 0)
        lists_write(now=DAY)
        assert export_of(export).problem == "disk"
        assert [path.name for path in lists_dir().iterdir()] == [exports.LOCK]

    def test_rows_that_got_lost_on_the_way_are_a_failure(self, world, user, monkeypatch):
        stored(world.first, payload())
        export = ask(world, user)
        monkeypatch.setattr(export_tables, "_chunks", lambda *_: iter(()))
        assert lists_write(now=DAY) == 0
        assert export_of(export).name == ""


class TestMeanwhile:
    def test_only_one_writes_and_it_says_how_far_it_is(self, world, user, monkeypatch):
        stored(world.first, payload())
        export, seen = ask(world, user), []
        original = exports._fill

        def looked(*args):
            total = original(*args)
            seen.append((lists_write(now=DAY), export_progress(export)))
            return total

        monkeypatch.setattr(exports, "_fill", looked)
        assert lists_write(now=DAY) == 1
        assert seen == [(0, (1, 1))]
        assert export_progress(export_of(export)) is None

    @pytest.mark.django_db(transaction=True)
    def test_what_arrives_while_it_is_written_is_not_in_it(self, concurrent_world, monkeypatch):
        world = concurrent_world
        user = granted(world)
        stored(world.first, payload())
        export = ask(world, user)
        original = export_tables._chunks

        def chunks(*args):
            at_once([lambda: stored(world.second, payload(commission="KZ-1-1-2"))])
            yield from original(*args)

        monkeypatch.setattr(export_tables, "_chunks", chunks)
        assert lists_write(now=DAY) == 1
        assert len(tables(fetched(export))["voting"]) == export_of(export).total == 1
        assert Report.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_two_presses_at_one_moment_are_one_export(self, concurrent_world):
        user = granted(concurrent_world)
        found = at_once([lambda: ask(concurrent_world, user).pk] * 4)
        assert len(set(found)) == 1


class TestMemory:
    def test_holds_a_chunk_and_never_the_list(self, world, user, monkeypatch):
        """Counted in rows: a writer that gathered them would have more than one chunk's alive."""
        for _ in range(30):
            stored(world.first, payload())
        monkeypatch.setattr(export_tables, "CHUNK", 5)
        alive, most = set(), []
        original = export_tables._chunks

        class Watched(list):
            def __init__(self, rows):
                super().__init__(rows)
                alive.add(id(self))
                most.append(len(alive))

            def __del__(self):
                alive.discard(id(self))

        monkeypatch.setattr(export_tables, "_chunks", lambda *args: (Watched(some) for some in original(*args)))
        assert len(made(world, user)["voting"]) == 30
        assert (len(most), max(most)) == (6, 2)


def test_the_database_is_asked_as_often_for_many_reports_as_for_one(world, user):
    counts = []
    for _ in range(2):
        for _n in range(5):
            stored(world.first, payload())
        ask(world, user)
        with CaptureQueriesContext(connection) as found:
            lists_write(now=DAY)
        counts.append(len(found))
    assert counts[0] == counts[1]
