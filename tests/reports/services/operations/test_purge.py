"""Purge: personal data is gone, even from the database's files, and every figure stays the same."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from observer import crypto
from observer.models import Assignment, Call, Election, EnrolmentCode, Observer, Trail, User
from observer.models.fields import EncryptedTextField
from reports.models import Case, Refusal, Report, Summary, Violation
from reports.models.case import CaseComment
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.operations.purge import CASE_TEXT_COLUMNS, ElectionNotClosed, count_purge, purge_people
from tests.support.desk import make_report
from tests.support.intake import send_report
from tests.support.world import DAY, World, make_election, make_tree, payload

AFTER = DAY + timedelta(days=30)


def close_election(election: Election) -> Election:
    Election.objects.filter(pk=election.pk).update(state="closed")
    election.refresh_from_db()
    return election


def fill_world(world: World) -> World:
    make_report(world, answers={"V03": "yes", "V15": "no", "V90": "bad"})
    make_report(world, world.second, commission="KZ-1-1-2")
    send_report(world.first, payload(answers={"V99": "yes"}))  # refused
    Call.objects.create(
        election=world.election,
        commission=world.tree["KZ-1-1-1"],
        observer=world.first.observer,
        at=DAY,
        user=User.objects.create(username="desk"),
        said="She said her neighbour's name",
    )
    recompute_due_summaries(now=lambda: DAY)
    return world


def read_database() -> bytes:
    """Reads all bytes of the SQLite files, or on PostgreSQL all values of the tables."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return b"".join(Path(name + end).read_bytes() for end in ("", "-wal") if Path(name + end).exists())
    with connection.cursor() as cursor:
        found = b""
        for table in ("observer_observer", "observer_call", "observer_device", "reports_report", "reports_refusal"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += "\n".join(row[0] for row in cursor.fetchall()).encode()
    return found


def read_encrypted_values() -> list[bytes]:
    """Reads the encrypted values, which somebody with the keys could still decrypt."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, phone, email FROM observer_observer")
        found = [one.encode() for row in cursor.fetchall() for one in row if one]
        for table in ("reports_report", "reports_refusal"):
            cursor.execute(f"SELECT body FROM {table}")
            found += [bytes(row[0]) for row in cursor.fetchall()]
    return [one for one in found if one]


@pytest.mark.slow
class TestPurge:
    """Uses committed data, because `VACUUM` cannot run in a transaction."""

    def test_deletes_names_and_keeps_figures(self, concurrent_world):
        world = fill_world(concurrent_world)
        before, secrets = list(Summary.objects.order_by("pk").values()), read_encrypted_values()
        assert secrets
        if connection.vendor == "sqlite":
            assert all(one in read_database() for one in secrets)
        done = purge_people(election=close_election(world.election), user=None, now=AFTER)
        assert (done.observers, done.bodies, done.calls, done.devices) == (2, 3, 1, 2)
        everything = read_database()
        assert not [one for one in secrets if one in everything]
        assert set(Observer.objects.values_list("name", "phone", "email", "phone_lookup", "email_lookup")) == {
            ("",) * 5
        }
        assert not EnrolmentCode.objects.exists()
        assert not world.election.devices.filter(revoked_at=None).exists()
        assert not world.election.devices.exclude(name="").exists()
        assert Call.objects.get().said == ""
        assert list(Summary.objects.order_by("pk").values()) == before
        call_command("check_summaries", stdout=io.StringIO())
        assert {crypto.decrypt_body(bytes(row.body)) for row in (*Report.objects.all(), *Refusal.objects.all())} == {
            b""
        }
        assert Report.objects.count() == 2 and Refusal.objects.count() == 1
        assert Trail.objects.get(action="election.purge").detail["observers"] == 2

    def test_a_second_time_finds_nothing(self, concurrent_world):
        world = fill_world(concurrent_world)
        purge_people(election=close_election(world.election), user=None, now=AFTER)
        again = purge_people(election=world.election, user=None, now=AFTER)
        assert (again.observers, again.bodies, again.calls) == (0, 0, 0)

    def test_keeps_names_of_observers_in_another_open_election(self, concurrent_world):
        world = fill_world(concurrent_world)
        tree = make_tree(other := make_election("other"))
        Assignment.objects.create(election=other, commission=tree["KZ"]).observers.add(world.first.observer)
        assert purge_people(election=close_election(world.election), user=None, now=AFTER).observers == 1
        world.first.observer.refresh_from_db()
        assert world.first.observer.name
        assert not Report.objects.exclude(body=b"").exists()

    def test_keeps_reports_and_observers_of_a_case_under_legal_hold(self, concurrent_world):
        world = fill_world(concurrent_world)
        case = Case.objects.create(commission=world.tree["KZ-1-1-1"], created_at=DAY, legal_hold=True)
        Violation.objects.filter(code="FRD-05").update(case=case)
        done = purge_people(election=close_election(world.election), user=None, now=AFTER)
        assert (done.observers, done.held_observers, done.held_bodies) == (1, 1, 1)
        assert Report.objects.exclude(body=b"").get().violations.filter(case=case).exists()
        world.first.observer.refresh_from_db()
        assert world.first.observer.name and Call.objects.get().said

    def test_the_command_is_a_dry_run_without_confirmation(self, concurrent_world):
        world = fill_world(concurrent_world)
        out = io.StringIO()
        call_command("purge_people", "test-2022", stdout=out)
        assert "Nothing was done" in out.getvalue() and "observers        2" in out.getvalue()
        assert count_purge(election=world.election).observers == 2
        with pytest.raises(CommandError, match="not closed"):
            call_command("purge_people", "test-2022", "--confirm", "test-2022", stdout=out)
        close_election(world.election)
        call_command("purge_people", "test-2022", "--confirm", "test-2022", stdout=out)
        assert count_purge(election=world.election).observers == 0
        with pytest.raises(CommandError, match="no election"):
            call_command("purge_people", "unknown", stdout=out)


KEPT_COLUMNS = {"observer.SecondFactor.secret"}  # belongs to staff, who are not purged


class TestCompleteness:
    def test_every_encrypted_column_is_purged(self):
        taken = {f"observer.Observer.{name}" for name in ("name", "phone", "email", "accreditation_number")}
        taken |= {f"reports.Import.{name}" for name in ("file", "table", "lines")}  # with its row
        taken |= {"observer.Call.said", "observer.Election.relay_secret"}
        taken |= {f"{model._meta.label}.{name}" for model, name in CASE_TEXT_COLUMNS}
        columns = {
            f"{model._meta.label}.{field.name}"
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if isinstance(field, EncryptedTextField)
        }
        assert columns == taken | KEPT_COLUMNS

    @pytest.mark.slow
    def test_texts_of_closed_cases_without_legal_hold_are_deleted(self, concurrent_world):
        world, user = fill_world(concurrent_world), User.objects.get(username="desk")
        Election.objects.filter(pk=world.election.pk).update(relay_secret="AGE-SECRET-KEY-1")
        for closed_at, hold in ((DAY, False), (None, False), (DAY, True)):
            case = Case.objects.create(
                commission=world.tree["KZ"], created_at=DAY, closed_at=closed_at, legal_hold=hold
            )
            CaseComment.objects.create(case=case, user=user, at=DAY, text="It was her neighbour")
        purge_people(election=close_election(world.election), user=None, now=AFTER)
        assert [one.text for one in CaseComment.objects.order_by("pk")] == ["", *["It was her neighbour"] * 2]
        world.election.refresh_from_db()
        assert world.election.relay_secret == ""


class TestTooEarly:
    def test_an_open_election_cannot_be_purged(self, world):
        with pytest.raises(ElectionNotClosed):
            purge_people(election=world.election, user=None, now=AFTER)
        with pytest.raises(ElectionNotClosed):
            purge_people(election=close_election(world.election), user=None, now=DAY)
