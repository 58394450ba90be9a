"""Packs: Kazakhstan's, an invented country's, and all problems that a pack can have."""

import json
import shutil
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from observer.models import Election, Level
from observer.services.spreadsheets.tables import BadTable
from reports.models import Checklist, ChecklistVersion, Question, Section, ViolationGroup, ViolationType
from reports.services.checklists.compiled import find_form
from reports.services.checklists.publishing import import_checklists
from reports.services.elections.packs import ElectionExists, create_election, find_pack_folder
from tests.support.world import DAY

pytestmark = pytest.mark.once

ATLANTIS = Path(__file__).parents[3] / "packs" / "atlantis"


def create(folder: Path | str = "kz", slug: str = "land-2022", **fields) -> Election:
    return create_election(
        **{
            "slug": slug,
            "name": "Land",
            "date": date(2022, 11, 20),
            "pack_dir": find_pack_folder(str(folder)),
            "publication": "released",
            "now": DAY,
        }
        | fields
    )


@pytest.fixture
def atlantis(tmp_path: Path) -> Path:
    """Copies the pack to a folder where a test may change it."""
    return shutil.copytree(ATLANTIS, tmp_path / "atlantis")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def is_database_empty() -> bool:
    return not any(
        model.objects.exists()
        for model in (Election, Level, Checklist, ChecklistVersion, ViolationType, ViolationGroup)
    )


@pytest.mark.django_db
class TestKazakhstan:
    def test_brings_its_levels_checklists_and_violations(self):
        election = create()
        assert list(election.levels.values_list("code", flat=True)) == ["central", "region", "district", "precinct"]
        counts = {v.checklist.code: v.questions.count() for v in ChecklistVersion.objects.select_related("checklist")}
        assert counts == {"opening": 7, "voting": 24, "counting": 16, "tabulation": 8, "incident": 8}
        assert (election.violation_types.count(), election.violation_groups.count()) == (59, 14)
        assert election.languages == ["kk", "ru", "en"]
        assert (election.timezone, election.state, election.publication) == ("Asia/Almaty", "open", "released")
        assert election.names == {"kk": "Land", "ru": "Land", "en": "Land"}

    def test_expects_reports_from_midnight_to_the_next_noon(self):
        election = create()
        start, noon = datetime(2022, 11, 19, 18, tzinfo=UTC), datetime(2022, 11, 21, 6, tzinfo=UTC)
        assert (election.opens_at, election.closes_at) == (start, noon)
        assert election.get_window("voting") == (start, noon)
        assert election.get_window("tabulation") == (start, datetime(2022, 11, 22, 6, tzinfo=UTC))

    def test_keeps_what_a_code_means(self):
        form = find_form(create().pk, "voting", 1)
        assert form.fields["V03"].findings == ("yes",) and form.fields["V03"].raises == "FRD-05"
        assert form.fields["V16"].relevant_question == "V15"
        assert form.fields["V01"].choices == ("female", "male")
        sex = Question.objects.get(version=form.version_id, code="V01").choices[0]
        assert sex == {"code": "female", "labels": {"en": "Female", "ru": "Женский", "kk": "Әйел"}}
        incident = find_form(form.election_id, "incident", 1)
        assert incident.fields["I01"].answer_is_code
        assert (form.repeat, incident.repeat, incident.place) == ("visit", "any", "any")

    def test_has_every_question_in_a_section_with_a_title_in_each_language(self):
        election = create()
        versions = ChecklistVersion.objects.filter(checklist__election=election)
        assert versions.count() == 5
        for version in versions:
            sections = list(version.sections.order_by("order", "pk"))
            assert all(set(section.titles) == {"en", "ru", "kk"} for section in sections)
            of = [question.section_id for question in version.questions.order_by("order", "pk")]
            # Each section's questions are consecutive, so showing them by section keeps their order.
            assert list(dict.fromkeys(of)) == [key for key, _group in groupby(of)] == [one.pk for one in sections]

    def test_offers_tabulation_to_international_observers_and_marks_denied_access(self):
        election = create()
        assert election.violation_types.get(code="TAB-01").audience == ["international"]
        assert [v.code for v in election.violation_types.exclude(audience=[])] == ["TAB-01"]
        assert [v.code for v in election.violation_types.filter(denies_access=True)] == ["ACC-01"]
        assert election.violation_types.get(code=election.rules["removal"]).names["en"] == "Observer expelled"

    def test_brings_a_guide_and_a_code_of_conduct_in_each_language(self):
        election = create()
        assert election.conduct_version == 2
        guide = election.rules["guide"]
        sections = {section["code"]: section["items"] for section in guide["sections"]}
        assert list(sections) == ["rights", "duties", "limits", "photograph", "refused", "no_copy"]
        texts = [item[name] for items in sections.values() for item in items for name in ("title", "text")]
        assert all(set(text) == {"kk", "ru", "en"} and all(text.values()) for text in texts)
        assert [t["code"] for t in guide["templates"]] == ["act", "complaint", "protocol_copy"]
        assert all({"station", "date", "time"} <= set(t["fields"]) for t in guide["templates"])
        (conduct,) = guide["documents"]
        assert (conduct["code"], conduct["version"]) == ("code-of-conduct", 2)
        assert {len(points) for points in conduct["points"].values()} == {15}
        deadlines = {one["code"]: one for one in election.rules["deadlines"]}
        assert deadlines["file_complaint"]["days"] == 10
        assert set(deadlines["file_complaint"]["name"]) == {"kk", "ru", "en"}

    def test_brings_outlines_of_the_regions_it_lists(self):
        outlines = json.loads((settings.PACKS_DIR / "kz" / "kazakhstan-regions.geojson").read_text())
        regions = (settings.PACKS_DIR / "kz" / "regions.csv").read_text().splitlines()[1:]
        assert {f["id"] for f in outlines["features"]} == {line.split(",")[1] for line in regions}
        assert len(regions) == 20


