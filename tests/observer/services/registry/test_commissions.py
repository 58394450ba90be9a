"""Importing, moving, adding and deleting commissions; their paths stay correct."""

import csv
import io
import random
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Assignment, Commission, Election, Level, Trail
from observer.services.registry.commissions import InvalidTreeChange
from observer.services.spreadsheets.tables import BadTable
from reports.models import Due
from reports.services.elections.registry import (
    create_commission,
    delete_commission,
    import_commissions,
    move_commission,
)
from tests.support.world import DAY, World, make_election, make_texts

HEAD = "code,parent,level,name_en,name_kk,address,lat,lon,voters,type,timezone"
TREE = [
    "A-1-1,A-1,precinct,School 1,Мектеп,Abai street 1,43.2380123456,76.945,1171,ordinary,",
    "A,,central,The land,Ел,,,,,,",
    "A-1,A,region,First,Бірінші,,,,,,Asia/Aqtobe",
    "A-2,A,region,Second,Екінші,,,,,,",
    "A-9,A,precinct,Abroad,Шетел,,,,,abroad,Europe/Berlin",
]


@pytest.fixture
def election(db) -> Election:
    election = make_election()
    for order, (code, kind) in enumerate(
        [("central", "central"), ("region", "territorial"), ("precinct", "precinct")], 1
    ):
        Level.objects.create(election=election, order=order, code=code, kind=kind, names=make_texts(code))
    return election


def table(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines, ""]).encode()


def load(election: Election, *lines: str, head: str = HEAD):
    return import_commissions(election=election, source=table(*lines, head=head), file="tree.csv", now=DAY)


def state() -> list[tuple]:
    return list(Commission.objects.order_by("pk").values_list())


def are_paths_correct(election: Election) -> bool:
    for one in Commission.objects.filter(election=election).select_related("parent"):
        above = one.parent
        if one.path != (above.path if above else "") + one.code + "/" or one.depth != (above.depth + 1 if above else 0):
            return False
    return True


class TestAFileOfCommissions:
    def test_makes_the_tree_whatever_the_order_of_its_rows(self, election):
        assert load(election, *TREE).created == 5
        assert are_paths_correct(election)
        one = Commission.objects.get(code="A-1-1")
        assert (one.path, one.depth, one.level.code, one.parent.code) == ("A/A-1/A-1-1/", 2, "precinct", "A-1")
        assert (one.lat, one.lon, one.voters, one.type) == (43.238012, 76.945, 1171, "ordinary")
        assert one.names == {"en": "School 1", "kk": "Мектеп"}
        assert one.address == {"kk": "Abai street 1"}
        assert Commission.objects.get(code="A-1").timezone == "Asia/Aqtobe"
        assert Commission.objects.get(code="A-9").depth == 1

    def test_is_read_with_and_without_a_byte_order_mark_and_with_windows_line_ends(self, election):
        source = b"\xef\xbb\xbf" + table(*TREE).replace(b"\n", b"\r\n")
        assert import_commissions(election=election, source=source, file="f", now=DAY).created == 5
        assert load(election, *TREE).unchanged == 5

    def test_marks_new_commissions_and_those_above_due(self, election):
        load(election, *TREE)
        assert {due.commission.code for due in Due.objects.all()} == {"A", "A-1", "A-2", "A-9", "A-1-1"}

    def test_changes_nothing_the_second_time(self, election):
        load(election, *TREE)
        Due.objects.all().delete()
        before, trail = state(), Trail.objects.count()
        done = load(election, *reversed(TREE))
        assert (done.created, done.changed, done.unchanged, done.touched) == (0, 0, 5, frozenset())
        assert (state(), Trail.objects.count(), Due.objects.count()) == (before, trail, 0)

    def test_leaves_alone_what_it_does_not_name(self, election):
        load(election, *TREE)
        done = load(election, "A-2,A,region,Renamed", "A-2-1,A-2,precinct,New", head="code,parent,level,name_en")
        assert (done.created, done.changed) == (1, 1)
        assert Commission.objects.get(code="A-2").names == {"en": "Renamed", "kk": "Екінші"}
        assert Commission.objects.get(code="A-1-1").voters == 1171

    def test_empties_fields_with_an_empty_cell(self, election):
        load(election, *TREE)
        load(election, "A-1-1,A-1,precinct,School 1,,,,,,,")
        one = Commission.objects.get(code="A-1-1")
        assert (one.names, one.address, one.lat, one.voters, one.type) == ({"en": "School 1"}, {}, None, None, "")

    def test_moves_a_branch_with_all_below_it(self, election):
        load(election, *TREE)
        Due.objects.all().delete()
        load(election, "A-1,A-2,region,First", head="code,parent,level,name_en")
        assert Commission.objects.get(code="A-1-1").path == "A/A-2/A-1/A-1-1/"
        assert are_paths_correct(election)
        assert {due.commission.code for due in Due.objects.all()} == {"A", "A-2", "A-1"}

    def test_may_be_a_new_top_over_the_old_one(self, election):
        load(election, *TREE)
        load(election, "TOP,,central,World", "A,TOP,central,The land", head="code,parent,level,name_en")
        assert Commission.objects.get(code="A-1-1").path == "TOP/A/A-1/A-1-1/"
        assert are_paths_correct(election)

    def test_may_be_of_any_depth(self, election):
        lines = [f"N{n},{f'N{n - 1}' if n else ''},region,Level {n}" for n in range(100)]
        load(election, *lines, head="code,parent,level,name_en")
        assert Commission.objects.get(code="N99").depth == 99
        assert are_paths_correct(election)

    def test_knows_only_its_own_election(self, election):
        load(election, *TREE)
        other = World(make_election("other-2022"))
        assert len(other.tree) == 19
        load(election, *TREE)
        assert Commission.objects.filter(election=election).count() == 5


