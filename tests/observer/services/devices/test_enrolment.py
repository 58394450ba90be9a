"""Enrolling a phone by a one-time code, and its token."""

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
    create_enrolment_code,
    create_transfer_code,
    enrol_device,
    find_device_by_token,
    mark_device_used,
    normalize_code,
    record_consent,
    revoke_device,
)
from tests.support.world import DAY, World, make_election

PHONE = UUID("018f0000-0000-7000-8000-000000000001")
OTHER = UUID("018f0000-0000-7000-8000-000000000002")


def make_code(world: World, **fields) -> str:
    return create_enrolment_code(observer=world.first.observer, election=world.election, now=DAY, **fields)


def enrol(code: str, device_id: UUID | None = PHONE, after: timedelta = timedelta(), name: str = "Galaxy A14"):
    return enrol_device(code=code, device_name=name, device_id=device_id, now=DAY + after)


class TestACode:
    def test_is_shown_in_two_groups_of_crockfords_alphabet_and_kept_as_a_keyed_hash(self, world):
        code = make_code(world)
        assert len(code) == 9 and code[4] == "-"
        assert set(code.replace("-", "")) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        row = EnrolmentCode.objects.get()
        assert len(row.code_hmac) == 64
        assert code.replace("-", "") not in row.code_hmac.upper()
        assert row.expires_at == DAY + timedelta(hours=72)

    @pytest.mark.parametrize("typed", ["m4tq7hxv", "M4TQ 7HXV", " m4tq–7hxv ", "M4-TQ-7H-XV"])
    def test_is_read_however_it_was_typed(self, typed):
        assert normalize_code(typed) == "M4TQ7HXV"

    def test_letters_that_look_like_digits_are_digits(self):
        assert normalize_code("oOiI-lL00") == "00111100"

    def test_is_accepted_in_lower_case_without_its_dash(self, world):
        assert enrol(make_code(world).lower().replace("-", " ")).device.observer == world.first.observer

    def test_works_once(self, world):
        code = make_code(world)
        enrol(code, None)
        with pytest.raises(InvalidCode):
            enrol(code, None)
        with pytest.raises(InvalidCode):
            enrol(code, OTHER)

    @pytest.mark.parametrize("wrong", ["", "AAAA-AAAA", "\x00", "я" * 500])
    def test_that_does_not_exist_is_invalid(self, world, wrong):
        with pytest.raises(InvalidCode):
            enrol(wrong)

    def test_expires_after_72_hours(self, world):
        code = make_code(world)
        with pytest.raises(InvalidCode):
            enrol(code, after=timedelta(hours=72))
        assert enrol(code, after=timedelta(hours=72) - timedelta(seconds=1))

    def test_of_a_transfer_expires_after_ten_minutes_and_is_for_the_same_observer(self, world):
        device = world.first.device
        code, late = create_transfer_code(device=device, now=DAY), create_transfer_code(device=device, now=DAY)
        moved = enrol(code, OTHER, timedelta(minutes=9)).device
        assert (moved.observer, moved.election) == (device.observer, device.election)
        with pytest.raises(InvalidCode):
            enrol(late, OTHER, timedelta(minutes=10))

    def test_keeps_control_characters_and_long_names_out_of_the_device(self, world):
        assert enrol(make_code(world), name="A\x00B" + "x" * 500).device.name == "A B" + "x" * 117


class TestALostAnswer:
    def test_is_given_again_to_the_same_device_with_a_fresh_token(self, world):
        code = make_code(world)
        first, again = enrol(code), enrol(code, after=timedelta(hours=23))
        assert again.device == first.device
        assert find_device_by_token(again.token) == first.device
        assert find_device_by_token(first.token) is None

    def test_is_not_given_again_after_24_hours(self, world):
        code = make_code(world)
        enrol(code)
        with pytest.raises(InvalidCode):
            enrol(code, after=timedelta(hours=24, seconds=1))

    def test_is_not_given_again_to_a_revoked_device(self, world):
        code = make_code(world)
        revoke_device(device=enrol(code).device, user=None, now=DAY)
        with pytest.raises(InvalidCode):
            enrol(code)


class TestTwoPhonesWithOneCode:
    @pytest.mark.django_db(transaction=True)
    def test_at_once_make_one_device(self, concurrent_world):
        code, start = make_code(concurrent_world), Barrier(8)
        before = Device.objects.count()

        def one(number: int) -> bool:
            start.wait()
            try:
                enrol(code, UUID(int=number + 1))
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
        token = enrol(make_code(world)).token
        with CaptureQueriesContext(
            connection,
        ) as queries:
            device = find_device_by_token(token)
            assert device is not None
            assert device.observer.code == "OB-2222"
            assert device.election.get_window("voting") == (world.election.opens_at, world.election.closes_at)
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
    def test_that_does_not_exist_finds_no_device(self, world, wrong):
        assert find_device_by_token(wrong) is None

    def test_of_a_revoked_device_is_still_found_so_that_it_can_be_told(self, world):
        enrolled = enrol(make_code(world))
        revoke_device(device=enrolled.device, user=None, now=DAY)
        revoke_device(device=enrolled.device, user=None, now=DAY + timedelta(hours=1))
        found = find_device_by_token(enrolled.token)
        assert found is not None and found.revoked_at == DAY
        assert Trail.objects.filter(action="device.revoke").count() == 1

    def test_is_noted_as_used_every_five_minutes_at_most(self, world, django_assert_num_queries):
        device = find_device_by_token(enrol(make_code(world)).token)
        with django_assert_num_queries(0):
            mark_device_used(device=device, now=DAY + timedelta(minutes=4))
        with django_assert_num_queries(1):
            mark_device_used(device=device, now=DAY + timedelta(minutes=6))
            mark_device_used(device=device, now=DAY + timedelta(minutes=7))
        device.refresh_from_db()
        assert device.last_used_at == DAY + timedelta(minutes=6)


class TestConsent:
    def test_is_kept_with_version_and_date_and_an_older_one_changes_nothing(self, world):
        observer = world.first.observer
        for version, hours in ((2, 1), (1, 2), (2, 3)):
            now = DAY + timedelta(hours=hours)
            record_consent(observer=observer, election=world.election, version=version, given_at=now, received_at=DAY)
        consent = Consent.objects.get()
        assert (consent.version, consent.at) == (2, DAY + timedelta(hours=1))
        assert Trail.objects.filter(action="observer.consent").count() == 1


class TestTheCommand:
    def test_prints_a_code_that_works_as_its_last_line(self, world, capsys):
        call_command("enrol", "OB-2222")
        code = capsys.readouterr().out.splitlines()[-1]
        assert enrol_device(code=code, device_name="", device_id=None, now=EnrolmentCode.objects.get().created_at)

    def test_finds_the_election_the_observer_takes_part_in(self, world, capsys):
        make_election("another")
        call_command("enrol", "OB-2222")
        assert EnrolmentCode.objects.get().election == world.election

    def test_fails_where_the_election_is_ambiguous(self, world, capsys):
        world.enrol_phone("OB-4444")
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
