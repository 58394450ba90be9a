"""Forms as ODK Collect downloads them: the list, the XML, its files."""

import csv
import hashlib
import io
from typing import Any
from xml.etree import ElementTree

import pytest

from observer.models import Assignment, Contest
from tests.api.openrosa.collect import CollectClient
from tests.support.world import make_texts, make_version

pytestmark = pytest.mark.once

LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"


def load_forms(collect: CollectClient, query: str = "") -> dict[str, dict[str, str]]:
    answer = collect.get(f"formList{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/xml") and answer["X-OpenRosa-Version"] == "1.0"
    root = ElementTree.fromstring(answer.content)
    assert root.tag == f"{LIST}xforms"
    found = [{child.tag.removeprefix(LIST): child.text or "" for child in form} for form in root]
    return {one["formID"]: one for one in found}


def hash_md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content).hexdigest()


def download(collect: CollectClient, url: str) -> Any:
    return collect.client.get(url.removeprefix("http://testserver"), headers=collect.headers)


def load_files(collect: CollectClient, form: dict[str, str]) -> dict[str, bytes]:
    root = ElementTree.fromstring(download(collect, form["manifestUrl"]).content)
    assert root.tag == f"{MANIFEST}manifest"
    files = {}
    for one in root:
        said = {child.tag.removeprefix(MANIFEST): child.text or "" for child in one}
        content = download(collect, said["downloadUrl"]).content
        assert hash_md5(content) == said["hash"]
        files[said["filename"]] = content
    return files


class TestList:
    def test_has_every_checklist_in_force_with_version_and_hash(self, collect):
        forms = load_forms(collect)
        assert list(forms) == ["opening", "voting", "tabulation", "incident"]
        for form in forms.values():
            assert form["version"] == "1"
            assert form["hash"] == hash_md5(download(collect, form["downloadUrl"]).content)

    def test_names_are_in_the_observers_language(self, collect):
        assert load_forms(collect)["voting"]["name"] == "voting ru"

    def test_a_new_wording_is_a_new_version_and_the_old_one_can_be_had(self, world, collect):
        old = load_forms(collect)["voting"]
        make_version(world.versions["voting"].checklist, 2, [{"code": "V03", "type": "yes_no"}])
        new = load_forms(collect)["voting"]
        assert (new["version"], old["version"]) == ("2", "1") and new["hash"] != old["hash"]
        assert download(collect, old["downloadUrl"]).status_code == 200

    def test_can_be_asked_for_one_form(self, collect):
        assert list(load_forms(collect, "?formID=incident")) == ["incident"]

    def test_costs_one_statement_a_form_and_few_more(self, collect, django_assert_max_num_queries):
        load_forms(collect)
        with django_assert_max_num_queries(5 + 4):
            collect.get("formList")

    def test_has_no_form_that_cannot_be_written_and_all_others(self, world, collect, caplog):
        broken = {"code": "V03", "type": "yes_no", "hints": {"en": "Was ${nobody} there?"}}
        make_version(world.versions["voting"].checklist, 2, [broken])
        assert list(load_forms(collect)) == ["opening", "tabulation", "incident"]
        assert "voting version 2 has no form" in caplog.text
        assert collect.get("forms/voting/2.xml").status_code == 404

    def test_unchanged_it_is_304(self, collect):
        etag = collect.get("formList")["ETag"]
        assert collect.get("formList", **{"If-None-Match": etag}).status_code == 304


class TestForm:
    def test_has_every_language_and_question(self, collect):
        xml = collect.get("forms/voting/1.xml").content.decode()
        for language in ("Қазақша (kk)", "Русский (ru)", "English (en)"):
            assert f'lang="{language}"' in xml
        assert 'lang="Русский (ru)" default="true()"' in xml
        for code in ("V01", "V03", "V30", "X05", "X11"):
            assert f'nodeset="/data/{code}"' in xml
        assert 'constraint=". &gt;= 0 and . &lt;= 3000"' in xml
        assert "relevant=\" /data/V15  = 'yes'\"" in xml

    def test_asks_for_violations_offered_to_this_kind_of_observer(self, world, collect):
        world.election.violation_types.filter(code="FRD-05").update(audience=["party"])
        xml = collect.get("forms/incident/1.xml").content.decode()
        assert "<name>ACC-01</name>" in xml and "<name>FRD-05</name>" not in xml

    def test_asks_for_the_contest_where_there_are_some(self, world, collect):
        assert b"_contest" not in collect.get("forms/voting/1.xml").content
        Contest.objects.create(election=world.election, code="PRES", names=make_texts("PRES"))
        assert b"<name>PRES</name>" in collect.get("forms/voting/1.xml").content

    @pytest.mark.parametrize("address", ["forms/none/1.xml", "forms/voting/9.xml", "forms/voting/1/files/none.csv"])
    def test_what_is_not_there_is_404(self, collect, address):
        answer = collect.get(address)
        assert answer.status_code == 404 and b"OpenRosaResponse" in answer.content


class TestStations:
    def load_rows(self, collect: CollectClient, form: str = "voting") -> list[dict[str, str]]:
        content = load_files(collect, load_forms(collect)[form])["stations.csv"]
        return list(csv.DictReader(io.StringIO(content.decode())))

    def test_begin_with_the_assigned_one_which_is_preset(self, collect):
        rows = self.load_rows(collect)
        assert (rows[0]["name"], rows[0]["preset"]) == ("KZ-1-1-1", "1")
        assert [row["preset"] for row in rows].count("1") == 1
        assert rows[0]["label"] == "KZ-1-1-1 · KZ-1-1-1 ru"

    def test_hold_the_territory_and_a_way_out_of_it(self, collect):
        assert [row["name"] for row in self.load_rows(collect)] == ["KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3", "*"]

    def test_of_several_assigned_none_is_preset(self, world, collect):
        second = Assignment.objects.create(election=world.election, commission=world.tree["KZ-2-2-2"])
        second.observers.add(world.first.observer)
        rows = self.load_rows(collect)
        assert {rows[0]["name"], rows[1]["name"]} == {"KZ-1-1-1", "KZ-2-2-2"}
        assert "1" not in [row["preset"] for row in rows]

    def test_are_the_kind_of_place_that_the_checklist_is_about(self, collect):
        assert [row["name"] for row in self.load_rows(collect, "tabulation")] == ["KZ", "KZ-1", "KZ-1-1", "*"]
