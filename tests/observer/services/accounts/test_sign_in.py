"""Signing in: password, second factor, recovery codes, throttling, ending sign-ins."""

import io
import re
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from observer.models import Grant, RecoveryCode, SecondFactor, SignIn, Trail, User, WrongGuess
from observer.services.accounts import login_throttle, two_factor
from observer.services.accounts.sign_ins import end_sign_ins
from tests.support.threads import run_concurrently
from tests.support.world import DAY, World

PASSWORD = "a long password indeed"
NOW = 1_111_111_109  # of RFC 6238's table
LOGIN, CODE, SETUP = "/admin/login/", "/admin/login/code/", "/admin/login/second-factor/"


@pytest.fixture
def second_factor_required(settings):
    settings.TWO_FACTOR = ["all"]


@pytest.fixture
def person(world: World) -> User:
    user = User.objects.create_user("aigul", password=PASSWORD, is_staff=True, language="kk")
    Grant.objects.create(user=user, role="territorial", commission=world.tree["KZ-1"])
    return user


def give_password(client: Client, name: str = "aigul", password: str = PASSWORD, **fields):
    return client.post(LOGIN, {"username": name, "password": password} | fields)


def code_now(user: User, ahead: int = 0) -> str:
    secret = SecondFactor.objects.get(user=user).secret
    return two_factor.compute_totp(secret=secret, step=int(timezone.now().timestamp()) // 30 + ahead)


def set_up(client: Client, user: User) -> list[str]:
    """The first sign-in, to its end.

    The recovery codes that were shown.
    """
    assert give_password(client)["Location"] == SETUP
    page = client.get(SETUP).content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page)
    assert secret and 'src="data:image/svg+xml' in page
    step = int(timezone.now().timestamp()) // 30 - 1  # so that the present code is still unused
    answer = client.post(SETUP, {"code": two_factor.compute_totp(secret=secret[1].replace(" ", ""), step=step)})
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    return re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", answer.content.decode())


