"""After the election nobody is named any more, not even in the files, and every figure is what it was."""

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
from reports.services.figures.refresh import summaries_refresh
from reports.services.operations.purge import OF_CASES, NotYet, people_counted, people_purge
from tests.support.desk import told
from tests.support.door import send
from tests.support.world import DAY, World, make_election, make_tree, payload

AFTER = DAY + timedelta(days=30)


def close(election: Election) -> Election:
    Election.objects.filter(pk=election.pk).update(state="closed")
    election.refresh_from_db()
    return election


def observed(world: World) -> World:
    told(world, answers={"V03": "yes", "V15": "no", "V90": "bad"})
    told(world, world.second, commission="KZ-1-1-2")
    send(world.first, payload(answers={"V99": "yes"}))  # refused
    Call.objects.create(
        election=world.election,
        commission=world.tree["KZ-1-1-1"],
        observer=world.first.observer,
        at=DAY,
        user=User.objects.create(username="desk"),
        said="She said her neighbour's name",
    )
    summaries_refresh(now=lambda: DAY)
    return world


def stored() -> bytes:
    """Every byte that the database's own files hold, or, of PostgreSQL, every value of the tables."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return b"".join(Path(name + end).read_bytes() for end in ("", "-wal") if Path(name + end).exists())
    with connection.cursor() as cursor:
        found = b""
        for table in ("observer_observer", "observer_call", "observer_device", "reports_report", "reports_refusal"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += "\n".join(row[0] for row in cursor.fetchall()).encode()
    return found


def tokens() -> list[bytes]:
    """What the encrypted columns hold: what a thief with the keys could still read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, phone, email FROM observer_observer")
        found = [one.encode() for row in cursor.fetchall() for one in row if one]
        for table in ("reports_report", "reports_refusal"):
            cursor.execute(f"SELECT body FROM {table}")
            found += [bytes(row[0]) for row in cursor.fetchall()]
    return [one for one in found if one]


@pytest.mark.slow
class TestPurge:
    """Committed, because it rewrites the files: `VACUUM` runs in no transaction."""

    def test_nobody_is_named_and_every_figure_stays(self, concurrent_world):
        world = observed(concurrent_world)
        before, secrets = list(Summary.objects.order_by("pk").values()), tokens()
        assert secrets
        if connection.vendor == "sqlite":
            assert all(one in stored() for one in secrets)
        done = people_purge(election=close(world.election), user=None, now=AFTER)
        assert (done.observers, done.bodies, done.calls, done.devices) == (2, 3, 1, 2)
        everything = stored()
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

    def test_again_finds_nothing_more(self, concurrent_world):
        world = observed(concurrent_world)
        people_purge(election=close(world.election), user=None, now=AFTER)
        again = people_purge(election=world.election, user=None, now=AFTER)
        assert (again.observers, again.bodies, again.calls) == (0, 0, 0)

    def test_who_is_in_another_open_election_keeps_the_name(self, concurrent_world):
        world = observed(concurrent_world)
        tree = make_tree(other := make_election("other"))
        Assignment.objects.create(election=other, commission=tree["KZ"]).observers.add(world.first.observer)
        assert people_purge(election=close(world.election), user=None, now=AFTER).observers == 1
        world.first.observer.refresh_from_db()
        assert world.first.observer.name
        assert not Report.objects.exclude(body=b"").exists()

    def test_a_case_on_hold_keeps_its_own(self, concurrent_world):
        world = observed(concurrent_world)
        case = Case.objects.create(commission=world.tree["KZ-1-1-1"], created_at=DAY, legal_hold=True)
        Violation.objects.filter(code="FRD-05").update(case=case)
        done = people_purge(election=close(world.election), user=None, now=AFTER)
        assert (done.observers, done.held_observers, done.held_bodies) == (1, 1, 1)
        assert Report.objects.exclude(body=b"").get().violations.filter(case=case).exists()
        world.first.observer.refresh_from_db()
        assert world.first.observer.name and Call.objects.get().said

    def test_the_command_is_a_dry_run_until_it_is_said_twice(self, concurrent_world):
        world = observed(concurrent_world)
        out = io.StringIO()
        call_command("purge_people", "test-2022", stdout=out)
        assert "Nothing was done" in out.getvalue() and "observers        2" in out.getvalue()
        assert people_counted(election=world.election).observers == 2
        with pytest.raises(CommandError, match="not closed"):
            call_command("purge_people", "test-2022", "--confirm", "test-2022", stdout=out)
        close(world.election)
        call_command("purge_people", "test-2022", "--confirm", "test-2022", stdout=out)
        assert people_counted(election=world.election).observers == 0
        with pytest.raises(CommandError, match="no election"):
            call_command("purge_people", "unknown", stdout=out)


KEPT = {"observer.SecondFactor.secret"}  # the desk's own people, who go on


class TestNothingIsForgotten:
    def test_every_encrypted_column_is_taken(self):
        taken = {f"observer.Observer.{name}" for name in ("name", "phone", "email", "accreditation_number")}
        taken |= {f"reports.Import.{name}" for name in ("file", "table", "lines")}  # with its row
        taken |= {"observer.Call.said", "observer.Election.relay_secret"}
        taken |= {f"{model._meta.label}.{name}" for model, name in OF_CASES}
        columns = {
            f"{model._meta.label}.{field.name}"
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if isinstance(field, EncryptedTextField)
        }
        assert columns == taken | KEPT

    @pytest.mark.slow
    def test_words_of_a_case_go_when_it_is_closed_and_nothing_holds_it(self, concurrent_world):
        world, user = observed(concurrent_world), User.objects.get(username="desk")
        Election.objects.filter(pk=world.election.pk).update(relay_secret="AGE-SECRET-KEY-1")
        for closed_at, hold in ((DAY, False), (None, False), (DAY, True)):
            case = Case.objects.create(
                commission=world.tree["KZ"], created_at=DAY, closed_at=closed_at, legal_hold=hold
            )
            CaseComment.objects.create(case=case, user=user, at=DAY, text="It was her neighbour")
        people_purge(election=close(world.election), user=None, now=AFTER)
        assert [one.text for one in CaseComment.objects.order_by("pk")] == ["", *["It was her neighbour"] * 2]
        world.election.refresh_from_db()
        assert world.election.relay_secret == ""


class TestTooEarly:
    def test_an_open_election_needs_its_people(self, world):
        with pytest.raises(NotYet):
            people_purge(election=world.election, user=None, now=AFTER)
        with pytest.raises(NotYet):
            people_purge(election=close(world.election), user=None, now=DAY)
