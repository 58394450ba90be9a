"""Imports of lists: the preview by line, and the confirmation that writes exactly what was shown, once."""

import io
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone
from openpyxl import Workbook

from observer.models import Assignment, Commission, Consent, Grant, Level, Observer, Organisation, Trail, User
from observer.services.importing import observer_import
from reports.models import Due, Import
from reports.services.elections.imports import (
    ImportResult,
    apply_import,
    create_import,
    delete_expired_imports,
    get_imports,
    load_preview,
)
from tests.support.imports import (
    ASSIGNMENT_HEADER,
    ASSIGNMENTS_CSV,
    COMMISSION_HEADER,
    OBSERVER_HEADER,
    make_csv,
    make_staff,
)
from tests.support.threads import run_concurrently
from tests.support.world import World, make_election, make_texts, make_tree

SECRETS = ("Aigul", "7011112233", "aigul@", "AC-77")


@pytest.fixture
def staff(world):
    return partial(make_staff, world)


def upload(world: World, user: User, kind: str, source: bytes) -> Import:
    return create_import(
        kind=kind, election=world.election, source=source, file="list.csv", user=user, now=timezone.now()
    )


def confirm(row: Import, user: User, leave_out: bool = False) -> ImportResult:
    stamp = Import.objects.get(pk=row.pk).stamp
    return apply_import(key=row.pk, stamp=stamp, leave_out=leave_out, user=user, now=timezone.now())


def read_preview(row: Import) -> dict[int, tuple]:
    lines = load_preview(row=Import.objects.get(pk=row.pk)).lines
    return {
        one.number: (str(one.state), [(c.field, c.old, c.new) for c in one.changes] or list(one.reasons))
        for one in lines
    }


def read_registry() -> tuple:
    people = [(o.code, o.name, o.phone, o.email, o.organisation_id) for o in Observer.objects.all()]
    sent = list(
        Assignment.objects.order_by("pk").values_list("commission", "role", "starts_at", "ends_at", "observers")
    )
    return people, sent, list(Commission.objects.order_by("pk").values_list()), Organisation.objects.count()


