"""Content of exported lists, column by column."""

from datetime import timedelta
from uuid import uuid4

import pytest

from observer.models import Level, Trail, User
from reports.models import Checklist, Export
from tests.reports.services.schedule.test_expectations import SCHEDULE
from tests.support.exports import make_list_tables, make_user
from tests.support.intake import store_report
from tests.support.world import World, make_version, payload

KINDS = [kind for kind in Export.Kind.values if kind != "coverage"]


@pytest.fixture
def user(world: World) -> User:
    return make_user(world)


class TestReports:
    def test_have_one_row_each_and_one_column_per_question(self, world, user):
        given = {
            "V01": "female",
            "V03": "no",
            "V30": ["b", "a"],
            "X05": 12,
            "X06": "1.50",
            "X07": "Слово",
            "X08": "07:30",
        }
        report = store_report(world.first, payload(answers=given, comment="She said"))
        (row,) = make_list_tables(world, user)["voting"]
        assert row["report_id"] == str(report.uuid)
        assert (row["place"], row["place:region"], row["place:district"]) == ("KZ-1-1-1", "KZ-1", "KZ-1-1")
        assert (row["observer"], row["organisation"], row["version"]) == ("OB-2222", "org", "1")
        assert (row["observed_at"], row["observed_local"]) == ("2022-11-20T04:00:00Z", "2022-11-20 10:00:00")
        assert (row["counted"], row["state"], row["rehearsal"]) == ("1", "received", "0")
        assert [row[code] for code in ("V01", "V03", "V15", "V30", "X05", "X06", "X08")] == [
            "female",
            "no",
            "",
            "a;b",
            "12",
            "1.5",
            "07:30",
        ]

    def test_have_free_text_and_locations_only_on_request(self, world, user):
        body = payload(answers={"V03": "no", "X07": "Асель"}, comment="Асель", location={"lat": 43.1, "lon": 76.2})
        store_report(world.first, body)
        assert (
            not {"X07", "X10", "X12", "comment", "lat", "state_reason"}
            & make_list_tables(world, user)["voting"][0].keys()
        )
        row = make_list_tables(world, user, words=True)["voting"][0]
        assert (row["X07"], row["comment"], row["lat"]) == ("Асель", "Асель", "43.1")
        assert Trail.objects.filter(action="export.ask").order_by("-pk")[0].detail["words"] is True

    def test_contain_no_names(self, world, user):
        store_report(world.first, payload())
        everything = str([make_list_tables(world, user, kind, words=True) for kind in KINDS])
        assert world.first.observer.code in everything
        for name in ("name", "phone", "email"):
            assert getattr(world.first.observer, name) not in everything

    def test_have_labels_in_the_chosen_language(self, world, user):
        store_report(world.first, payload(answers={"V03": "no", "V30": ["a", "b"], "V90": "very_good"}))
        store_report(world.first, payload("incident"))
        found = make_list_tables(world, user, labels="both", language="ru")
        row = found["voting"][0]
        assert (row["V03"], row["V03:label"], row["V90:label"]) == ("no", "нет", "очень хорошо")
        assert (row["V30"], row["V30:label"]) == ("a;b", "a ru;b ru")
        assert (row["place:label"], row["place:region:label"]) == ("KZ-1-1-1 ru", "KZ-1 ru")
        assert found["incident"][0]["I01:label"] == "ACC-01 ru"
        row = make_list_tables(world, user, labels="labels", language="kk")["voting"][0]
        assert (row["V03"], row["V30"]) == ("жоқ", "a kk;b kk")
        assert "V03:label" not in row

    def test_of_all_versions_are_in_one_table(self, world, user):
        store_report(world.first, payload(answers={"V03": "no", "X05": 3}))
        newer = [{"code": "V03", "type": "yes_no"}, {"code": "state", "type": "yes_no"}]
        make_version(world.versions["voting"].checklist, 2, newer)
        body = payload(answers={"V03": "yes", "state": "no"}) | {"checklist": {"code": "voting", "version": 2}}
        store_report(world.first, body)
        one, two = make_list_tables(world, user)["voting"]
        assert (one["version"], one["X05"], one["state:answer"]) == ("1", "3", "")
        assert (two["version"], two["X05"], two["state:answer"], two["state"]) == ("2", "", "no", "received")

    def test_of_several_checklists_are_in_separate_tables(self, world, user):
        for checklist in ("opening", "voting", "incident"):
            store_report(world.first, payload(checklist))
        assert list(make_list_tables(world, user)) == ["opening", "voting", "incident", "columns"]
        assert list(make_list_tables(world, user, filters={"checklist": "opening"})) == ["opening", "columns"]

    def test_without_any_give_empty_tables_with_headers(self, world, user):
        found = make_list_tables(world, user)
        assert list(found) == ["opening", "voting", "tabulation", "incident", "columns"]
        assert not any(rows for name, rows in found.items() if name != "columns")
        assert Export.objects.get().total == 0

    def test_have_unique_table_and_column_names_whatever_codes_a_country_uses(self, world, user):
        Level.objects.filter(code="region").update(code="state")
        checklist = Checklist.objects.create(election=world.election, code="columns", stage="x", order=9)
        make_version(checklist, 1, [{"code": "place", "type": "yes_no"}])
        body = payload(answers={"place": "no"}) | {"checklist": {"code": "columns", "version": 1}}
        store_report(world.first, body)
        found = make_list_tables(world, user)
        assert list(found) == ["columns", "columns_"]
        row = found["columns"][0]
        assert (row["place"], row["place:state"], row["state"]) == ("KZ-1-1-1", "KZ-1", "received")
        assert row["place:answer"] == "no"

    def test_are_explained_in_a_codebook(self, world, user):
        store_report(world.first, payload())
        lines = make_list_tables(world, user, labels="both", language="en")["columns"]
        meanings = {(one["column"], one["code"]): one["meaning"] for one in lines if one["table"] == "voting"}
        assert meanings["V03", ""] == "V03 en"
        assert (meanings["V03", "not_observed"], meanings["V30", "a"]) == ("not observed", "a en")
        units = {one["column"]: one["unit"] for one in lines if not one["code"]}
        assert units["received_at"] == "UTC"