@pytest.mark.django_db
class TestAnInventedCountry:
    def test_has_other_levels_languages_and_codes(self):
        election = create(ATLANTIS, slug="atlantis")
        assert list(election.levels.values_list("code", "kind")) == [
            ("ocean", "central"),
            ("ring", "territorial"),
            ("quarter", "territorial"),
            ("canal", "territorial"),
            ("shell", "precinct"),
        ]
        assert (election.languages, election.pack, election.timezone) == (["el", "la"], "atlantis", "Atlantic/Azores")
        assert election.opens_at == datetime(2022, 11, 19, 19, tzinfo=UTC)
        assert election.get_window("tides")[0] == datetime(2022, 11, 20, 6, 30, tzinfo=UTC)
        assert election.violation_types.get(code="W2").audience == ["citizen", "international"]

    def test_asks_questions_of_every_type(self):
        election = create(ATLANTIS)
        types = set(Question.objects.filter(version__checklist__election=election).values_list("type", flat=True))
        assert types == set(Question.Type.values)
        q = {one.code: one for one in Question.objects.filter(version__checklist__code="tides")}
        assert (q["Q5"].minimum, q["Q5"].maximum, q["Q5"].control, q["Q5"].sms_code) == (0, 3000, "C1", "B1")
        assert q["Q1"].hints == {"el": "Κοίτα", "la": "Specta"}
        assert q["Q3"].choices[1] == {"code": "crab", "labels": {"el": "Κάβουρας", "la": "Cancer"}}
        assert q["Q3"].relevant_answers == ["yes", "not_observed"]
        assert q["Q2"].violation_answers == ["bad", "very_bad"]
        assert [s.code for s in Section.objects.all()] == ["gate", "depth"]
        assert q["Q4"].section.titles == {"el": "Βάθος", "la": "Altitudo"}
        assert q["Q7"].section is None

    def test_may_have_two_levels_only(self, atlantis):
        levels = (atlantis / "levels.csv").read_text().splitlines()
        (atlantis / "levels.csv").write_text("\n".join([levels[0], levels[1], levels[5]]))
        assert create(atlantis).levels.count() == 2

    def test_may_have_neither_guide_nor_deadlines_and_marks_of_byte_order(self, atlantis):
        path = atlantis / "levels.csv"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        election = create(atlantis)
        assert election.rules["deadlines"] == []
        assert election.rules["guide"] == {"law": {}, "sections": [], "templates": [], "documents": []}

    def test_can_exist_next_to_another(self):
        create("kz", slug="one")
        create(ATLANTIS, slug="two")
        assert Checklist.objects.count() == 7


