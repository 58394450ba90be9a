"""Lists as files: what is in them, for whom, and what becomes of them when things go wrong."""

import csv
import io
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from observer.models import Grant, Organisation, Trail, User
from observer.services.sights import ReasonNeeded
from reports.models import Export, Report
from reports.problems import Rejected
from reports.services import export_tables, exports
from reports.services.export_books import csv_bytes
from reports.services.exports import KEPT, export_ask, export_fetch, export_progress, lists_dir, lists_write
from reports.services.listings import Unlisted
from tests.door import stored
from tests.reports.test_expected import SCHEDULE
from tests.together import at_once
from tests.world import DAY, World, make_election, make_observer, make_phone, make_tree, make_version, payload

HERE = "/desk/test-2022/exports/"
KINDS = [kind for kind in Export.Kind.values if kind != "coverage"]


def granted(world: World, name: str = "anna", role: str = "territorial", code: str = "KZ", **more) -> User:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[code], **more)
    return user


@pytest.fixture
def user(world: World) -> User:
    return granted(world)


def ask(world: World, user: User, kind: str = "reports", filters=None, **more) -> Export:
    asked = {
        "uuid": uuid4(), "format": "csv", "labels": "codes", "language": "en", "words": False, "reason": "a test",
        "at": DAY,
    } | more  # fmt: skip
    return export_ask(user=user, election=world.election, kind=kind, filters=filters or {}, **asked)


def fetched(export: Export) -> bytes:
    export.refresh_from_db()
    user = User.objects.get(pk=export.user_id)
    with export_fetch(export=export, user=user, at=DAY) as file:
        return file.read()


def made(world: World, user: User, kind: str = "reports", filters=None, **more) -> dict[str, list[dict[str, str]]]:
    """Asked for, written, fetched: the rows of each table of the CSV."""
    export = ask(world, user, kind, filters, **more)
    assert lists_write(at=DAY) == 1
    return tables(fetched(export))