@pytest.mark.slow
class TestACountryOfRealSize:
    def test_is_imported_in_a_bounded_number_of_queries(self, election):
        lines = ["KZ,,central,Country,,,,,,,"]
        lines += [f"KZ-{r},KZ,region,Region {r},,,,,,," for r in range(20)]
        lines += [f"KZ-{r}-{d},KZ-{r},region,District {d},,,,,,," for r in range(20) for d in range(11)]
        lines += [
            f"KZ-{n:05},KZ-{n % 20}-{n // 20 % 11},precinct,Synthetic {n},,,48.{n},67.1,900,," for n in range(10_101)
        ]
        random.Random(1).shuffle(lines)
        with CaptureQueriesContext(connection) as queries:
            assert load(election, *lines).created == 10_342
        assert len(queries) < 600
        assert are_paths_correct(election)
        with CaptureQueriesContext(connection) as queries:
            assert load(election, *lines).unchanged == 10_342
        assert len(queries) < 10


BAD = {
    "no code": (",A,region,X,,,,,,,", "code is missing"),
    "a code with a slash": ("A/3,A,region,X,,,,,,,", "may hold letters"),
    "a code too long": (f"{'A' * 61},A,region,X,,,,,,,", "longer than 60"),
    "a code again": ("A-1,A,region,X,,,,,,,", "already in line 4"),
    "a code by case": ("a-1,A,region,X,,,,,,,", "by case only"),
    "unknown parent": ("A-3,ZZ,region,X,,,,,,,", "parent ZZ is unknown"),
    "its own parent": ("A-3,A-3,region,X,,,,,,,", "below itself"),
    "a second top": ("B,,central,X,,,,,,,", "topmost commission is A"),
    "unknown level": ("A-3,A,country,X,,,,,,,", "level country is unknown"),
    "below a precinct": ("A-3,A-9,precinct,X,,,,,,,", "below a precinct"),
    "a level above its parent's": ("A-3,A-2,central,X,,,,,,,", "cannot be below"),
    "no name": ("A-3,A,region,,,,,,,,", "no name"),
    "latitude off the earth": ("A-3,A,region,X,,,91,10,,,", "lat 91"),
    "longitude off the earth": ("A-3,A,region,X,,,10,-180.5,,,", "lon -180.5"),
    "latitude in words": ("A-3,A,region,X,,,north,10,,,", "lat north"),
    "latitude not a number": ("A-3,A,region,X,,,nan,10,,,", "lat nan"),
    "latitude beyond floats": ("A-3,A,region,X,,,1e400,10,,,", "lat 1e400"),
    "only one coordinate": ("A-3,A,region,X,,,10,,,,", "only one of lat and lon"),
    "voters below nothing": ("A-3,A,region,X,,,,,-1,,", "voters -1"),
    "voters in parts": ("A-3,A,region,X,,,,,10.5,,", "voters 10.5"),
    "voters beyond columns": ("A-3,A,region,X,,,,,99999999999,,", "voters 99999999999"),
    "unknown zone": ("A-3,A,region,X,,,,,,,Asia/Baqylau", "timezone Asia/Baqylau is unknown"),
    "a long type": (f"A-3,A,region,X,,,,,,{'t' * 41},", "type is longer"),
    "too few cells": ("A-3,A,region", "3 cells"),
    "too many cells": ("A-3,A,region,X,,,,,,,,,", "13 cells"),
    "a control character": ("A-3,A,region,X\x00,,,,,,,", "control character"),
    "a quote never closed": ('A-3,A,region,"X,,,,,,,', "not CSV"),
}