# file, old text, new text, line of the problem, reason
BAD = [
    ("levels.csv", "2,ring", "1,ring", 3, "already in line 2"),
    ("levels.csv", "2,ring", "two,ring", 3, "order two"),
    ("levels.csv", "2,ring", "2,ocean", 3, "already in line 2"),
    ("levels.csv", "territorial", "local", 3, "kind local is unknown"),
    ("levels.csv", ",Anulus", ",", 3, "no name in la"),
    ("levels.csv", "5,shell,precinct", "5,shell,territorial", 0, "no level is of kind precinct"),
    ("levels.csv", "order,", "number,", 1, "column order is missing"),
    ("violation-groups.csv", "water,", "wa ter,", 2, "may hold letters"),
    ("violations.csv", "W1,water", "W1,fire", 2, "group fire is unknown"),
    ("violations.csv", "major", "huge", 2, "severity huge is unknown"),
    ("violations.csv", "citizen international", "citizens", 3, "audience citizens is unknown"),
    ("violations.csv", ",yes", ",perhaps", 3, "neither yes nor no"),
    ("violations.csv", "W2,", "W1,", 3, "already in line 2"),
    ("pack.toml", '"el", "la"', '"el", "la", "el"', 0, "names a language twice"),
    ("pack.toml", '["el", "la"]', '"el"', 0, "not a list of language codes"),
    ("pack.toml", "Atlantic/Azores", "Atlantic/Plato", 0, "timezone Atlantic/Plato is unknown"),
    ("pack.toml", "day = -1", "day = 1", 0, "closes before it opens"),
    ("pack.toml", "18:00:00", '"18:00"', 0, "is not like"),
    ("pack.toml", "windows.tides", "windows.waves", 0, "of no checklist"),
    ("pack.toml", "timezone", 'removal = "W9"\ntimezone', 0, "removal: W9 is of no violation"),
    ("pack.toml", "timezone", "tide zone", 0, "is not TOML"),
    ("pack.toml", "timezone", "zone", 0, "zone is unknown"),
    ("checklists/index.csv", "precinct,visit", "precinct,often", 2, "repeat often is unknown"),
    ("checklists/index.csv", "precinct,visit", "harbour,visit", 2, "place_level harbour is unknown"),
    ("checklists/index.csv", "tides,morning", "tides,", 2, "code is missing"),
    ("checklists/index.csv", ",Aestus", ",", 2, "no title in la"),
    ("checklists/storm.csv", "S1,violation", "S1,shout", 2, "type shout is unknown"),
    ("checklists/storm.csv", "*", "W1", 2, "violation_answer *"),
    ("checklists/storm.csv", "S1,W2", "S1,W3", 3, "relevant_answer W3 is no answer"),
    ("checklists/storm.csv", "S1,W2", "S9,W2", 3, "relevant_question S9 is unknown"),
    ("checklists/storm.csv", "S1,W2", "S1,", 3, "belong together"),
    ("checklists/storm.csv", "S2,text", "S1,text", 3, "already in line 2"),
    ("checklists/storm.csv", ",Narra", ",", 3, "no label in la"),
    ("checklists/tides.csv", "no,W2", "no,W9", 3, "violation W9 is unknown"),
    ("checklists/tides.csv", "no,W2", "maybe,W2", 3, "violation_answer maybe is no answer"),
    ("checklists/tides.csv", "no,W2", ",W2", 3, "belong together"),
    ("checklists/tides.csv", "crab:Κάβουρας:Cancer", "crab:Κάβουρας", 5, "is not code:el:la"),
    ("checklists/tides.csv", "crab:Κάβουρας", "fish:Κάβουρας", 5, "choice fish is there twice"),
    ("checklists/tides.csv", "fish:Ψάρι:Piscis;crab:Κάβουρας:Cancer", "", 5, "no choices"),
    ("checklists/tides.csv", "Quot?,,,,", "Quot?,,,x:Χ:X,", 7, "only choice and choices"),
    ("checklists/tides.csv", "0,3000", "9,3", 7, "greater than its max"),
    ("checklists/tides.csv", "0,3000", "0.5,3", 7, "whole"),
    ("checklists/tides.csv", "0,3000", "zero,3", 7, "min zero is not a number"),
    ("checklists/tides.csv", "Q3,choice", "Q3,text", 5, "only choice and choices"),
    ("checklists/tides.csv", "Apertum?,Κοίτα,Specta,,yes", "Apertum?,Κοίτα,Specta,,maybe", 3, "neither yes nor no"),
    ("checklists/tides.csv", "C1,B1", "C1,a1", 7, "its sms_code is that of Q1"),
    ("checklists/tides.csv", "gate,,,Πώς;", "gate,Α,Β,Πώς;", 4, "two different titles"),
    ("checklists/tides.csv", "Lege,,,,,", "Lege,,,,yes,", 2, "a note has no answer"),
]