class TestCommissions:
    def test_are_previewed_and_then_written(self, world, staff):
        user = staff()
        before = read_registry()
        row = upload(
            world,
            user,
            "commissions",
            make_csv(
                COMMISSION_HEADER,
                "KZ-1-3,KZ-1,district,New,",
                "KZ-1-3-1,KZ-1-3,precinct,New too,X-1",
                "KZ-2,KZ,region,KZ-2 en,",
                "KZ-2-1,KZ-1,district,Moved,",
            ),
        )
        assert read_preview(row) == {
            2: ("new", [("parent", "", "KZ-1"), ("level", "", "district"), ("name_en", "", "New")]),
            3: (
                "new",
                [
                    ("parent", "", "KZ-1-3"),
                    ("level", "", "precinct"),
                    ("name_en", "", "New too"),
                    ("external_id", "", "X-1"),
                ],
            ),
            4: ("same", []),
            5: ("changed", [("parent", "KZ-2", "KZ-1"), ("name_en", "KZ-2-1 en", "Moved")]),
        }
        assert read_registry() == before and row.counts == {"new": 2, "changed": 1, "same": 1, "wrong": 0}
        assert confirm(row, user) == ImportResult(True)
        assert Commission.objects.get(code="KZ-2-1-1").path == "KZ/KZ-1/KZ-2-1/KZ-2-1-1/"
        assert {"KZ-2", "KZ-1", "KZ-2-1", "KZ-1-3-1"} <= {due.commission.code for due in Due.objects.all()}
        line = Trail.objects.get(action="commissions.import")
        assert line.user == user and line.detail["created"] == 2 and line.detail["left_out"] == 0

    def test_that_are_wrong_give_reasons_and_so_do_those_below_them(self, world, staff):
        row = upload(
            world,
            staff(),
            "commissions",
            make_csv(
                COMMISSION_HEADER,
                "A,B,district,A,",
                "B,A,district,B,",
                "C,ZZ,precinct,C,",
                "KZ-3,KZ,region,D,E-1",
                "KZ-4,KZ,region,E,E-1",
                "KZ-3,KZ,region,F,",
                "A-1,A,precinct,G,",
                "KZ-5,KZ,country,H,",
                "KZ-5-1,KZ-5,district,I,",
                "KZ-5-2,KZ-5-1,precinct,J,",
                "KZ-6,KZ,region",
                "Q,KZ,precinct,=1+1,",
            ),
        )
        found = {line: (kind, said) for line, (kind, said) in read_preview(row).items()}
        reasons = {line: said[0] for line, (kind, said) in found.items() if kind == "wrong"}
        assert reasons == {
            2: "is below itself, through parent B",
            3: "is below itself, through parent A",
            4: "parent ZZ is unknown",
            6: "external_id E-1 is there already",
            7: "code KZ-3 was already in line 5",
            8: "hangs below a line that is wrong",
            9: "level country is unknown; there are central, region, district, precinct",
            10: "hangs below a line that is wrong",
            11: "hangs below a line that is wrong",
            12: "has 3 cells where the header has 5",
        }
        assert [line for line, (kind, _said) in found.items() if kind == "new"] == [5, 13]

    def test_of_one_region_cannot_change_others(self, world, staff):
        user = staff(place="KZ-1")
        row = upload(
            world,
            user,
            "commissions",
            make_csv(
                COMMISSION_HEADER,
                "KZ-1,KZ,region,Mine,",
                "KZ-1-9,KZ-1,district,New,",
                "KZ-2-1,KZ-2,district,Theirs,",
                "KZ-2-9,KZ-2,district,New,",
                "KZ-1-1,KZ-2,district,Away,",
                "KZ,,central,Top,",
                "N,,region,Root,",
            ),
        )
        found = read_preview(row)
        assert [found[line][0] for line in range(2, 9)] == ["changed", "new", *["wrong"] * 5]
        assert found[4][1] == ["code KZ-2-1 cannot be used here"] and found[5][1] == ["parent KZ-2 is unknown"]
        assert confirm(row, user, leave_out=True).done
        assert Commission.objects.filter(code="KZ-2-1", names__en="KZ-2-1 en").exists()

    @pytest.mark.slow
    def test_of_real_size_need_a_bounded_number_of_queries(self, world, staff, django_assert_max_num_queries):
        user = staff()
        made = Workbook()
        made.active.append(COMMISSION_HEADER.split(","))
        for region in range(20):
            made.active.append([f"R-{region}", "KZ", "region", f"Region {region}", None])
        for n in range(10_081):
            made.active.append([f"P-{n}", f"R-{n % 20}", "precinct", f"Station {n}", n])
        out = io.BytesIO()
        made.save(out)
        with django_assert_max_num_queries(40):
            row = upload(world, user, "commissions", out.getvalue())
        assert row.counts["new"] == 10_101
        with django_assert_max_num_queries(200):
            assert confirm(row, user).done
        assert Commission.objects.filter(election=world.election).count() == 10_101 + 19


