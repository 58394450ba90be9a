"""A phone becomes a device by a one-time code, and speaks by a token that can be revoked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from observer.models import Consent, Device, EnrolmentCode, Trail
from observer.services.devices.enrolment import (
    InvalidCode,
    code_plain,
    consent_record,
    device_by_token,
    device_revoke,
    device_used,
    enrol,
    enrolment_create,
    enrolment_transfer,
)
from tests.support.world import DAY, World, make_election

PHONE = UUID("018f0000-0000-7000-8000-000000000001")
OTHER = UUID("018f0000-0000-7000-8000-000000000002")


def code_for(world: World, **fields) -> str:
    return enrolment_create(observer=world.first.observer, election=world.election, now=DAY, **fields)


def use(code: str, device_id: UUID | None = PHONE, after: timedelta = timedelta(), name: str = "Galaxy A14"):
    return enrol(code=code, device_name=name, device_id=device_id, now=DAY + after)


class TestACode:
    def test_is_shown_in_two_groups_of_crockfords_alphabet_and_kept_as_a_keyed_hash(self, world):
        code = code_for(world)
        assert len(code) == 9 and code[4] == "-"
        assert set(code.replace("-", "")) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        row = EnrolmentCode.objects.get()
        assert len(row.code_hmac) == 64
        assert code.replace("-", "") not in row.code_hmac.upper()
        assert row.expires_at == DAY + timedelta(hours=72)

    @pytest.mark.parametrize("typed", ["m4tq7hxv", "M4TQ 7HXV", " m4tq–7hxv ", "M4-TQ-7H-XV"])
    def test_is_read_however_it_was_typed(self, typed):
        assert code_plain(typed) == "M4TQ7HXV"

    def test_letters_that_look_like_digits_are_digits(self):
        assert code_plain("oOiI-lL00") == "00111100"

    def test_is_accepted_in_lower_case_without_its_dash(self, world):
        assert use(code_for(world).lower().replace("-", " ")).device.observer == world.first.observer

    def test_works_once(self, world):
        code = code_for(world)
        use(code, None)
        with pytest.raises(InvalidCode):
            use(code, None)
        with pytest.raises(InvalidCode):
            use(code, OTHER)

    @pytest.mark.parametrize("wrong", ["", "AAAA-AAAA", "\x00", "я" * 500])
    def test_that_nobody_made_is_invalid(self, world, wrong):
        with pytest.raises(InvalidCode):
            use(wrong)

    def test_expires_after_72_hours(self, world):
        code = code_for(world)
        with pytest.raises(InvalidCode):
            use(code, after=timedelta(hours=72))
        assert use(code, after=timedelta(hours=72) - timedelta(seconds=1))

    def test_of_a_transfer_expires_after_ten_minutes_and_is_for_the_same_observer(self, world):
        device = world.first.device
        code, late = enrolment_transfer(device=device, now=DAY), enrolment_transfer(device=device, now=DAY)
        moved = use(code, OTHER, timedelta(minutes=9)).device
        assert (moved.observer, moved.election) == (device.observer, device.election)
        with pytest.raises(InvalidCode):
            use(late, OTHER, timedelta(minutes=10))

    def test_keeps_control_characters_and_long_names_out_of_the_device(self, world):
        assert use(code_for(world), name="A\x00B" + "x" * 500).device.name == "A B" + "x" * 117


class TestAnAnswerThatWasLost:
    def test_is_given_again_to_the_same_device_with_a_fresh_token(self, world):
        code = code_for(world)
        first, again = use(code), use(code, after=timedelta(hours=23))
        assert again.device == first.device
        assert device_by_token(again.token) == first.device
        assert device_by_token(first.token) is None

    def test_is_not_given_again_after_24_hours(self, world):
        code = code_for(world)
        use(code)
        with pytest.raises(InvalidCode):
            use(code, after=timedelta(hours=24, seconds=1))

    def test_is_not_given_again_to_a_revoked_device(self, world):
        code = code_for(world)
        device_revoke(device=use(code).device, user=None, now=DAY)
        with pytest.raises(InvalidCode):
            use(code)


class TestTwoPhonesWithOneCode:
    @pytest.mark.django_db(transaction=True)
    def test_at_once_make_one_device(self, concurrent_world):
        code, start = code_for(concurrent_world), Barrier(8)
        before = Device.objects.count()

        def one(number: int) -> bool:
            start.wait()
            try:
                use(code, UUID(int=number + 1))
                return True
            except InvalidCode:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(one, range(8))) == 1
        assert Device.objects.count() == before + 1


class TestAToken:
    def test_is_found_in_one_query_that_reads_nothing_encrypted(self, world):
        token = use(code_for(world)).token
        with CaptureQueriesContext(
            connection,
        ) as queries:
            device = device_by_token(token)
            assert device is not None
            assert device.observer.code == "OB-2222"
            assert device.election.window("voting") == (world.election.opens_at, world.election.closes_at)
            assert (device.election.slug, device.election.timezone, device.revoked_at) == (
                "test-2022",
                "Asia/Almaty",
                None,
            )
            assert device.observer.organisation_id == world.organisation.pk
        assert len(queries) == 1
        for secret in ("phone", "email", "accreditation_number", '"observer_observer"."name"', "rules"):
            assert secret not in queries[0]["sql"]

    @pytest.mark.parametrize("wrong", ["", "x", "\x00", "\ud800"])
    def test_that_nobody_holds_finds_nothing(self, world, wrong):
        assert device_by_token(wrong) is None

    def test_of_a_revoked_device_is_still_found_so_that_it_can_be_told(self, world):
        enrolled = use(code_for(world))
        device_revoke(device=enrolled.device, user=None, now=DAY)
        device_revoke(device=enrolled.device, user=None, now=DAY + timedelta(hours=1))
        found = device_by_token(enrolled.token)
        assert found is not None and found.revoked_at == DAY
        assert Trail.objects.filter(action="device.revoke").count() == 1

    def test_is_noted_as_used_every_five_minutes_at_most(self, world, django_assert_num_queries):
        device = device_by_token(use(code_for(world)).token)
        with django_assert_num_queries(0):
            device_used(device=device, now=DAY + timedelta(minutes=4))
        with django_assert_num_queries(1):
            device_used(device=device, now=DAY + timedelta(minutes=6))
            device_used(device=device, now=DAY + timedelta(minutes=7))
        device.refresh_from_db()
        assert device.last_used_at == DAY + timedelta(minutes=6)


class TestConsent:
    def test_is_kept_with_version_and_date_and_an_older_one_changes_nothing(self, world):
        observer = world.first.observer
        for version, hours in ((2, 1), (1, 2), (2, 3)):
            now = DAY + timedelta(hours=hours)
            consent_record(observer=observer, election=world.election, version=version, given_at=now, received_at=DAY)
        consent = Consent.objects.get()
        assert (consent.version, consent.at) == (2, DAY + timedelta(hours=1))
        assert Trail.objects.filter(action="observer.consent").count() == 1


class TestTheCommand:
    def test_prints_a_code_that_works_as_its_last_line(self, world, capsys):
        call_command("enrol", "OB-2222")
        code = capsys.readouterr().out.splitlines()[-1]
        assert enrol(code=code, device_name="", device_id=None, now=EnrolmentCode.objects.get().created_at)

    def test_finds_the_election_the_observer_takes_part_in(self, world, capsys):
        make_election("another")
        call_command("enrol", "OB-2222")
        assert EnrolmentCode.objects.get().election == world.election

    def test_fails_where_the_election_is_ambiguous(self, world, capsys):
        world.enrolled("OB-4444")
        Device.objects.filter(observer__code="OB-4444").delete()
        make_election("another")
        with pytest.raises(CommandError, match=r"another, test-2022"):
            call_command("enrol", "OB-4444")
        call_command("enrol", "OB-4444", election="another")
        assert EnrolmentCode.objects.get().election.slug == "another"

    def test_refuses_an_election_that_the_observer_takes_no_part_in(self, world, capsys):
        make_election("another")
        with pytest.raises(CommandError, match=r"OB-2222 takes no part in another, but in test-2022\."):
            call_command("enrol", "OB-2222", election="another")
        assert not EnrolmentCode.objects.exists()
        assert capsys.readouterr().out == ""

    def test_takes_one_that_they_were_imported_for_though_sent_nowhere(self, world, tmp_path):
        another = make_election("another")
        file = tmp_path / "observers.csv"
        file.write_text("code,name,phone,language,organisation\nOB-2222,,,,org\nOB-7777,,,,org\n")
        call_command("import_observers", str(file), election="another")
        call_command("enrol", "OB-2222", election="another")
        call_command("enrol", "OB-7777")
        with pytest.raises(CommandError, match="takes no part in test-2022"):
            call_command("enrol", "OB-7777", election="test-2022")
        assert {row.election for row in EnrolmentCode.objects.all()} == {another}

    @pytest.mark.parametrize("arguments", [["OB-9999"], ["OB-2222", "--election", "nowhere"]])
    def test_fails_where_there_is_no_such_observer_or_election(self, world, arguments):
        with pytest.raises(CommandError):
            call_command("enrol", *arguments)
        assert not EnrolmentCode.objects.exists()