@pytest.mark.django_db
class TestInvalidPack:
    @pytest.mark.parametrize(("file", "old", "new", "line", "reason"), BAD, ids=[f"{b[0]} {b[4]}" for b in BAD])
    def test_is_refused_by_file_line_and_reason(self, atlantis, file, old, new, line, reason):
        replace(atlantis / file, old, new)
        with pytest.raises(BadTable) as caught:
            create(atlantis)
        assert any(b.file == file and b.line == line and reason in b.reason for b in caught.value.lines), caught.value
        assert is_database_empty()

    def test_has_all_its_problems_reported_at_once(self, atlantis):
        replace(atlantis / "levels.csv", "territorial", "local")
        replace(atlantis / "violations.csv", "major", "huge")
        replace(atlantis / "checklists/tides.csv", "no,W2", "no,W9")
        (atlantis / "checklists/storm.csv").unlink()
        (atlantis / "checklists/waves.csv").write_text("x")
        with pytest.raises(BadTable) as caught:
            create(atlantis)
        assert {b.file for b in caught.value.lines} == {
            "levels.csv",
            "violations.csv",
            "checklists/tides.csv",
            "checklists/storm.csv",
            "checklists/waves.csv",
        }

    @pytest.mark.parametrize(
        "name", ["pack.toml", "levels.csv", "violations.csv", "violation-groups.csv", "checklists/index.csv"]
    )
    def test_without_a_file_is_refused(self, atlantis, name):
        (atlantis / name).unlink()
        with pytest.raises(BadTable, match=name):
            create(atlantis)

    def test_in_another_encoding_is_refused(self, atlantis):
        path = atlantis / "levels.csv"
        path.write_bytes(path.read_text().encode("iso8859-7"))
        with pytest.raises(BadTable, match=r"levels.csv, line 2: is not UTF-8"):
            create(atlantis)

    def test_with_circular_conditions_is_refused(self, atlantis):
        replace(atlantis / "checklists/tides.csv", "Specta,,yes,,,", "Specta,,yes,Q3,fish,")
        with pytest.raises(BadTable, match=r"(?s)line 3: its condition.*line 5: its condition"):
            create(atlantis)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ('checklist = "nothing"\ndue = { time = 07:00:00 }', "schedule: nothing is of no checklist"),
            ('checklist = "tides"', "schedule 1.due cannot be read"),
            ('checklist = "tides"\ndue = { time = 07:00:00 }\nzone = "Nowhere"', "schedule 1.zone cannot be read"),
            ('checklist = "tides"\ndue = { time = 07:00:00 }\nroles = [{}]', "schedule 1.roles cannot be read"),
            ('checklist = "tides"\ndue = { time = 07:00:00 }\nwhen = 7', "schedule 1.when cannot be read"),
            ('checklist = "tides"\ndue = { time = 07:00:00 }\ngrace_minutes = -1', "schedule 1.grace_minutes cannot"),
        ],
    )
    def test_with_an_invalid_schedule_is_refused(self, atlantis, row, reason):
        with (atlantis / "pack.toml").open("a") as file:
            file.write(f"\n[[schedule]]\n{row}\n")
        with pytest.raises(BadTable, match=reason):
            create(atlantis)
        assert is_database_empty()

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ('audience = ["martian"]', "x: its audience is unknown"),
            ('since = "2022"', "x: since is no date"),
        ],
    )
    def test_with_an_invalid_guide_item_is_refused(self, atlantis, line, reason):
        words = 'text.el = "Χ"\ntext.la = "X"\n'
        (atlantis / "guide.toml").write_text(
            f'[[sections]]\ncode = "s"\ntitle.el = "Σ"\ntitle.la = "S"\n[[sections.items]]\ncode = "x"\n{line}\n{words}'
        )
        with pytest.raises(BadTable, match=reason):
            create(atlantis)

    def test_with_an_unknown_template_field_is_refused(self, atlantis):
        (atlantis / "guide.toml").write_text(
            '[[templates]]\ncode = "act"\ntitle.el = "Α"\ntitle.la = "A"\ntext.el = "{date}"\ntext.la = "{moon}"\n'
        )
        with pytest.raises(BadTable, match=r"act: \{moon\} is unknown; there are station"):
            create(atlantis)

    def test_with_a_point_missing_in_one_language_is_refused(self, atlantis):
        (atlantis / "documents.toml").write_text(
            '[[documents]]\ncode = "code-of-conduct"\nversion = 1\ntitle.el = "Κ"\ntitle.la = "C"\n'
            'text.el = "α\\nβ"\ntext.la = "a"\n'
        )
        with pytest.raises(BadTable, match="more points in one language"):
            create(atlantis)

    def test_with_a_title_missing_in_one_language_is_refused(self, atlantis):
        (atlantis / "guide.toml").write_text('[[sections]]\ncode = "x"\ntitle.el = "Χ"\n')
        with pytest.raises(BadTable, match=r"guide.toml, line 2: x has no title in la"):
            create(atlantis)

    def test_with_a_document_without_version_is_refused(self, atlantis):
        (atlantis / "documents.toml").write_text(
            '[[documents]]\ncode = "code-of-conduct"\ntitle = {el = "a", la = "b"}\ntext = {el = "a", la = "b"}\n'
        )
        with pytest.raises(BadTable, match=r"documents.toml, line 2: .* no version"):
            create(atlantis)

    def test_that_does_not_exist_is_refused(self):
        with pytest.raises(BadTable, match="no such pack"):
            find_pack_folder("../../etc/nowhere")


