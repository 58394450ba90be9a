"""XLSForms: the platform's checklists are written and read again unchanged.

Forms made elsewhere are imported, or refused where they are wrong.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from observer.services.spreadsheets.tables import BadTable
from reports.models import Checklist, ChecklistVersion
from reports.services.checklists.compiled import find_form
from reports.services.checklists.publishing import import_checklists, import_xlsform
from reports.services.checklists.xlsform.names import XML_NAME_PATTERN, build_xml_names
from reports.services.checklists.xlsform.workbook import MAX_WORKBOOK_BYTES
from reports.services.checklists.xlsform.write import write_xlsform
from reports.services.checklists.xlsform.xpath import is_complete_expression, parse_limits, parse_relevant
from reports.services.elections.packs import create_election
from tests.support.files import make_jpeg
from tests.support.world import DAY, World, make_election, make_texts, make_version
from tests.support.xlsforms import FULL_FORM, import_form, list_import_errors, load_questions, make_row, make_workbook

pytestmark = pytest.mark.once


class TestOurChecklists:
    @pytest.mark.parametrize("code", ["opening", "voting", "counting", "tabulation", "incident"])
    def test_of_the_pack_come_back_unchanged(self, db, code: str):
        kz = settings.PACKS_DIR / "kz"
        election = create_election(slug="kz", name="E", date=DAY.date(), pack_dir=kz, publication="live", now=DAY)
        version = ChecklistVersion.objects.get(checklist__election=election, checklist__code=code)
        source = write_xlsform(version=version, election=election)
        before = Checklist.objects.values().get(pk=version.checklist_id)
        done = import_xlsform(election=election, source=source, file="f.xlsx", files={}, now=DAY)
        assert done.unchanged == (code,)
        assert Checklist.objects.values().get(pk=version.checklist_id) == before

    def test_with_everything_in_them_come_back_unchanged_in_another_election(self, world: World):
        version = import_form(world, FULL_FORM, {"box.jpg": make_jpeg(), "hum.mp3": b"hum"})
        source = write_xlsform(version=version, election=world.election)
        other = World(make_election("other-2022"))
        again = import_form(other, source, {"box.jpg": make_jpeg(), "hum.mp3": b"hum"})
        assert again.content_hash == version.content_hash
        assert write_xlsform(version=again, election=other.election) != b""

    def test_with_codes_that_no_xml_name_may_have_come_back(self, world: World):
        checklist = Checklist.objects.get(code="voting")
        codes = ["1", "q1", "1.1", "_x", "meta", "X99", "x99", "Сұрақ", "a-b", "yes_no"]
        made = [{"code": code, "type": "choice", "choices": ["a", "b"]} for code in codes]
        version = make_version(checklist, 2, made)
        source = write_xlsform(version=version, election=world.election)
        draft = import_xlsform(election=world.election, source=source, file="f.xlsx", files={}, now=DAY).new[0]
        assert list(load_questions(draft)) == codes

    def test_sections_in_any_order_come_back(self, world: World):
        version = import_form(
            world,
            make_workbook(
                [
                    {"type": "begin_group", "name": "a", "label": "A"},
                    make_row("text", "T1"),
                    {"type": "begin_group", "name": "b", "label": "B"},
                    make_row("text", "T2"),
                    {"type": "end_group"},
                    make_row("text", "T3"),
                    {"type": "end_group"},
                    make_row("text", "T4"),
                ]
            ),
        )
        codes_and_sections = [
            (one.code, one.section.code if one.section else "") for one in load_questions(version).values()
        ]
        assert codes_and_sections == [("T1", "a"), ("T2", "b"), ("T3", "a"), ("T4", "")]
        source = write_xlsform(version=version, election=world.election)
        assert import_xlsform(election=world.election, source=source, file="f", files={}, now=DAY).unchanged

    def test_are_written_and_read_by_commands(self, world: World, tmp_path: Path, capsys):
        import_form(world, FULL_FORM, {"box.jpg": make_jpeg(), "hum.mp3": b"hum"})
        path = tmp_path / "harbour.xlsx"
        call_command("export_checklist", "harbour", str(path), election=world.election.slug)
        assert (tmp_path / "harbour-media" / "box.jpg").read_bytes() == make_jpeg()
        call_command("import_checklist", str(path), election=world.election.slug)
        assert capsys.readouterr().out.splitlines()[-1] == "harbour: unchanged"
        with pytest.raises(CommandError):
            call_command("export_checklist", "none", str(path), election=world.election.slug)
        path.write_bytes(make_workbook([make_row("calculate", "C1", calculation="1 + 1")]))
        with pytest.raises(CommandError, match=r"harbour.xlsx, sheet survey, line 2: .*\n.*nothing was changed"):
            call_command("import_checklist", str(path), election=world.election.slug)


class TestAForeignForm:
    @pytest.fixture
    def version(self, world: World) -> ChecklistVersion:
        return import_form(world, FULL_FORM, {"box.jpg": make_jpeg(), "hum.mp3": b"hum", "unused.png": b""})

    def test_becomes_a_checklist_with_its_settings(self, version):
        checklist = version.checklist
        assert (checklist.code, checklist.stage, checklist.repeat, checklist.place) == (
            "harbour",
            "docks",
            "once",
            "any",
        )
        assert checklist.titles == {"en": "The harbour", "ru": "Порт", "kk": "Айлақ"} and checklist.order == 7

    def test_has_our_types(self, version):
        assert {code: one.type for code, one in load_questions(version).items()} == {
            "H01": "yes_no",
            "H02": "yes_no",
            "H03": "choice",
            "H04": "choices",
            "H05": "integer",
            "H06": "decimal",
            "H07": "text",
            "H08": "date",
            "H09": "time",
            "H10": "photo",
            "H11": "file",
            "H12": "file",
            "H13": "location",
            "H14": "note",
            "H15": "text",
            "H16": "violation",
            "H17": "rating",
            "H18": "text",
        }

    def test_without_languages_says_the_same_in_every_one(self, version):
        one = load_questions(version)["H02"]
        assert one.labels == dict.fromkeys(["kk", "ru", "en"], "About H02")
        assert one.hints == dict.fromkeys(["kk", "ru", "en"], "Look twice")

    def test_has_conditions_that_the_server_checks(self, version):
        found = load_questions(version)
        assert (found["H07"].relevant_question, found["H07"].relevant_answers) == ("H04", ["red", "blue"])
        assert (found["H05"].minimum, found["H05"].maximum, found["H05"].control) == (0, 50, "A")
        assert (found["H02"].relevant_question, found["H02"].relevant_answers) == ("H01", ["yes", "no"])
        assert found["H02"].violation_answers == ["no"] and found["H02"].required

    def test_keeps_what_only_phones_can_judge(self, version):
        found = load_questions(version)
        assert found["H03"].xlsform == {
            "appearance": "minimal",
            "group_appearance": "field-list",
            "relevant": "(${H01} = 'yes' or ${H01} = 'no') and (${H02} = 'yes')",
        }
        assert found["H06"].xlsform == {"relevant": "${H05} > 3", "constraint": ". > ${H05}", "required": "${H05} > 5"}
        assert found["H01"].xlsform["offered"] == ["yes", "no"]
        assert found["H11"].xlsform["type"] == "audio"

    def test_of_which_nothing_is_missing_that_the_phone_may_not_have_asked(self, version):
        form = find_form(version.checklist.election_id, "harbour", 1)
        assert form is not None and form.fields["H06"].phone_decides and not form.fields["H05"].phone_decides

    def test_brings_its_pictures(self, version):
        assert [one.name for one in version.files.all()] == ["box.jpg", "hum.mp3"]

    def test_again_is_a_new_version_only_where_it_differs(self, world: World, version):
        again = import_xlsform(
            election=world.election,
            source=FULL_FORM,
            file="f",
            files={"box.jpg": make_jpeg(), "hum.mp3": b"hum"},
            now=DAY,
        )
        assert again.unchanged == ("harbour",)
        assert import_form(world, FULL_FORM, {"box.jpg": make_jpeg(), "hum.mp3": b"other"}).number == 2

    def test_in_languages_named_in_any_way(self, world: World):
        labels = {"label::English (en)": "Boats", "label::Russian": "Лодки", "label::kk": "Қайықтар"}
        version = import_form(world, make_workbook([{"type": "text", "name": "T1", **labels}]))
        assert load_questions(version)["T1"].labels == {"en": "Boats", "ru": "Лодки", "kk": "Қайықтар"}

    def test_with_little_in_its_settings_is_about_every_visit_to_a_station(self, world: World):
        checklist = import_form(world, make_workbook([make_row("text", "T1")])).checklist
        assert (checklist.stage, checklist.repeat, checklist.place) == ("harbour", "visit", "precinct")
        assert checklist.titles == dict.fromkeys(["kk", "ru", "en"], "Harbour") and checklist.order == 4

    def test_of_a_checklist_we_have_changes_its_wording_alone(self, world: World):
        before = Checklist.objects.values().get(code="opening")
        rows = [
            make_row("select_one yn", "O01", violation_answer="no", violation_code="OPN-01"),
            make_row("text", "O99"),
        ]
        version = import_form(world, make_workbook(rows, setup={"form_id": "opening"}))
        assert version.number == 2 and Checklist.objects.values().get(code="opening") == before


REFUSALS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a repeat": (
        [{"type": "begin_repeat", "name": "r", "label": "R"}, make_row("text", "T1"), {"type": "end_repeat"}],
        "sheet survey, line 2: column type: repeats are not supported",
    ),
    "a calculation": (
        [make_row("text", "T1"), {"type": "calculate", "name": "c", "calculation": "1 + 1"}],
        "sheet survey, line 3: column type: type calculate is not supported",
    ),
    "a hidden calculation": (
        [make_row("text", "T1", calculation="1 + 1")],
        "line 2: column calculation: is not supported",
    ),
    "a trigger": ([make_row("text", "T1"), make_row("text", "T2", trigger="${T1}")], "line 3: column trigger"),
    "a filter": ([make_row("select_one yn", "T1", choice_filter="a = b")], "line 2: column choice_filter"),
    "a read-only answer": ([make_row("text", "T1", read_only="yes")], "line 2: column read_only"),
    "a computed default": ([make_row("text", "T1", default="now()")], "line 2: column default"),
    "a list from a file": ([make_row("select_one_from_file a.csv", "T1")], "line 2: column type"),
    "a list that is not there": ([make_row("select_one none", "T1")], "line 2: column type: list none"),
    "a geotrace": ([make_row("geotrace", "T1")], "line 2: column type: type geotrace"),
    "other": ([make_row("select_one yn or_other", "T1")], "line 2: column type"),
    "a name of ours": ([make_row("text", "_station")], "line 2: column name: names that begin with _"),
    "no name": ([{"type": "text", "label": "x"}], "line 2: column name: the code is missing"),
    "a name twice": (
        [make_row("text", "T1"), make_row("text", "T1")],
        "line 3: column name: code T1 was already in line 2",
    ),
    "an open group": (
        [{"type": "begin_group", "name": "g", "label": "G"}, make_row("text", "T1")],
        "a group is not closed",
    ),
    "a group too few": ([make_row("text", "T1"), {"type": "end_group"}], "line 3: column type: a group ends here"),
    "a circle": (
        [
            make_row("select_one yn", "T1", relevant="${T2} = 'yes'"),
            make_row("select_one yn", "T2", relevant="${T1} = 'yes'"),
        ],
        "line 2: T1: its condition leads back to itself",
    ),
    "an answer that is none": (
        [make_row("select_one yn", "T1"), make_row("text", "T2", relevant="${T1} = 'maybe'")],
        "line 3: T2: relevant_answer maybe is no answer to T1",
    ),
    "an unknown question": ([make_row("text", "T2", relevant="${T1} > 3")], "sheet survey"),
    "an open bracket": ([make_row("integer", "T1", constraint=". > ((")], "line 2: column constraint: "),
    "an open quote": (
        [make_row("integer", "T1"), make_row("text", "T2", relevant="${T1} = 'a")],
        "line 3: column relevant: ",
    ),
    "no expression": ([make_row("integer", "T1", constraint=". >= 3 ?")], "line 2: column constraint: "),
    "half an expression": ([make_row("integer", "T1", required="1 +")], "line 2: column required: "),
    "an unknown violation": (
        [make_row("select_one yn", "T1", violation_answer="yes", violation_code="XXX")],
        "line 2: T1: violation XXX is unknown",
    ),
    "a language nobody knows": (
        [{"type": "text", "name": "T1", "label::Klingon": "x"}],
        "line 2: column label: language Klingon",
    ),
    "a language too few": (
        [{"type": "text", "name": "T1", "label::kk": "x", "label::ru": "x"}],
        "line 2: T1: it has no label in en",
    ),
    "a missing picture": (
        [make_row("text", "T1", media__image="no.png")],
        "line 2: file no.png is not beside the form",
    ),
    "a path for a picture": ([make_row("text", "T1", media__image="../a.png")], "line 2: file ../a.png is of no kind"),
    "a script for a picture": ([make_row("text", "T1", media__image="a.svg")], "line 2: file a.svg is of no kind"),
    "no question": ([{"type": "start", "name": "start"}], "has no questions"),
}


class TestARefusal:
    @pytest.mark.parametrize(("survey", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
    def test_names_sheet_row_and_column(self, world: World, survey: list[dict[str, Any]], expected: str):
        found = list_import_errors(world, make_workbook(survey))
        assert any(expected in one for one in found), found
        assert all(one.startswith("form.xlsx") for one in found)

    def test_names_every_bad_row_at_once(self, world: World):
        survey = [
            make_row("geotrace", "T1"),
            make_row("text", "T2"),
            make_row("calculate", "T3"),
            make_row("text", "T2"),
        ]
        assert len(list_import_errors(world, make_workbook(survey))) >= 3

    @pytest.mark.parametrize(
        ("setup", "expected"),
        [
            ({"form_id": ""}, "sheet settings, line 2: column form_id"),
            ({"form_id": "a b"}, "sheet settings, line 2: column form_id"),
            ({"repeat": "often"}, "sheet settings, line 2: column repeat: there are once, visit, any"),
            ({"place_level": "sea"}, "sheet settings, line 2: column place_level"),
            ({"order": "x"}, "sheet settings, line 2: column order"),
        ],
    )
    def test_of_settings(self, world: World, setup: dict[str, str], expected: str):
        assert any(
            expected in one for one in list_import_errors(world, make_workbook([make_row("text", "T1")], setup=setup))
        )

    def test_of_a_choice_names_its_own_sheet(self, world: World):
        choices = [{"list_name": "c", "name": "a b", "label": "x"}, {"list_name": "c", "name": "b", "label": "x"}]
        assert "sheet choices, line 2: column name" in "\n".join(
            list_import_errors(world, make_workbook([make_row("select_one c", "T1")], choices))
        )

    @pytest.mark.parametrize("source", [b"", b"PK", b"name,label\n", b"PK\x03\x04" + b"\0" * 100], ids=repr)
    def test_of_what_is_no_workbook(self, world: World, source: bytes):
        assert "is no .xlsx workbook" in list_import_errors(world, source)[0]

    def test_of_a_zip_of_something_else(self, world: World):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.txt", "x")
        assert len(list_import_errors(world, out.getvalue())) == 1

    def test_of_a_bomb(self, world: World):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 100_000_000)
        assert "unpacks to more" in list_import_errors(world, out.getvalue())[0]
        assert "is larger than" in list_import_errors(world, b"x" * (MAX_WORKBOOK_BYTES + 1))[0]

    def test_of_a_workbook_whose_xml_has_entities(self, world: World):
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(make_workbook([make_row("text", "T1")]))) as good,
            zipfile.ZipFile(out, "w") as archive,
        ):
            for one in good.infolist():
                content = good.read(one)
                if one.filename == "xl/worksheets/sheet1.xml":
                    content = b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY b "&a;&a;&a;">]>' + content
                archive.writestr(one.filename, content)
        assert list_import_errors(world, out.getvalue())

    def test_where_a_code_changes_its_meaning(self, world: World):
        with pytest.raises(BadTable, match="O01 changes its type"):
            import_form(world, make_workbook([make_row("text", "O01")], setup={"form_id": "opening"}))

    def test_of_a_folder_is_as_it_was(self, world: World, tmp_path: Path):
        (tmp_path / "x.xlsx").write_bytes(make_workbook([make_row("text", "T1")]))
        assert import_checklists(election=world.election, path=tmp_path / "x.xlsx", now=DAY).new


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("${A} = 'yes'", ("A", ["yes"])),
            ('${A}="yes"', ("A", ["yes"])),
            (" ${ A } = 'a'  or ${A}='b' ", ("A", ["a", "b"])),
            ("selected(${A}, 'a')", ("A", ["a"])),
            ("selected(${M}, 'a') or selected(${M},'b')", ("M", ["a", "b"])),
            ("${M} = 'a'", None),
            ("${A} != 'yes'", None),
            ("${A} = 'a' and ${A} = 'b'", None),
            ("${A} = 'a' or ${M} = 'a'", None),
            ("not(${A} = 'a')", None),
            ("${A} = ''", None),
            ("${X} = 'a'", None),
            ("${A} = 3", None),
            ("", None),
        ],
    )
    def test_on_one_answer_are_parsed_and_others_left_to_the_phone(self, text: str, found: object):
        assert parse_relevant(text, {"A": False, "M": True}) == found

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (". >= 0", (0, None)),
            (".<=5.5 and . >= -1", (-1, 5.5)),
            (". > 0", None),
            (". >= 0 or . <= 5", None),
            (". >= 0 and . >= 1", None),
            (". >= ${A}", None),
            ("regex(., 'a')", None),
        ],
    )
    def test_on_limits_are_parsed_and_others_left_to_the_phone(self, text: str, found: object):
        assert parse_limits(text) == found

    @pytest.mark.parametrize(
        ("text", "whole"),
        [
            ("", True),
            ("${A} = 'a' or not(selected(${B}, \"x y\"))", True),
            (". >= -1.5 and . < ${a-b.c} div 2", True),
            ("regex(., '^[(]+$')", True),
            ("count(/data/x[@id='1']//*) mod 2 = 1", True),
            ("jr:choice-name(., '${A}')", True),
            ("string-length(.) <= 10", True),
            ("(1", False),
            ("1)", False),
            ("'a", False),
            ("1 +", False),
            ("a ? b", False),
            ("${A", False),
            ("# 1", False),
            (")(", False),
        ],
    )
    def test_that_are_incomplete_are_found(self, text: str, whole: bool):
        assert is_complete_expression(text) == whole


@hypothesis_settings(max_examples=200)
@given(st.lists(st.text("aAbB1_.-Қmeta", min_size=1, max_size=8), unique=True, max_size=12))
def test_names_are_names_and_all_different(codes: list[str]):
    names = build_xml_names(codes)
    assert list(names) == codes
    assert len({name.lower() for name in names.values()}) == len(codes)
    assert all(XML_NAME_PATTERN.fullmatch(name) and not name.startswith("_") for name in names.values())
    assert make_texts("a")