def tables(data: bytes) -> dict[str, list[dict[str, str]]]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            text = archive.read(name)
            assert text.startswith(b"\xef\xbb\xbf")
            found[name.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    return found


class TestReports:
    def test_are_one_row_each_and_one_column_a_question(self, world, user):
        given = {
            "V01": "female",
            "V03": "no",
            "V30": ["b", "a"],
            "X05": 12,
            "X06": "1.50",
            "X07": "Слово",
            "X08": "07:30",
        }
        report = stored(world.first, payload(answers=given, comment="She said"))
        (row,) = made(world, user)["voting"]
        assert row["report_id"] == str(report.uuid)
        assert (row["place"], row["region"], row["district"]) == ("KZ-1-1-1", "KZ-1", "KZ-1-1")
        assert (row["observer"], row["organisation"], row["version"]) == ("OB-2222", "org", "1")
        assert (row["observed_at"], row["observed_local"]) == ("2022-11-20T04:00:00Z", "2022-11-20 10:00:00")
        assert (row["counted"], row["state"], row["rehearsal"]) == ("1", "received", "0")
        assert [row[code] for code in ("V01", "V03", "V15", "V30", "X05", "X06", "X08")] == [
            "female", "no", "", "a;b", "12", "1.5", "07:30",
        ]  # fmt: skip

    def test_have_free_words_and_places_only_where_they_were_asked_for(self, world, user):
        said = payload(answers={"V03": "no", "X07": "Асель"}, comment="Асель", location={"lat": 43.1, "lon": 76.2})
        stored(world.first, said)
        assert not {"X07", "X10", "X12", "comment", "lat", "state_reason"} & made(world, user)["voting"][0].keys()
        row = made(world, user, words=True)["voting"][0]
        assert (row["X07"], row["comment"], row["lat"]) == ("Асель", "Асель", "43.1")
        assert Trail.objects.filter(action="export.ask").order_by("-pk")[0].detail["words"] is True

    def test_never_name_anybody(self, world, user):
        stored(world.first, payload())
        everything = str([made(world, user, kind, words=True) for kind in KINDS])
        assert world.first.observer.code in everything
        for name in ("name", "phone", "email"):
            assert getattr(world.first.observer, name) not in everything

    def test_speak_in_words_in_the_language_that_was_chosen(self, world, user):
        stored(world.first, payload(answers={"V03": "no", "V30": ["a", "b"], "V90": "very_good"}))
        stored(world.first, payload("incident"))
        found = made(world, user, labels="both", language="ru")
        row = found["voting"][0]
        assert (row["V03"], row["V03:label"], row["V90:label"]) == ("no", "нет", "очень хорошо")
        assert (row["V30"], row["V30:label"]) == ("a;b", "a ru;b ru")
        assert (row["place:label"], row["region:label"]) == ("KZ-1-1-1 ru", "KZ-1 ru")
        assert found["incident"][0]["I01:label"] == "ACC-01 ru"
        row = made(world, user, labels="labels", language="kk")["voting"][0]
        assert (row["V03"], row["V30"]) == ("жоқ", "a kk;b kk")
        assert "V03:label" not in row

    def test_of_all_versions_stand_in_one_table(self, world, user):
        stored(world.first, payload(answers={"V03": "no", "X05": 3}))
        newer = [{"code": "V03", "type": "yes_no"}, {"code": "state", "type": "yes_no"}]
        make_version(world.versions["voting"].checklist, 2, newer)
        body = payload(answers={"V03": "yes", "state": "no"}) | {"checklist": {"code": "voting", "version": 2}}
        stored(world.first, body)
        one, two = made(world, user)["voting"]
        assert (one["version"], one["X05"], one["state:answer"]) == ("1", "3", "")
        assert (two["version"], two["X05"], two["state:answer"], two["state"]) == ("2", "", "no", "received")

    def test_of_several_checklists_are_a_table_each(self, world, user):
        for checklist in ("opening", "voting", "incident"):
            stored(world.first, payload(checklist))
        assert list(made(world, user)) == ["opening", "voting", "incident", "columns"]
        assert list(made(world, user, filters={"checklist": "opening"})) == ["opening", "columns"]

    def test_nobody_sent_are_empty_tables_with_headers(self, world, user):
        found = made(world, user)
        assert list(found) == ["opening", "voting", "tabulation", "incident", "columns"]
        assert not any(rows for name, rows in found.items() if name != "columns")
        assert Export.objects.get().total == 0

    def test_are_explained_column_by_column(self, world, user):
        stored(world.first, payload())
        lines = made(world, user, labels="both", language="en")["columns"]
        said = {(one["column"], one["code"]): one["meaning"] for one in lines if one["table"] == "voting"}
        assert said["V03", ""] == "V03 en"
        assert (said["V03", "not_observed"], said["V30", "a"]) == ("not observed", "a en")
        units = {one["column"]: one["unit"] for one in lines if not one["code"]}
        assert units["received_at"] == "UTC"


class TestOtherLists:
    def test_violations_are_one_row_each(self, world, user):
        report = stored(world.first, payload(answers={"V03": "yes", "V15": "yes", "V16": "no"}))
        first, second = made(world, user, "violations")["violations"]
        assert (first["violation"], second["violation"]) == ("FRD-05", "UNA-01")
        assert first["report_id"] == str(report.uuid)
        assert (first["severity"], first["group"], first["state"], first["counted"]) == (
            "critical", "fraud", "reported", "1",
        )  # fmt: skip

    def test_files_are_told_by_their_hash_and_never_by_what_lies_in_them(self, world, user):
        file = {"id": str(uuid4()), "sha256": "ab" * 32, "size": 1000, "type": "image/jpeg", "question": "X11"}
        stored(world.first, payload(evidence=[file]))
        (row,) = made(world, user, "evidence")["files"]
        assert (row["sha256"], row["size"], row["state"], row["question"]) == ("ab" * 32, "1000", "awaited", "X11")
        assert "metadata" not in row

    def test_coverage_is_one_row_a_station_as_the_page_shows_it(self, world, user):
        world.election.rules = {"schedule": SCHEDULE}
        world.election.save()
        stored(world.first, payload("opening"))
        at = world.election.closes_at + timedelta(days=1)
        rows = {one["place"]: one for one in made(world, user, "coverage", {"at": "KZ"}, at=at)["coverage"]}
        assert {code: (one["heard"], one["opened"]) for code, one in rows.items()} == {
            "KZ-1-1-1": ("1", "1"), "KZ-1-1-2": ("0", "0"),
        }  # fmt: skip
        silent = made(world, user, "coverage", {"at": "KZ", "show": "silent"}, at=at)["coverage"]
        assert [one["place"] for one in silent] == ["KZ-1-1-2"]


class TestAFormula:
    @pytest.mark.parametrize("text", ["=1+1", "+7 701", "-1", "@SUM(A1)", "\t=1", "\r=1", '"=1', '=HYPERLINK("x","y")'])
    def test_is_a_text_in_csv(self, text):
        rows = list(csv.reader(io.StringIO(csv_bytes([["a", text, "b"], [text, -5, 1.5]]).decode(), newline="")))
        assert [rows[0][1][:1], rows[1][0][:1]] == (["'", "'"] if text[0] != '"' else ['"', '"'])
        assert rows[1][1:] == ["-5", "1.5"]

    def test_from_a_phone_and_from_a_checklist_is_defused(self, world, user):
        stored(world.first, payload(answers={"V03": "no", "X07": "=cmd|' /C calc'!A0"}, comment="@x"))
        row = made(world, user, words=True)["voting"][0]
        assert (row["X07"], row["comment"]) == ("'=cmd|' /C calc'!A0", "'@x")


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
        assert lists_write(at=DAY) == 0
        export.refresh_from_db()
        assert (export.problem, export.name, list(lists_dir().glob("reports*"))) == ("rights", "", [])

    def test_is_asked_again_when_it_is_fetched(self, world, user, everywhere):
        export = ask(world, user)
        lists_write(at=DAY)
        Grant.objects.update(commission=world.tree["KZ-1"])
        with pytest.raises(FileNotFoundError):
            fetched(export)

    def test_is_one_person(self, world, user, everywhere, client, root):
        export = ask(world, user)
        lists_write(at=DAY)
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
            uuid=uuid4(), user=user, election=elsewhere, kind="reports", format="csv", labels="codes", language="en",
            words=False, filters={}, reason="a test", at=DAY,
        )  # fmt: skip
        lists_write(at=DAY)
        assert list(tables(fetched(export))) == ["columns"]

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
            ("reports", {"body": "x"}), ("reports", {"state": "x"}), ("reports", {"rehearsal": "2"}),
            ("reports", {"flag": "x"}), ("observers", {}), ("violations", {"rehearsal": "1"}),
            ("reports", {"q": "x" * 101}), ("coverage", {"at": "KZ", "show": "unsettled"}),
        ],
    )  # fmt: skip
    def test_for_what_is_no_list_is_refused(self, world, user, kind, filters):
        with pytest.raises(Unlisted):
            ask(world, user, kind, filters)

    def test_twice_is_one_export(self, world, user):
        first = ask(world, user)
        assert ask(world, user) == first
        assert ask(world, user, uuid=first.uuid, format="xlsx") == first
        lists_write(at=DAY)
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
        lists_write(at=DAY)
        fetched(export)
        assert Trail.objects.get(action="export.fetch").detail == {"sha256": export_of(export).sha256}
        assert (lists_dir() / export_of(export).name).stat().st_mode & 0o077 == 0
        with pytest.raises(FileNotFoundError):
            export_fetch(export=export_of(export), user=user, at=DAY + KEPT)
        lists_write(at=DAY + KEPT * 1.01)
        assert export_of(export).name == ""
        assert [path.name for path in lists_dir().iterdir()] == [exports.LOCK]

    def test_goes_with_the_people_of_its_election(self, world, user, capsys):
        ask(world, user)
        lists_write(at=DAY)
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
                lists_write(at=DAY)
        assert len(list(lists_dir().glob("*.part"))) == 1
        assert (export_of(export).name, export_of(export).attempts) == ("", 1)
        assert lists_write(at=DAY) == 1
        assert not list(lists_dir().glob("*.part"))
        assert len(tables(fetched(export))["voting"]) == 1

    def test_three_times_it_is_given_up(self, world, user, monkeypatch):
        export = ask(world, user)
        monkeypatch.setattr(exports, "_fill", lambda *_: 1 / 0)
        assert [lists_write(at=DAY) for _ in range(4)] == [0] * 4
        assert (export_of(export).problem, export_of(export).attempts) == ("broken", 3)

    def test_because_the_disk_is_full_it_says_so(self, world, user, monkeypatch):
        stored(world.first, payload())
        export = ask(world, user)
        monkeypatch.setattr(exports, "disk_free", lambda: 0)
        lists_write(at=DAY)
        assert export_of(export).problem == "disk"
        assert [path.name for path in lists_dir().iterdir()] == [exports.LOCK]

    def test_rows_that_got_lost_on_the_way_are_a_failure(self, world, user, monkeypatch):
        stored(world.first, payload())
        export = ask(world, user)
        monkeypatch.setattr(export_tables, "_chunks", lambda *_: iter(()))
        assert lists_write(at=DAY) == 0
        assert export_of(export).name == ""


