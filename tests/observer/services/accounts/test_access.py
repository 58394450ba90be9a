"""The one module that answers who may do what where."""

import pytest

from observer.models import Commission, Device, Election, Grant, Observer, Organisation, User
from observer.models.reach import MAY, Role, Verb
from observer.services.accounts import access
from reports.models import Checklist, Report
from tests.support.desk import told
from tests.support.world import World, make_election, make_phone, make_tree, words


@pytest.fixture
def clerk(world: World):
    def make(role: str, code: str, **fields) -> User:
        user, _ = User.objects.get_or_create(username="clerk", is_staff=True)
        Grant.objects.create(user=user, role=role, commission=world.tree[code], **fields)
        return User.objects.get(pk=user.pk)

    return make


class TestTheTableOfRoles:
    def test_every_role_may_look_and_every_verb_has_a_role(self):
        assert set(MAY) == set(Verb)
        assert MAY[Verb.LOOK] == set(Role)
        assert all(Role.ADMINISTRATOR in roles for roles in MAY.values())

    def test_a_reader_may_only_look(self):
        assert [verb for verb in Verb if Role.READER in MAY[verb]] == [Verb.LOOK]


class TestPlaces:
    def test_a_grant_opens_its_commission_and_all_below(self, world, clerk):
        user = clerk("territorial", "KZ-1-1")
        codes = set(access.visible(user, Commission).values_list("code", flat=True))
        assert codes == {"KZ-1-1", "KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"}
        assert access.may(user, Verb.VERIFY, world.tree["KZ-1-1-2"])
        assert not access.may(user, Verb.VERIFY, world.tree["KZ-1"])
        assert not access.may(user, Verb.SETUP, world.tree["KZ-1-1"])

    def test_a_longer_code_is_no_territory(self, world, clerk):
        level = world.tree["KZ-1-1"].level
        Commission.objects.create(
            election=world.election,
            parent=world.tree["KZ-1"],
            level=level,
            code="KZ-1-11",
            path="KZ/KZ-1/KZ-1-11/",
            depth=2,
            names=words("x"),
        )
        assert not access.visible(clerk("reader", "KZ-1-1"), Commission).filter(code="KZ-1-11").exists()

    def test_rows_come_once_though_two_grants_open_them(self, world, clerk):
        clerk("territorial", "KZ")
        user = clerk("verifier", "KZ-1")
        told(world)
        assert access.visible(user, Report).count() == 1
        assert access.visible(user, Observer).count() == 2

    def test_each_verb_has_its_own_territory(self, world, clerk):
        clerk("reader", "KZ")
        user = clerk("verifier", "KZ-2")
        report = told(world)
        assert list(access.visible(user, Report)) == [report]
        assert not access.reachable(user, Report, Verb.VERIFY).exists()

    def test_what_belongs_to_the_whole_is_shown_to_a_part_and_changed_by_the_whole(self, world, clerk):
        user = clerk("administrator", "KZ-1")
        assert access.visible(user, Checklist).exists()
        assert not access.reachable(user, Checklist, Verb.SETUP).exists()
        assert not access.may_whole(user, Verb.SETUP, world.election)
        user = clerk("administrator", "KZ")
        assert access.reachable(user, Checklist, Verb.SETUP).exists()


class TestElections:
    def test_another_election_of_the_same_people_is_another(self, world, clerk):
        """One observer in two elections: a coordinator of the second neither sees nor revokes the first's phone."""
        second = make_election("second")
        tree = make_tree(second)
        user, _ = User.objects.get_or_create(username="clerk", is_staff=True)
        Grant.objects.create(user=user, role="national", commission=tree["KZ"])
        second.assignments.create(commission=tree["KZ-1"]).observers.add(world.first.observer)
        assert not access.visible(user, Device).exists()
        here = make_phone(world.first.observer, second).device
        user = User.objects.get(pk=user.pk)
        assert list(access.visible(user, Device)) == [here]
        assert list(access.elections(user)) == [second]
        assert list(access.visible(user, Observer)) == [world.first.observer]

    def test_a_superuser_sees_one_election_where_one_is_asked(self, world, root):
        second = make_election("second")
        make_tree(second)
        assert access.visible(root, Commission).count() == 38
        assert access.visible(root, Commission, second).count() == 19
        assert set(access.elections(root)) == set(Election.objects.all())


class TestOrganisations:
    def test_a_limited_grant_opens_its_own_and_what_all_share(self, world, clerk):
        told(world)
        other = Organisation.objects.create(code="other", names=words("other"))
        user = clerk("territorial", "KZ", organisation=other)
        assert not access.visible(user, Report).exists()
        assert access.visible(user, Commission).exists()
        assert not access.may_whole(user, Verb.REGISTER)
        ours = clerk("territorial", "KZ", organisation=world.organisation)
        assert access.visible(ours, Report).count() == 1


class TestWhoIsNobody:
    @pytest.mark.parametrize("fields", [{"is_active": False}, {"is_staff": False}])
    def test_who_left_the_staff_reaches_nothing(self, world, clerk, fields):
        user = clerk("administrator", "KZ")
        User.objects.filter(pk=user.pk).update(**fields)
        user = User.objects.get(pk=user.pk)
        assert not access.may(user, Verb.LOOK)
        assert not access.visible(user, Commission).exists()