class TestABadLine:
    @pytest.mark.parametrize("name", BAD)
    def test_is_named_with_its_number_and_reason_and_nothing_changes(self, election, name):
        line, reason = BAD[name]
        with pytest.raises(BadTable) as caught:
            load(election, *TREE, line)
        assert [(bad.line, bad.file) for bad in caught.value.lines] == [(7, "tree.csv")]
        assert reason in caught.value.lines[0].reason
        assert not Commission.objects.exists() and not Due.objects.exists() and not Trail.objects.exists()

    def test_is_not_the_only_one_named(self, election):
        with pytest.raises(BadTable) as caught:
            load(election, *TREE, *(line for line, _ in BAD.values()))
        assert {bad.line for bad in caught.value.lines} == set(range(7, 7 + len(BAD)))

    def test_counts_lines_as_an_editor_does(self, election):
        with pytest.raises(BadTable) as caught:
            load(election, TREE[1], '"A-1",A,region,"two\nlines",,,,,,,', "", "A-3,ZZ,region,X,,,,,,,")
        assert [bad.line for bad in caught.value.lines] == [6]

    def test_of_a_cycle_names_each_in_it_and_not_those_below(self, election):
        with pytest.raises(BadTable) as caught:
            load(
                election,
                TREE[1],
                "X,Z,region,X,,,,,,,",
                "Y,X,region,Y,,,,,,,",
                "Z,Y,region,Z,,,,,,,",
                "W,X,region,W,,,,,,,",
            )
        assert [bad.line for bad in caught.value.lines] == [3, 4, 5]

    def test_that_is_a_parent_does_not_make_its_children_bad(self, election):
        with pytest.raises(BadTable) as caught:
            load(election, TREE[1], "A-3,A,country,X,,,,,,,", "A-3-1,A-3,precinct,X,,,,,,,")
        assert [bad.line for bad in caught.value.lines] == [3]

    def test_may_be_bad_because_of_what_is_stored(self, election):
        load(election, *TREE)
        for line, reason in (
            ("A,A-1,central,X", "below"),
            ("A-1,A,precinct,X", "below a precinct"),
            ("B,,central,X", "topmost"),
        ):
            before = state()
            with pytest.raises(BadTable, match=reason):
                load(election, line, head="code,parent,level,name_en")
            assert state() == before


class TestABadFile:
    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (table(*TREE).decode().encode("koi8-r", "replace"), "encoding that is not known"),
            (table(*TREE).decode().encode("utf-16-le"), "encoding that is not known"),
            (b"", "is empty"),
            (table(), "no rows"),
            (table(*TREE, head=HEAD.replace("level", "rank")), "column level is missing"),
            (table(*TREE, head=HEAD.replace("voters", "votes")), "column votes is unknown"),
            (table(*TREE, head=HEAD.replace("name_kk", "name_en")), "column name_en is there twice"),
            (table("A,,central", head="code,parent,level"), "column name_kk is missing"),
        ],
    )
    def test_is_refused_with_a_reason(self, election, source, reason):
        with pytest.raises(BadTable, match=reason):
            import_commissions(election=election, source=source, file="tree.csv", now=DAY)
        assert not Commission.objects.exists()