class TestObservers:
    LINES = (
        "OB-2222,,+77011112233,,,org,KZ-1-1-1; KZ-1-1-3,,,2026-11-21",
        ",Aigul,+7 701 222 33 44,aigul@example.org,kk,org,KZ-1-1-3,mobile,AC-77,21.11.2026",
        "OB-3333,,,,,org,,,,",
    )

    def test_are_previewed_without_personal_data_and_then_written(self, world, staff):
        Observer.objects.get(code="OB-3333").elections.add(world.election)
        user = staff()
        row = upload(world, user, "observers", make_csv(OBSERVER_HEADER, *self.LINES))
        found = read_preview(row)
        assert found[2] == (
            "changed",
            [
                ("phone", "", ""),
                ("accredited_until", "", "2026-11-21"),
                ("commissions", "", "KZ-1-1-3"),
                ("elections", "", "+"),
            ],
        )
        assert found[3][0] == "new" and ("name", "", "") in found[3][1] and ("role", "", "mobile") in found[3][1]
        assert found[4] == ("same", [])
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM reports_import")
            cells = str(cursor.fetchall())
        kept = str(read_preview(row)) + cells + str(list(Trail.objects.values_list("detail", flat=True)))
        assert not [secret for secret in SECRETS if secret in kept]
        assert confirm(row, user).done
        row.refresh_from_db()
        [[line, code]] = row.codes
        made = Observer.objects.get(code=code)
        assert line == 3 and (made.name, made.email, made.accreditation_number) == (
            "Aigul",
            "aigul@example.org",
            "AC-77",
        )
        assert (row.table, row.lines, row.file) == ("", "", "")
        assert Trail.objects.filter(action="observers.import").get().detail["created"] == 1

    def test_that_are_wrong_give_reasons_without_personal_data(self, world, staff):
        Observer.objects.filter(code="OB-3333").update(phone_lookup="")
        one = Observer.objects.get(code="OB-2222")
        one.phone = "+77017654321"
        one.update_contact_lookups()
        one.save()
        row = upload(
            world,
            staff(),
            "observers",
            make_csv(
                OBSERVER_HEADER,
                ",Aigul,+77017654321,,kk,org,,,,",
                ",B,+77011112233,,kk,org,,,,",
                ",C,8 (701),,kk,org,,,,",
                ",D,+7 701 111 22 33,,kk,org,,,,",
                ",E,,aigul@,kk,org,,,,",
                ",F,,,kk,org,KZ-9,,,",
                ",G,,,kk,org,,,,someday",
            ),
        )
        found = read_preview(row)
        assert {line: said for line, (kind, said) in found.items() if kind == "wrong"} == {
            2: ["the phone is that of observer OB-2222"],
            4: ["the phone is not a phone number"],
            5: ["the phone was already in line 3"],
            6: ["the e-mail is not an address"],
            7: ["commission KZ-9 is unknown"],
            8: ["accredited_until is not a date like 2026-11-20"],
        }
        assert not [secret for secret in SECRETS if secret in str(found)]

    def test_of_one_region_are_added_there_only(self, world, staff):
        elsewhere = world.enrol_phone("OB-5555", "KZ-2-1-1").observer
        row = upload(
            world,
            staff(role="territorial", place="KZ-1"),
            "observers",
            make_csv(
                OBSERVER_HEADER,
                "OB-5555,New name,,,,org,KZ-1-1-1,,,",
                f",N,{elsewhere.phone},,kk,org,KZ-1-1-1,,,",
                ",O,,,kk,org,KZ-2-1-1,,,",
                ",P,,,kk,org,,,,",
                ",Q,,,kk,Nobody knows,KZ-1-1-1,,,",
                "OB-2222,,,,ru,org,,,,",
            ),
        )
        found = read_preview(row)
        # A phone within the own territory is reported; observers outside count as unknown.
        assert found[2] == ("wrong", ["code OB-5555 cannot be used here"])
        assert found[4] == ("wrong", ["commission KZ-2-1-1 is unknown"])
        assert found[5][0] == "wrong" and "your territory only" in found[5][1][0]
        assert found[6] == ("wrong", ["organisation Nobody knows is unknown"])
        assert found[7][0] == "changed"

    def test_a_phone_known_in_another_territory_is_not_revealed(self, world, staff):
        far = world.enrol_phone("OB-5555", "KZ-2-1-1").observer
        far.phone = "+77770001122"
        far.update_contact_lookups()
        far.save()
        row = upload(
            world,
            staff(role="territorial", place="KZ-1"),
            "observers",
            make_csv(
                OBSERVER_HEADER,
                ",N,+77770001122,,kk,org,KZ-1-1-1,,,",
                f",{far.name},+77770001123,,kk,org,KZ-1-1-1,,,",
            ),
        )
        assert [kind for kind, _said in read_preview(row).values()] == ["new", "new"]

    def test_of_another_organisation_are_refused(self, world, staff):
        other = Organisation.objects.create(code="other", names=make_texts("other"))
        row = upload(
            world,
            staff(role="national", organisation=other),
            "observers",
            make_csv(
                OBSERVER_HEADER,
                ",N,,,kk,org,KZ-1-1-1,,,",
                ",O,,,kk,other,KZ-1-1-1,,,",
                "OB-2222,,,,ru,other,,,,",
            ),
        )
        assert [kind for kind, _said in read_preview(row).values()] == ["wrong", "new", "wrong"]