class TestMeanwhile:
    def test_only_one_writes_and_it_says_how_far_it_is(self, world, user, monkeypatch):
        stored(world.first, payload())
        export, seen = ask(world, user), []
        original = exports._fill

        def looked(*args):
            total = original(*args)
            seen.append((lists_write(at=DAY), export_progress(export)))
            return total

        monkeypatch.setattr(exports, "_fill", looked)
        assert lists_write(at=DAY) == 1
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
        assert lists_write(at=DAY) == 1
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


class TestThePages:
    @pytest.fixture
    def desk(self, world, user) -> Client:
        stored(world.first, payload(), DAY)
        client = Client()
        client.force_login(user)
        return client

    def test_lead_from_the_list_to_the_file(self, desk, world):
        listed = desk.get("/admin/reports/report/?state__exact=received&version__checklist__code=voting&q=KZ-1-1-1")
        link = listed.context["export_link"]
        assert link == f"{HERE}new/?kind=reports&state=received&checklist=voting&q=KZ-1-1-1"
        page = desk.get(link)
        assert "1 row" in page.content.decode()
        given = {"uuid": str(uuid4()), "format": "csv", "labels": "codes", "language": "en"}
        assert "Say why" in desk.post(link, given | {"reason": "ab"}).content.decode()
        assert desk.post(link, given | {"reason": "a test"})["Location"] == HERE
        assert "waits for its turn" in desk.get(HERE + "?part=1").content.decode()
        lists_write(at=Export.objects.get().asked_at)
        export = Export.objects.get()
        answer = desk.get(f"{HERE}{export.pk}/")
        assert len(tables(b"".join(answer.streaming_content))["voting"]) == 1
        assert "no-store" in answer["Cache-Control"]
        assert "attachment" in answer["Content-Disposition"]

    def test_offer_no_export_of_what_cannot_be_said(self, desk, world):
        for query in ("state__isnull=True", "state__exact=held&state__exact=received"):
            assert desk.get(f"/admin/reports/report/?{query}").context["export_link"] == ""
        Grant.objects.update(role="reader")
        assert desk.get("/admin/reports/report/").context["export_link"] == ""

    @pytest.mark.parametrize("kind", ["report", "violation", "evidence"])
    def test_know_every_filter_of_the_lists(self, desk, root, kind):
        desk.force_login(root)
        changelist = desk.get(f"/admin/reports/{kind}/").context["cl"]
        for spec in changelist.filter_specs:
            for choice in spec.choices(changelist):
                answer = desk.get(f"/admin/reports/{kind}/{choice.get('query_string', '?')}")
                assert answer.context["export_link"], choice
                assert desk.get(answer.context["export_link"]).status_code == 200

    def test_of_unknown_lists_do_not_exist(self, desk):
        for query in ("kind=observers", "kind=reports&state=x", "kind=reports&body=x", "kind=coverage&at=x"):
            assert desk.get(f"{HERE}new/?{query}").status_code == 404


def test_the_database_is_asked_as_often_for_many_reports_as_for_one(world, user):
    counts = []
    for _ in range(2):
        for _n in range(5):
            stored(world.first, payload())
        ask(world, user)
        with CaptureQueriesContext(connection) as found:
            lists_write(at=DAY)
        counts.append(len(found))
    assert counts[0] == counts[1]
