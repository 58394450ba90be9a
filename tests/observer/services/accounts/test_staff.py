"""Giving roles and resetting passwords within one's own territory only."""

import pytest
from django.test import Client

from observer.models import Grant, SecondFactor, Trail, User
from tests.support.world import DAY, World, make_election, make_tree

ADDRESS = "/desk/test-2022/staff/"


@pytest.fixture
def staff(world: World):
    def make(name: str, role: str, code: str) -> tuple[User, Client]:
        user, _made = User.objects.get_or_create(username=name, is_staff=True)
        Grant.objects.create(user=user, role=role, commission=world.tree[code])
        client = Client()
        client.force_login(user)
        return user, client

    return make


def give(client: Client, username: str = "new", role: str = "verifier", commission: str = "KZ-1-1", **fields):
    return client.post(
        ADDRESS, {"username": username, "role": role, "commission": commission, "language": "kk"} | fields
    )


class TestGivingARole:
    def test_makes_a_user_whose_password_is_shown_once(self, world, staff):
        _, client = staff("boss", "administrator", "KZ")
        page = give(client)
        password = page.content.decode().split('<code class="code">')[1].split("</code>")[0]
        user = User.objects.get(username="new")
        assert user.check_password(password) and user.language == "kk"
        assert "no-store" in page["Cache-Control"]
        assert password not in str(list(Trail.objects.values())) + client.get(ADDRESS).content.decode()
        detail = {"role": "verifier", "commission": "KZ-1-1", "user": user.pk}
        assert Trail.objects.get(action="grant.give").detail == detail
        assert Client().post("/admin/login/", {"username": "new", "password": password}).status_code == 302

    @pytest.mark.parametrize(
        "wrong",
        [
            {"commission": "KZ-2-1"},
            {"commission": "KZ"},
            {"commission": "no"},
            {"role": "superuser"},
            {"role": ""},
            {"username": ""},
            {"username": "a b\n"},
            {"username": "x" * 200},
            {"organisation": "9" * 30},
            {"commission": "\0"},
        ],
        ids=str,
    )
    def test_that_the_user_may_not_give_is_refused(self, world, staff, wrong):
        _, client = staff("boss", "administrator", "KZ-1")
        assert give(client, **wrong).status_code == 200
        assert Grant.objects.count() == 1
        assert not User.objects.filter(username="new").exists()

    def test_twice_creates_one_grant(self, world, staff):
        _, client = staff("boss", "administrator", "KZ")
        for _ in range(2):
            give(client)
        assert Grant.objects.filter(user__username="new").count() == 1

    def test_to_an_inactive_user_is_refused(self, world, staff):
        _, client = staff("boss", "administrator", "KZ")
        User.objects.create_user("new", is_staff=True, is_active=False)
        give(client)
        assert not Grant.objects.filter(user__username="new").exists()


class TestTakingARole:
    def test_works_only_within_the_territory(self, world, staff):
        _, client = staff("boss", "administrator", "KZ-1")
        staff("here", "verifier", "KZ-1-1")
        staff("there", "verifier", "KZ-2")
        for name, status in (("here", 302), ("there", 404)):
            key = Grant.objects.get(user__username=name).pk
            assert client.post(ADDRESS, {"take": key}).status_code == status
        assert not Grant.objects.filter(user__username="here").exists()
        assert Grant.objects.filter(user__username="there").exists()
        assert "there" not in client.get(ADDRESS).content.decode().split("<table>")[-1].split("</table>")[0]

    @pytest.mark.parametrize("key", ["", "x", "9" * 30, "\0", "-1", "²"])
    def test_answers_any_wrong_key_as_unknown(self, world, staff, key):
        _, client = staff("boss", "administrator", "KZ")
        for act in ("take", "second_factor", "password", "end"):
            assert client.post(ADDRESS, {act: key}).status_code == 404


class TestResettingAccess:
    def test_resets_the_second_factor_and_the_password(self, world, staff):
        _, client = staff("boss", "administrator", "KZ")
        user, theirs = staff("here", "verifier", "KZ-1")
        SecondFactor.objects.create(user=user, secret="A" * 32, since=DAY)
        assert theirs.get("/admin/").status_code == 200
        key = user.grants.get().pk
        assert client.post(ADDRESS, {"second_factor": key}).status_code == 302
        assert not SecondFactor.objects.exists()
        assert theirs.get("/admin/").status_code == 302
        page = client.post(ADDRESS, {"password": key}).content.decode()
        user.refresh_from_db()
        assert user.check_password(page.split('<code class="code">')[1].split("</code>")[0])
        assert set(
            Trail.objects.filter(subject=f"user:{user.pk}", user__username="boss").values_list("action", flat=True)
        ) >= {
            "user.reset_second_factor",
            "user.password",
        }

    def test_is_refused_for_users_with_more_rights(self, world, staff, root):
        """A user must not take over an account with more rights.

        An administrator of a district could otherwise take over the coordinator of the whole country.
        """
        _, client = staff("boss", "administrator", "KZ-1")
        user, _theirs = staff("wide", "verifier", "KZ-1")
        staff("wide", "national", "KZ")
        other, _ = staff("foreign", "verifier", "KZ-1")
        Grant.objects.create(user=other, role="reader", commission=make_tree(make_election("other"))["KZ"])
        Grant.objects.create(user=root, role="verifier", commission=world.tree["KZ-1"])
        for one in (user, other, root):
            key = one.grants.get(role="verifier").pk
            for act in ("second_factor", "password", "end"):
                assert client.post(ADDRESS, {act: key}).status_code == 404, (one.username, act)

    def test_nobody_else_sees_the_page(self, world, staff):
        for role in ("national", "territorial", "verifier", "lawyer", "publisher", "reader", "analyst"):
            _, client = staff(role, role, "KZ")
            assert client.get(ADDRESS).status_code == 404
            assert give(client).status_code == 404
        assert not User.objects.filter(username="new").exists()