class TestAssignments:
    def test_of_another_elections_observer_ask_for_consent_again(self, world, staff):
        other = make_election("other-2022")
        Grant.objects.create(user=staff(), role="administrator", commission=make_tree(other)["KZ"])
        user = User.objects.get(username="coordinator")
        world.first.observer.elections.add(world.election)
        source = make_csv(ASSIGNMENT_HEADER, "OB-2222,KZ-1-1-1,,,")
        row = create_import(kind="assignments", election=other, source=source, file="f", user=user, now=timezone.now())
        assert confirm(row, user).done and Consent.objects.pending().get().election == other

    def test_are_previewed_and_written_in_local_time(self, world, staff):
        Commission.objects.filter(code="KZ-1-1-3").update(external_id="X-3")
        user = staff()
        row = upload(
            world,
            user,
            "assignments",
            make_csv(
                ASSIGNMENT_HEADER,
                "OB-2222,KZ-1-1-1,,,",
                "OB-2222,X-3,mobile,2026-11-20 06:30,20.11.2026",
                "OB-3333,KZ-1-1-2,long_term,,2026-11-21",
            ),
        )
        assert read_preview(row) == {
            2: ("same", []),
            3: (
                "new",
                [
                    ("commission", "", "KZ-1-1-3"),
                    ("role", "", "mobile"),
                    ("starts_at", "", "2026-11-20 06:30"),
                    ("ends_at", "", "2026-11-21 00:00"),
                ],
            ),
            4: ("changed", [("role", "stationary", "long_term"), ("ends_at", "", "2026-11-22 00:00")]),
        }
        assert confirm(row, user).done
        made = Assignment.objects.get(commission__code="KZ-1-1-3")
        assert made.starts_at.isoformat() == "2026-11-20T01:30:00+00:00"  # Almaty has kept UTC+5 since 2024
        again = upload(
            world, user, "assignments", make_csv(ASSIGNMENT_HEADER, "OB-2222,X-3,mobile,2026-11-20 06:30,20.11.2026")
        )
        assert again.counts["same"] == 1

    def test_that_are_wrong_give_reasons(self, world, staff):
        row = upload(
            world,
            staff(role="territorial", place="KZ-1"),
            "assignments",
            make_csv(
                ASSIGNMENT_HEADER,
                "OB-9999,KZ-1-1-1,,,",
                "OB-2222,KZ-2-1-1,,,",
                "OB-2222,KZ-1-1-2,boss,,",
                "OB-2222,KZ-1-1-3,,tomorrow,",
                "OB-2222,KZ-1,,2026-11-21,2026-11-20",
                "OB-3333,KZ-1-1-3,,,",
                "OB-3333,KZ-1-1-3,,,",
            ),
        )
        found = {line: said[0] for line, (kind, said) in read_preview(row).items() if kind == "wrong"}
        assert found[2] == "observer OB-9999 is unknown" and found[3] == "commission KZ-2-1-1 is unknown"
        assert "role boss" in found[4] and "starts_at" in found[5] and found[6] == "ends before it begins"
        assert found[8] == "the same observer and commission were already in line 7" and 7 not in found


class TestConfirmation:
    def test_leaves_wrong_lines_out_only_on_request(self, world, staff):
        user = staff()
        row = upload(world, user, "assignments", ASSIGNMENTS_CSV)
        before = read_registry()
        assert confirm(row, user) == ImportResult(False) and read_registry() == before
        assert confirm(row, user, leave_out=True).done
        assert Assignment.objects.filter(commission__code="KZ-1-1-2").count() == 2
        assert Trail.objects.get(action="assignments.import").detail["left_out"] == 1

    def test_writes_nothing_where_lines_have_changed_and_marks_them(self, world, staff):
        user = staff()
        row = upload(
            world,
            user,
            "commissions",
            make_csv(COMMISSION_HEADER, "KZ-1-1-1,KZ-1-1,precinct,Renamed,", "KZ-1-1-2,KZ-1-1,precinct,Two,"),
        )
        Commission.objects.filter(code="KZ-1-1-1").update(names=make_texts("A colleague's"))
        before = read_registry()
        assert confirm(row, user) == ImportResult(False, frozenset({2}))
        assert read_registry() == before
        assert read_preview(row)[2][1] == [("name_en", "A colleague's en", "Renamed")]
        assert confirm(row, user).done  # after the new preview was shown

    def test_of_an_older_preview_writes_nothing(self, world, staff):
        user = staff()
        row = upload(world, user, "assignments", ASSIGNMENTS_CSV)
        answer = apply_import(key=row.pk, stamp="of before", leave_out=True, user=user, now=timezone.now())
        assert answer == ImportResult(False) and not Import.objects.get(pk=row.pk).done_at

    def test_by_a_user_who_lost_their_role_writes_nothing(self, world, staff):
        user = staff(role="territorial", place="KZ-1")
        row = upload(world, user, "assignments", make_csv(ASSIGNMENT_HEADER, "OB-2222,KZ-1-1-2,,,"))
        Grant.objects.all().delete()
        user = User.objects.get(pk=user.pk)
        assert confirm(row, user) == ImportResult(False, frozenset({2}))
        assert not get_imports(user=user, election=world.election, now=timezone.now()).exists()

    def test_notices_a_row_that_changes_between_check_and_write(self, world, staff, monkeypatch):
        user = staff()
        row = upload(world, user, "observers", make_csv(OBSERVER_HEADER, "OB-2222,New,,,,org,,,,"))
        original_plan = observer_import.plan_observer_import

        def meanwhile(**given):
            plan = original_plan(**given)
            one = Observer.objects.get(code="OB-2222")
            one.name = "A colleague's"
            one.save()
            return plan

        monkeypatch.setattr("reports.services.elections.imports.observer_import.plan_observer_import", meanwhile)
        assert not confirm(row, user).done
        monkeypatch.undo()
        assert Observer.objects.get(code="OB-2222").name != "New"
        assert not Trail.objects.filter(action="observers.import").exists()

    def test_of_a_replaced_or_expired_list_is_not_possible(self, world, staff):
        user, now = staff(), timezone.now()
        first = upload(world, user, "assignments", ASSIGNMENTS_CSV)
        second = upload(world, user, "assignments", ASSIGNMENTS_CSV)
        assert not Import.objects.filter(pk=first.pk).exists()
        with pytest.raises(Import.DoesNotExist):
            apply_import(key=second.pk, stamp=second.stamp, leave_out=True, user=user, now=now + timedelta(hours=13))
        assert delete_expired_imports(now=now) == 0 and delete_expired_imports(now=now + timedelta(hours=13)) == 1