class TestTheCommand:
    def test_prints_what_it_did(self, election, tmp_path: Path, capsys):
        (tmp_path / "tree.csv").write_bytes(table(*TREE))
        call_command("import_commissions", tmp_path / "tree.csv", election=election.slug)
        assert capsys.readouterr().out == "Commissions: 5 new, 0 changed, 0 unchanged.\n"

    def test_prints_every_bad_line(self, election, tmp_path: Path):
        (tmp_path / "tree.csv").write_bytes(table(*TREE, BAD["unknown parent"][0], BAD["no code"][0]))
        with pytest.raises(CommandError) as caught:
            call_command("import_commissions", tmp_path / "tree.csv", election=election.slug)
        assert str(caught.value).splitlines() == [
            "tree.csv, line 7: parent ZZ is unknown",
            "tree.csv, line 8: the code is missing",
            "2 problems; nothing was changed.",
        ]

    @pytest.mark.parametrize(("file", "slug"), [("none.csv", "test-2022"), ("x.xlsx", "test-2022"), ("x.csv", "none")])
    def test_refuses_what_it_cannot_read(self, election, tmp_path: Path, file, slug):
        with pytest.raises(CommandError):
            call_command("import_commissions", tmp_path / file, election=slug)


class TestMovingACommission:
    def test_moves_all_below_it_and_marks_both_parents_due(self, world):
        tree = world.tree
        move_commission(commission=tree["KZ-1-1"], parent=tree["KZ-2"], user=None, now=DAY)
        assert tree["KZ-1-1"].path == "KZ/KZ-2/KZ-1-1/"
        assert Commission.objects.get(code="KZ-1-1-3").path == "KZ/KZ-2/KZ-1-1/KZ-1-1-3/"
        assert are_paths_correct(world.election)
        assert {due.commission.code for due in Due.objects.all()} == {"KZ-1", "KZ-2", "KZ-1-1"}

    def test_to_its_present_parent_changes_nothing(self, world):
        move_commission(commission=world.tree["KZ-1-1"], parent=world.tree["KZ-1"], user=None, now=DAY)
        assert not Due.objects.exists() and not Trail.objects.exists()

    @pytest.mark.parametrize(
        ("code", "parent"), [("KZ-1", "KZ-1-1"), ("KZ-1", "KZ-1"), ("KZ-1-1", "KZ-2-1-1"), ("KZ", "KZ-1")]
    )
    def test_is_refused_where_it_cannot_be(self, world, code, parent):
        with pytest.raises(InvalidTreeChange):
            move_commission(commission=world.tree[code], parent=world.tree[parent], user=None, now=DAY)
        assert are_paths_correct(world.election)

    def test_is_refused_into_another_election(self, world):
        other = World(make_election("other-2022"))
        with pytest.raises(InvalidTreeChange):
            move_commission(commission=world.tree["KZ-1-1"], parent=other.tree["KZ-2"], user=None, now=DAY)


class TestAddingAndRemovingACommission:
    def test_marks_the_parent_due(self, world):
        level = world.tree["KZ-1-1-1"].level
        made = create_commission(
            election=world.election,
            parent=world.tree["KZ-1-1"],
            level=level,
            code="KZ-1-1-4",
            now=DAY,
            names=make_texts("4"),
        )
        assert (made.path, made.depth) == ("KZ/KZ-1/KZ-1-1/KZ-1-1-4/", 3)
        assert {due.commission.code for due in Due.objects.all()} == {"KZ-1-1", "KZ-1-1-4"}
        Due.objects.all().delete()
        delete_commission(commission=made, user=None, now=DAY)
        assert {due.commission.code for due in Due.objects.all()} == {"KZ-1-1"}

    def test_is_refused_where_it_cannot_be(self, world):
        level = world.tree["KZ-1-1-1"].level
        for parent, code in ((None, "TOP"), ("KZ-1-1", "kz-1-1-1"), ("KZ-1-1-1", "KZ-1-1-1-1"), ("KZ-1", "X" * 600)):
            with pytest.raises(InvalidTreeChange):
                create_commission(
                    election=world.election, parent=world.tree.get(parent), level=level, code=code, now=DAY
                )

    def test_with_commissions_or_assignments_is_refused(self, world):
        assert Assignment.objects.filter(commission=world.tree["KZ-1-1-1"]).exists()
        for code in ("KZ-1-1-1", "KZ-1-1"):
            with pytest.raises(InvalidTreeChange):
                delete_commission(commission=world.tree[code], user=None, now=DAY)
            assert Commission.objects.filter(code=code).exists()


def test_a_cell_with_commas_and_quotes_survives(election):
    text = io.StringIO()
    csv.writer(text).writerows([HEAD.split(","), ["A", "", "central", '=1+"2", three', *[""] * 7]])
    import_commissions(election=election, source=text.getvalue().encode(), file="f", now=DAY)
    assert Commission.objects.get().names == {"en": '=1+"2", three'}