@pytest.mark.django_db
class TestTheCommand:
    def test_makes_an_election(self, capsys):
        call_command("create_election", "kz-2022", name="Президент сайлауы", date="2022-11-20", publication="live")
        election = Election.objects.get()
        assert (election.slug, election.publication, election.names["kk"]) == ("kz-2022", "live", "Президент сайлауы")
        assert "4 levels, 5 checklists, 59 violation codes" in capsys.readouterr().out

    def test_takes_a_name_by_language_and_a_folder(self):
        arguments = ["--name", "el=Εκλογές", "--name", "la=Comitia", "--date", "2022-11-20", "--pack", str(ATLANTIS)]
        call_command("create_election", "atl", *arguments)
        assert Election.objects.get().names == {"el": "Εκλογές", "la": "Comitia"}

    def test_refuses_a_slug_that_is_taken_or_none(self):
        create(slug="taken")
        with pytest.raises(CommandError, match="taken already"):
            call_command("create_election", "taken", name="X", date="2022-11-20")
        with pytest.raises(CommandError, match="2022-13-01"):
            call_command("create_election", "other", name="X", date="2022-13-01")
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("create_election", "no slug/", name="X", date="2022-11-20")
        with pytest.raises(ElectionExists):
            create(slug="taken")
        assert Election.objects.count() == 1

    def test_prints_every_problem(self, atlantis):
        replace(atlantis / "levels.csv", "territorial", "local")
        with pytest.raises(CommandError, match=r"(?s)levels.csv, line 3: .*1 problem; nothing was changed"):
            call_command("create_election", "atl", name="X", date="2022-11-20", pack=str(atlantis))


