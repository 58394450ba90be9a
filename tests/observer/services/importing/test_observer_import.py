"""Importing observers from CSV without leaking names and phones."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer import crypto
from observer.models import Assignment, Observer, Organisation, Trail
from observer.services.importing.observer_import import CODE_ALPHABET, generate_observer_code, import_observers
from observer.services.spreadsheets.tables import BadTable
from tests.support.world import DAY, World

HEAD = "code,name,phone,language,organisation,commissions,role"
FILE = [
    "OB-AAAA,Айгүл Серікова,+7 701 111 22 33,kk,Еркіндік қанаты,KZ-1-1-1,",
    "OB-BBBB,Ivan Petrov,+77022222222,ru,org,KZ-1-1-1; KZ-1-1-2,",
    ",Nameless One,+77033333333,en,Еркіндік қанаты,KZ-2,long_term",
    "OB-CCCC,,,,org,,",
]


def load(world: World, *lines: str, head: str = HEAD):
    source = "\n".join([head, *lines, ""]).encode()
    return import_observers(election=world.election, source=source, file="people.csv", now=DAY)


def state() -> tuple[list[tuple], list[tuple]]:
    people = [(o.code, o.organisation_id, o.name, o.phone, o.phone_lookup, o.language) for o in Observer.objects.all()]
    links = Assignment.objects.order_by("pk", "observers").values_list("pk", "commission", "role", "observers")
    return people, list(links)


class TestAFileOfObservers:
    def test_creates_observers_and_assignments(self, world):
        done = load(world, *FILE)
        assert (done.created, done.changed, done.assigned) == (4, 0, 4)
        one = Observer.objects.get(code="OB-AAAA")
        assert (one.name, one.phone, one.language) == ("Айгүл Серікова", "+7 701 111 22 33", "kk")
        assert one.phone_lookup == crypto.compute_lookup("phone", "+77011112233")
        sent = Assignment.objects.filter(observers__code="OB-BBBB").values_list("commission__code", "role")
        assert sorted(sent) == [("KZ-1-1-1", "mobile"), ("KZ-1-1-2", "mobile")]
        assert Assignment.objects.get(observers=one).role == "stationary"
        assert Observer.objects.get(code="OB-CCCC").language == "kk"

    def test_creates_an_organisation_once_and_finds_it_by_code_or_name(self, world):
        load(world, *FILE)
        made = Organisation.objects.get(code="еркіндік-қанаты")
        assert made.names == {"kk": "Еркіндік қанаты"}
        load(world, "OB-DDDD,,,,org en,,", "OB-EEEE,,,,ORG,,", "OB-FFFF,,,,еркіндік-қанаты,,")
        assert Organisation.objects.count() == 2
        long = "The Very Long Name of an Association of Observers of "
        load(world, f"OB-GGGG,,,,{long}the North,,", f"OB-HHHH,,,,{long}the South,,")
        assert Organisation.objects.count() == 4

    def test_generates_codes_without_letters_that_look_like_digits(self, world):
        ((line, code),) = load(world, *FILE).codes
        assert line == 4
        assert Observer.objects.get(code=code).name == "Nameless One"
        assert not set("01OI") & set(code.removeprefix("OB-"))
        assert not set("01OI") & set(CODE_ALPHABET) and len(CODE_ALPHABET) == 32

    def test_changes_nothing_the_second_time(self, world):
        load(world, *FILE)
        before, trail = state(), Trail.objects.count()
        done = load(world, *FILE)
        assert (done.created, done.changed, done.unchanged, done.assigned, done.codes) == (0, 0, 4, 0, ())
        assert (state(), Trail.objects.count()) == (before, trail)

    def test_changes_what_differs_and_reports_whose_phone_was_replaced(self, world):
        load(world, *FILE)
        done = load(world, "OB-AAAA,New Name,+77099999999,ru,org,,", "OB-CCCC,,+77012345678,,org,,")
        assert (done.changed, done.phones) == (2, ("OB-AAAA",))
        one = Observer.objects.get(code="OB-AAAA")
        assert (one.name, one.phone, one.language, one.organisation.code) == ("New Name", "+77099999999", "ru", "org")
        assert one.phone_lookup == crypto.compute_lookup("phone", "+77099999999")

    def test_never_empties_a_name_or_phone(self, world):
        load(world, *FILE)
        before = state()
        assert load(world, "OB-BBBB,,,,org,,").changed == 0
        assert state() == before

    def test_adds_assignments_and_removes_none(self, world):
        load(world, *FILE)
        assert load(world, "OB-AAAA,,,,Еркіндік қанаты,KZ-1-1-3,").assigned == 1
        assert Assignment.objects.filter(observers__code="OB-AAAA").count() == 2

    def test_changes_the_role_of_one_but_not_of_a_team(self, world):
        load(world, *FILE)
        team = Assignment.objects.get(observers=world.first.observer)
        team.observers.add(world.second.observer)
        load(world, "OB-AAAA,,,,Еркіндік қанаты,KZ-1-1-1,long_term", "OB-2222,,,,org,KZ-1-1-1,long_term")
        assert Assignment.objects.get(observers__code="OB-AAAA").role == "long_term"
        team.refresh_from_db()
        assert team.role == "stationary"

    def test_may_leave_out_commissions_and_role(self, world):
        assert load(world, "OB-AAAA,A,,kk,org", head="code,name,phone,language,organisation").created == 1

    def test_keeps_names_and_phones_out_of_the_trail_and_the_tables(self, world):
        load(world, *FILE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, phone, phone_lookup FROM observer_observer")
            cells = str(cursor.fetchall())
        cells += str(list(Trail.objects.values_list("detail", "subject")))
        for secret in ("Серікова", "Petrov", "2222222", "Nameless"):
            assert secret not in cells

    def test_of_thousands_needs_few_queries(self, world):
        lines = [f"N-{n},Name {n},+7701{n:07},ru,org,KZ-1-1-{n % 3 + 1}," for n in range(1, 2_001)]
        with CaptureQueriesContext(connection) as queries:
            load(world, *lines)
        assert len(queries) < 100
        with CaptureQueriesContext(connection) as queries:
            assert load(world, *lines).unchanged == 2_000
        assert len(queries) < 12


BAD = {
    "code": ("OB/1,,,,org,,", "may hold letters"),
    "code again": ("OB-AAAA,,,,org,,", "already in line 2"),
    "nobody": (",,,ru,org,,", "neither code nor name"),
    "phone": ("X,,call me,ru,org,,", "not a phone number"),
    "phone too short": ("X,,+1,ru,org,,", "not a phone number"),
    "language": ("X,,,de,org,,", "language de is unknown"),
    "no organisation": ("X,,,ru,,,", "organisation is missing"),
    "organisation of signs": ("X,,,ru,!!!,,", "neither letters nor digits"),
    "commission": ("X,,,ru,org,KZ-1-1-1;KZ-9,", "commission KZ-9 is unknown"),
    "role": ("X,,,ru,org,KZ-1-1-1,boss", "role boss is unknown"),
    "same person": (",Nameless One,+77033333333,en,Еркіндік қанаты,,", "same person as line 4"),
    "cells": ("X,,,ru,org", "5 cells"),
}


class TestABadLine:
    @pytest.mark.parametrize("name", BAD)
    def test_is_named_with_its_number_and_reason_and_nothing_changes(self, world, name):
        before = state(), Organisation.objects.count(), Trail.objects.count()
        line, reason = BAD[name]
        with pytest.raises(BadTable) as caught:
            load(world, *FILE, line)
        assert [bad.line for bad in caught.value.lines] == [6]
        assert reason in caught.value.lines[0].reason
        assert (state(), Organisation.objects.count(), Trail.objects.count()) == before

    def test_never_repeats_a_phone(self, world):
        with pytest.raises(BadTable) as caught:
            load(world, "X,Secret Name,77011112233x,de,org,,")
        assert "77011112233" not in str(caught.value) and "Secret" not in str(caught.value)

    def test_may_name_one_person_by_code_and_without(self, world):
        load(world, *FILE)
        with pytest.raises(BadTable, match="same person as code OB-BBBB"):
            load(world, FILE[1], ",Ivan Petrov,+77022222222,ru,org,,")


class TestTheCommand:
    def test_prints_the_codes_it_made_and_no_name(self, world, tmp_path: Path, capsys):
        (tmp_path / "people.csv").write_text("\n".join([HEAD, *FILE]))
        call_command("import_observers", str(tmp_path / "people.csv"), election=world.election.slug)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("line 4: OB-")
        assert lines[1] == "Observers: 4 new, 0 changed, 0 unchanged; 4 assigned."

    def test_prints_every_bad_line(self, world, tmp_path: Path):
        (tmp_path / "people.csv").write_text(
            "\n".join([HEAD, BAD["language"][0], BAD["commission"][0].replace("X", "Y")])
        )
        with pytest.raises(CommandError) as caught:
            call_command("import_observers", tmp_path / "people.csv", election=world.election.slug)
        assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
            "people.csv, line 2",
            "people.csv, line 3",
            "2 problems; nothing was changed.",
        ]


def test_a_code_is_longer_if_short_ones_are_taken(monkeypatch):
    monkeypatch.setattr("observer.services.importing.observer_import.secrets.choice", lambda letters: letters[0])
    assert generate_observer_code({"OB-2222"}) == "OB-22222"