def confirm_concurrently(world: World, user: User) -> None:
    row = upload(
        world,
        user,
        "observers",
        make_csv(OBSERVER_HEADER, *[f",Name {n},+7701{n:07},,kk,org,KZ-1-1-1,,," for n in range(1, 51)]),
    )
    press = lambda: apply_import(key=row.pk, stamp=row.stamp, leave_out=False, user=user, now=timezone.now())  # noqa: E731
    assert [answer.done for answer in run_concurrently([press] * 4)] == [True] * 4
    assert Observer.objects.count() == 52 and Assignment.objects.count() == 52
    assert Trail.objects.filter(action="observers.import").count() == 1


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def user(self, world: World, name: str) -> User:
        user = User.objects.create_user(name, is_staff=True)
        Grant.objects.create(user=user, role="administrator", commission=world.tree["KZ"])
        return user

    def test_four_confirmations_are_one_import(self, concurrent_world):
        confirm_concurrently(concurrent_world, self.user(concurrent_world, "one"))

    def test_of_two_users_with_the_same_list_one_must_check_again(self, concurrent_world):
        world = concurrent_world
        users = [self.user(world, name) for name in ("one", "two")]
        source = make_csv(OBSERVER_HEADER, ",Name,+77015556677,,kk,org,KZ-1-1-1,,,")
        rows = [upload(world, user, "observers", source) for user in users]
        calls = [
            lambda row=row, user=user: apply_import(
                key=row.pk, stamp=row.stamp, leave_out=False, user=user, now=timezone.now()
            )
            for row, user in zip(rows, users, strict=True)
        ]
        answers = run_concurrently(calls)
        assert sorted(answer.done for answer in answers) == [False, True]
        assert Observer.objects.count() == 3 and Trail.objects.filter(action="observers.import").count() == 1


def test_levels_can_be_given_by_name(world, staff):
    Level.objects.filter(code="region").update(names={"ru": "Область"})
    row = upload(world, staff(), "commissions", make_csv(COMMISSION_HEADER, "KZ-3,KZ,область,New,"))
    assert read_preview(row)[2][1][1] == ("level", "", "region")


def test_an_observer_of_another_election_is_asked_for_consent_again(world, staff):
    other = make_election("other-2022")
    Grant.objects.create(user=staff(), role="administrator", commission=make_tree(other)["KZ"])
    user = User.objects.get(username="coordinator")
    world.first.observer.elections.add(world.election)
    row = create_import(
        kind="observers",
        election=other,
        source=make_csv(OBSERVER_HEADER, "OB-2222,,,,,org,,,,", ",N,,,kk,org,,,,"),
        file="f",
        user=user,
        now=timezone.now(),
    )
    assert [read_preview(row)[line][0] for line in (2, 3)] == ["changed", "new"] and confirm(row, user).done
    assert [(one.observer.code, one.election) for one in Consent.objects.pending()] == [("OB-2222", other)]