@pytest.mark.django_db
class TestNewVersion:
    @pytest.fixture
    def folder(self, atlantis) -> Path:
        self.election = create(atlantis)
        return atlantis / "checklists"

    def load(self, path: Path):
        return import_checklists(election=self.election, path=path, now=DAY)

    def test_with_the_same_wording_changes_nothing(self, folder):
        done = self.load(folder)
        assert (done.new, done.unchanged) == ((), ("tides", "storm"))
        assert ChecklistVersion.objects.count() == 2

    def test_is_added_and_the_old_one_stays(self, folder):
        replace(folder / "storm.csv", "Narra", "Dic")
        done = self.load(folder / "storm.csv")
        assert [(v.checklist.code, v.number) for v in done.new] == [("storm", 2)]
        texts = Question.objects.filter(code="S2").order_by("version__number")
        assert [q.labels["la"] for q in texts] == ["Narra", "Dic"]
        assert len({v.content_hash for v in ChecklistVersion.objects.all()}) == 3
        assert self.load(folder).new == ()

    def test_may_add_and_drop_questions(self, folder):
        text = (folder / "storm.csv").read_text().splitlines()
        (folder / "storm.csv").write_text("\n".join([*text[:2], "S3,yes_no,Α,A,no,,,,"]))
        assert len(self.load(folder).new) == 1

    @pytest.mark.parametrize(
        ("file", "old", "new", "line", "what"),
        [
            ("storm.csv", "S2,text", "S2,yes_no", 3, "type"),
            ("tides.csv", "crab:", "eel:", 5, "choices"),
            ("tides.csv", "fish:Ψάρι:Piscis;", "fish:Ψάρι:Piscis;eel:Χ:X;", 5, "choices"),
            ("tides.csv", "no,W2", "yes,W2", 3, "meaning"),
            ("tides.csv", "no,W2", "no,W1", 3, "meaning"),
            ("tides.csv", "C1,B1", "C2,B1", 7, "meaning"),
        ],
    )
    def test_may_not_change_the_meaning_of_a_code(self, folder, file, old, new, line, what):
        replace(folder / file, old, new)
        with pytest.raises(BadTable) as caught:
            self.load(folder)
        assert any(b.file == file and b.line == line and f"changes its {what}" in b.reason for b in caught.value.lines)
        assert ChecklistVersion.objects.count() == 2

    def test_is_compared_with_all_earlier_versions(self, folder):
        whole = (folder / "storm.csv").read_text()
        (folder / "storm.csv").write_text("\n".join(whole.splitlines()[:2]))
        self.load(folder)
        (folder / "storm.csv").write_text(whole.replace("S2,text", "S2,date"))
        with pytest.raises(BadTable, match="S2 changes its type"):
            self.load(folder / "storm.csv")

    def test_may_not_change_the_stage_place_or_repeat(self, folder):
        replace(folder / "index.csv", "precinct,visit", "precinct,once")
        with pytest.raises(BadTable, match="its repeat is visit"):
            self.load(folder)

    def test_may_change_the_title(self, folder):
        replace(folder / "index.csv", "Aestus", "Maria")
        assert self.load(folder).new == ()
        assert Checklist.objects.get(code="tides").titles["la"] == "Maria"

    def test_of_an_unknown_checklist_needs_an_index(self, folder):
        path = shutil.copy(folder / "storm.csv", folder / "wind.csv")
        with pytest.raises(BadTable, match="has no checklist wind"):
            self.load(Path(path))

    def test_from_a_missing_workbook_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"storm.xlsx: cannot be read"):
            call_command("import_checklist", folder / "storm.xlsx", election=self.election.slug)

    def test_is_printed_by_the_command(self, folder, capsys):
        replace(folder / "storm.csv", "Narra", "Dic")
        call_command("import_checklist", folder, election=self.election.slug)
        assert capsys.readouterr().out.splitlines() == ["storm: version 2 published", "tides: unchanged"]