class TestTotp:
    @pytest.mark.parametrize(
        ("second", "code"), [(59, "287082"), (NOW, "081804"), (1234567890, "005924"), (20000000000, "353130")]
    )
    def test_they_are_those_of_the_standard(self, second: int, code: str):
        secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"
        assert two_factor.compute_totp(secret=secret, step=second // 30) == code

    def test_a_clock_may_be_half_a_minute_off_and_no_more(self):
        secret = two_factor.make_secret()
        now = DAY
        current = int(now.timestamp()) // 30
        fits = [
            n
            for n in range(-3, 4)
            if two_factor.find_matching_step(
                secret=secret, code=two_factor.compute_totp(secret=secret, step=current + n), now=now
            )
            is not None
        ]
        assert fits == [-1, 0, 1]
        assert two_factor.find_matching_step(secret=secret, code="²²²²²²", now=now) is None


class TestFirstSignIn:
    def test_sets_the_second_step_up_and_shows_the_codes_once(self, second_factor_required, person, client):
        codes = set_up(client, person)
        assert len(codes) == 10
        assert client.get("/admin/").status_code == 200
        assert SignIn.objects.get(user=person).by_second_factor
        assert client.get(SETUP)["Location"] == "/desk/me/"
        kept = str(list(RecoveryCode.objects.values())) + str(list(Trail.objects.values()))
        assert not any(code in kept or code.replace("-", "") in kept for code in codes)
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM observer_secondfactor")
            assert SecondFactor.objects.get().secret not in str(cursor.fetchall())

    def test_a_password_alone_opens_nothing(self, second_factor_required, person, client):
        give_password(client)
        for address in ("/admin/", "/desk/", "/desk/me/", "/admin/reports/report/", "/admin/password_change/"):
            assert client.get(address).status_code == 302, address
            assert client.get(address)["Location"].startswith("/admin/login/"), address
        assert "_auth_user_id" not in client.session

    def test_a_wrong_code_sets_nothing_up(self, second_factor_required, person, client):
        give_password(client)
        assert client.post(SETUP, {"code": "000000"}).status_code == 200
        assert not SecondFactor.objects.exists()

    def test_it_speaks_the_users_language_from_then_on(self, person, client):
        give_password(client)
        assert '<html lang="kk"' in client.get("/admin/").content.decode()

    def test_it_leads_where_one_wanted_to_go_and_nowhere_else(self, person, client):
        assert give_password(client, next="/admin/reports/report/")["Location"] == "/admin/reports/report/"
        client.post("/admin/logout/")
        assert give_password(client, next="https://evil.example/")["Location"] == "/desk/"


class TestSecondStep:
    def test_asks_for_the_digits_each_time(self, second_factor_required, person, client):
        set_up(client, person)
        other = Client()
        assert give_password(other, next="/admin/reports/report/")["Location"] == CODE
        assert other.get("/admin/").status_code == 302
        assert other.get(SETUP)["Location"] == LOGIN  # it is not set up a second time by who knows the password
        answer = other.post(CODE, {"code": code_now(person)})
        assert answer["Location"] == "/admin/reports/report/"
        assert other.get("/admin/").status_code == 200

    def test_a_code_works_once(self, second_factor_required, person, client):
        set_up(client, person)
        code = code_now(person)
        for expected in (302, 200):
            other = Client()
            give_password(other)
            assert other.post(CODE, {"code": code}).status_code == expected

    def test_a_recovery_code_opens_once_however_it_is_typed(self, second_factor_required, person, client):
        code = set_up(client, person)[0]
        for given, expected in ((code.upper().replace("-", " "), 302), (code, 200)):
            other = Client()
            give_password(other)
            assert other.post(CODE, {"code": given}).status_code == expected
        assert Trail.objects.get(action="user.recovery_code").detail == {"left": 9}

    def test_the_step_dies_and_a_changed_password_ends_it(self, second_factor_required, person, client):
        set_up(client, person)
        other = Client()
        give_password(other)
        person.set_password("another long password")
        person.save()
        assert other.post(CODE, {"code": code_now(person)})["Location"] == LOGIN
        give_password(other, password="another long password")
        session = other.session
        session["signing_in"] = session["signing_in"] | {"at": timezone.now().timestamp() - 601}
        session.save()
        assert other.post(CODE, {"code": code_now(person)})["Location"] == LOGIN

    def test_who_set_it_up_is_asked_though_nobody_must(self, settings, person, client):
        settings.TWO_FACTOR = ["all"]
        set_up(client, person)
        settings.TWO_FACTOR = ["none"]
        other = Client()
        assert give_password(other)["Location"] == CODE

    @pytest.mark.parametrize(
        ("wanted", "compulsory"), [("all", True), ("none", False), ("territorial", True), ("lawyer", False)]
    )
    def test_the_setting_says_for_whom(self, settings, person, client, wanted, compulsory):
        settings.TWO_FACTOR = [wanted]
        assert (give_password(client)["Location"] == SETUP) is compulsory

    def test_a_stricter_setting_asks_those_who_are_already_in(self, settings, person, client):
        give_password(client)
        assert client.get("/admin/").status_code == 200
        settings.TWO_FACTOR = ["all"]
        assert client.get("/admin/")["Location"].startswith(LOGIN)
        assert client.get(LOGIN).status_code == 200

    def test_only_the_staff_gets_in(self, second_factor_required, person, client):
        User.objects.filter(pk=person.pk).update(is_staff=False)
        assert give_password(client).status_code == 200
        assert "signing_in" not in client.session


class TestRecovery:
    def test_an_administrator_resets_it_and_the_trail_says_so(self, second_factor_required, person, client, root):
        set_up(client, person)
        two_factor.reset_second_factor(user=person, by=root, now=timezone.now())
        assert client.get("/admin/").status_code == 302
        assert give_password(Client())["Location"] == SETUP
        assert Trail.objects.get(action="user.reset_second_factor").user == root

    def test_a_command_resets_it_too(self, second_factor_required, person, client):
        set_up(client, person)
        call_command("reset_second_factor", "aigul", stdout=io.StringIO())
        assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()

    def test_new_codes_void_the_old(self, second_factor_required, person, client):
        old = set_up(client, person)[0]
        assert client.post("/desk/me/", {"codes": "1"}).status_code == 200
        other = Client()
        give_password(other)
        assert other.post(CODE, {"code": old}).status_code == 200
        assert RecoveryCode.objects.filter(used_at=None).count() == 10


class TestThrottling:
    def test_one_person_at_one_address_is_stopped(self, person, client):
        for _ in range(login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS):
            assert give_password(client, password="wrong").status_code == 200
        answer = give_password(client)
        assert answer.status_code == 429
        assert "_auth_user_id" not in client.session

    def test_colleagues_in_the_same_office_are_not(self, person, client, root):
        root.set_password(PASSWORD)
        root.save()
        for _ in range(login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS + 5):
            give_password(client, password="wrong")
        assert give_password(Client(), name="root").status_code == 302

    def test_a_flood_stops_strangers_and_not_who_came_from_there_before(self, person, client):
        give_password(client)
        now = timezone.now()
        for key in ("address:127.0.0.1", *(f"account:{one}" for one in {row.key for row in WrongGuess.objects.all()})):
            WrongGuess.objects.bulk_create(WrongGuess(key=key, at=now) for _ in range(500))
        assert give_password(Client()).status_code == 302
        assert give_password(Client(), name="stranger").status_code == 429

    def test_a_correct_one_is_not_counted_and_wrong_ones_expire(self, person, client):
        for _ in range(30):
            assert give_password(Client()).status_code == 302
        for _ in range(login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS + 1):
            give_password(client, password="wrong")
        WrongGuess.objects.update(at=timezone.now() - timedelta(minutes=16))
        assert give_password(client).status_code == 302

    def test_tries_of_codes_are_limited(self, second_factor_required, person, client):
        set_up(client, person)
        other = Client()
        give_password(other)
        for _ in range(login_throttle.MAX_CODE_GUESSES):
            assert other.post(CODE, {"code": "000000"}).status_code in (200, 302)
        assert other.post(CODE, {"code": code_now(person)}).status_code == 429

    def test_names_are_not_kept(self, person, client):
        give_password(client, name="a-name-typed-into-the-wrong-field", password="wrong")
        assert "typed" not in str(list(WrongGuess.objects.values()))

    @pytest.mark.parametrize("name", ["\0", "x" * 5000, "²", "", "a\ud7ff"])
    def test_any_name_is_answered(self, world, client, name):
        assert give_password(client, name=name, password="\0").status_code == 200

    def test_works_without_the_cache(self, person, client, settings):
        """The cache of a full deployment may be lost.

        A throttle in the cache would then allow everything.
        """
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        for _ in range(login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS):
            give_password(client, password="wrong")
        assert give_password(client).status_code == 429


@pytest.mark.slow
class TestConcurrency:
    def test_one_code_signs_in_once(self, concurrent_world):
        user = User.objects.create_user("aigul", password=PASSWORD, is_staff=True)
        secret = two_factor.make_secret()
        step = int(DAY.timestamp()) // 30
        SecondFactor.objects.create(user=user, secret=secret, since=DAY)
        code = two_factor.compute_totp(secret=secret, step=step)
        opened = run_concurrently([partial(two_factor.check_code, user=user, code=code, now=DAY)] * 6)
        assert sorted(opened) == [False] * 5 + [True]

    def test_simultaneous_guesses_are_all_counted(self, concurrent_world):
        guess = partial(login_throttle.record_password_guess, username="x", address="192.0.2.1", now=DAY)
        told = run_concurrently([guess] * (login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS + 8))
        assert sum(one.allowed for one in told) <= login_throttle.MAX_GUESSES_PER_ACCOUNT_AND_ADDRESS


class TestSessions:
    def test_they_are_listed_and_ended_one_by_one(self, person, client):
        give_password(client)
        other = Client(headers={"user-agent": "Another browser"})
        give_password(other)
        page = client.get("/desk/me/").content.decode()
        assert "Another browser" in page
        client.post("/desk/me/", {"end": str(SignIn.objects.get(browser="Another browser").pk)})
        assert other.get("/admin/")["Location"].startswith(LOGIN)
        assert client.get("/admin/").status_code == 200

    @pytest.mark.parametrize("end", ["9" * 30, "x", "\0", "-1", ""])
    def test_nobody_ends_what_is_not_theirs(self, person, client, root, end):
        theirs = Client()
        theirs.force_login(root)
        theirs.get("/admin/")
        give_password(client)
        for one in (end, str(SignIn.objects.get(user=root).pk)):
            assert client.post("/desk/me/", {"end": one}).status_code == 302
        assert theirs.get("/admin/").status_code == 200

    def test_signing_out_ends_it(self, person, client):
        give_password(client)
        cookie = client.cookies["sessionid"].value
        client.post("/admin/logout/")
        assert SignIn.objects.get().ended_at is not None
        client.cookies["sessionid"] = cookie
        assert client.get("/admin/").status_code == 302

    def test_an_administrator_ends_all_with_an_entry_in_the_trail(self, person, client, root):
        give_password(client)
        assert end_sign_ins(user=person, by=root, now=timezone.now()) == 1
        assert client.get("/desk/me/").status_code == 302
        line = Trail.objects.filter(action="user.sign_out").latest("pk")
        assert (line.user, line.subject) == (root, f"user:{person.pk}")


class TestTrail:
    def test_has_the_client_address(self, person, client):
        give_password(client)
        assert Trail.objects.get(action="user.sign_in").address == "127.0.0.1"

    @pytest.mark.parametrize(
        ("given", "kept"), [("fe80::1%eth0", "fe80::1"), ("", None), ("unix:", None), ("::1", "::1")]
    )
    def test_takes_any_address(self, person, client, given, kept):
        client.post(LOGIN, {"username": "aigul", "password": PASSWORD}, REMOTE_ADDR=given)
        assert Trail.objects.get(action="user.sign_in").address == SignIn.objects.get().address == kept

    def test_entries_cannot_be_changed_or_deleted(self, person, client):
        give_password(client)
        for change in (lambda rows: rows.update(action="x"), lambda rows: rows.delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change(Trail.objects.all())
        assert Trail.objects.get().action == "user.sign_in"