class TestOtherLists:
    def test_violations_are_one_row_each(self, world, user):
        report = store_report(world.first, payload(answers={"V03": "yes", "V15": "yes", "V16": "no"}))
        first, second = make_list_tables(world, user, "violations")["violations"]
        assert (first["violation"], second["violation"]) == ("FRD-05", "UNA-01")
        assert first["report_id"] == str(report.uuid)
        assert (first["severity"], first["group"], first["state"], first["counted"]) == (
            "critical",
            "fraud",
            "reported",
            "1",
        )

    def test_files_are_listed_with_their_hash_but_without_metadata(self, world, user):
        file = {"id": str(uuid4()), "sha256": "ab" * 32, "size": 1000, "type": "image/jpeg", "question": "X11"}
        store_report(world.first, payload(evidence=[file]))
        (row,) = make_list_tables(world, user, "evidence")["files"]
        assert (row["sha256"], row["size"], row["state"], row["question"]) == ("ab" * 32, "1000", "awaited", "X11")
        assert "metadata" not in row

    def test_coverage_has_one_row_per_station(self, world, user):
        world.election.rules = {"schedule": SCHEDULE}
        world.election.save()
        store_report(world.first, payload("opening"))
        now = world.election.closes_at + timedelta(days=1)
        rows = {
            one["place"]: one for one in make_list_tables(world, user, "coverage", {"at": "KZ"}, now=now)["coverage"]
        }
        assert {code: (one["heard"], one["opened"]) for code, one in rows.items()} == {
            "KZ-1-1-1": ("1", "1"),
            "KZ-1-1-2": ("0", "0"),
        }
        silent = make_list_tables(world, user, "coverage", {"at": "KZ", "show": "silent"}, now=now)["coverage"]
        assert [one["place"] for one in silent] == ["KZ-1-1-2"]


class TestFormula:
    def test_from_a_phone_is_escaped(self, world, user):
        store_report(world.first, payload(answers={"V03": "no", "X07": "=cmd|' /C calc'!A0"}, comment="@x"))
        row = make_list_tables(world, user, words=True)["voting"][0]
        assert (row["X07"], row["comment"]) == ("'=cmd|' /C calc'!A0", "'@x")
