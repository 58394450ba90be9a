"""Permissions: which rows a user may see and change."""

import pytest

from observer.models import Commission, Device, Election, Grant, Observer, Organisation, User
from observer.models.row_scope import ROLES_BY_PERMISSION, Permission, Role
from observer.services.accounts import access
from reports.models import Checklist, Report
from tests.support.desk import make_report
from tests.support.world import World, make_election, make_phone, make_texts, make_tree


@pytest.fixture
def clerk(world: World):
    def make(role: str, code: str, **fields) -> User:
        user, _ = User.objects.get_or_create(username="clerk", is_staff=True)
        Grant.objects.create(user=user, role=role, commission=world.tree[code], **fields)
        return User.objects.get(pk=user.pk)

    return make


class TestRolesAndPermissions:
    def test_every_role_may_look_and_every_permission_has_a_role(self):
        assert set(ROLES_BY_PERMISSION) == set(Permission)
        assert ROLES_BY_PERMISSION[Permission.LOOK] == set(Role)
        assert all(Role.ADMINISTRATOR in roles for roles in ROLES_BY_PERMISSION.values())

    def test_a_reader_may_only_look(self):
        assert [verb for verb in Permission if Role.READER in ROLES_BY_PERMISSION[verb]] == [Permission.LOOK]


class TestPlaces:
    def test_a_grant_gives_access_to_its_commission_and_all_below(self, world, clerk):
        user = clerk("territorial", "KZ-1-1")
        codes = set(access.get_visible_rows(user, Commission).values_list("code", flat=True))
        assert codes == {"KZ-1-1", "KZ-1-1-1", "KZ-1-1-2", "KZ-1-1-3"}
        assert access.has_permission(user, Permission.VERIFY, world.tree["KZ-1-1-2"])
        assert not access.has_permission(user, Permission.VERIFY, world.tree["KZ-1"])
        assert not access.has_permission(user, Permission.SETUP, world.tree["KZ-1-1"])

    def test_a_code_with_the_same_beginning_is_not_in_the_territory(self, world, clerk):
        level = world.tree["KZ-1-1"].level
        Commission.objects.create(
            election=world.election,
            parent=world.tree["KZ-1"],
            level=level,
            code="KZ-1-11",
            path="KZ/KZ-1/KZ-1-11/",
            depth=2,
            names=make_texts("x"),
        )
        assert not access.get_visible_rows(clerk("reader", "KZ-1-1"), Commission).filter(code="KZ-1-11").exists()

    def test_rows_come_once_if_two_grants_give_access(self, world, clerk):
        clerk("territorial", "KZ")
        user = clerk("verifier", "KZ-1")
        make_report(world)
        assert access.get_visible_rows(user, Report).count() == 1
        assert access.get_visible_rows(user, Observer).count() == 2

    def test_each_permission_has_its_own_territory(self, world, clerk):
        clerk("reader", "KZ")
        user = clerk("verifier", "KZ-2")
        report = make_report(world)
        assert list(access.get_visible_rows(user, Report)) == [report]
        assert not access.get_permitted_rows(user, Report, Permission.VERIFY).exists()

    def test_election_wide_rows_are_visible_in_a_part_and_changed_for_the_whole_only(self, world, clerk):
        user = clerk("administrator", "KZ-1")
        assert access.get_visible_rows(user, Checklist).exists()
        assert not access.get_permitted_rows(user, Checklist, Permission.SETUP).exists()
        assert not access.has_election_wide_permission(user, Permission.SETUP, world.election)
        user = clerk("administrator", "KZ")
        assert access.get_permitted_rows(user, Checklist, Permission.SETUP).exists()


class TestElections:
    def test_a_grant_in_one_election_gives_no_access_to_another(self, world, clerk):
        """The same observer takes part in two elections.

        A coordinator of the second must not see or revoke the device of the first.
        """
        second = make_election("second")
        tree = make_tree(second)
        user, _ = User.objects.get_or_create(username="clerk", is_staff=True)
        Grant.objects.create(user=user, role="national", commission=tree["KZ"])
        second.assignments.create(commission=tree["KZ-1"]).observers.add(world.first.observer)
        assert not access.get_visible_rows(user, Device).exists()
        here = make_phone(world.first.observer, second).device
        user = User.objects.get(pk=user.pk)
        assert list(access.get_visible_rows(user, Device)) == [here]
        assert list(access.get_elections(user)) == [second]
        assert list(access.get_visible_rows(user, Observer)) == [world.first.observer]

    def test_a_superuser_can_be_limited_to_one_election(self, world, root):
        second = make_election("second")
        make_tree(second)
        assert access.get_visible_rows(root, Commission).count() == 38
        assert access.get_visible_rows(root, Commission, second).count() == 19
        assert set(access.get_elections(root)) == set(Election.objects.all())


class TestOrganisations:
    def test_a_limited_grant_gives_access_to_its_organisation_and_shared_rows(self, world, clerk):
        make_report(world)
        other = Organisation.objects.create(code="other", names=make_texts("other"))
        user = clerk("territorial", "KZ", organisation=other)
        assert not access.get_visible_rows(user, Report).exists()
        assert access.get_visible_rows(user, Commission).exists()
        assert not access.has_election_wide_permission(user, Permission.REGISTER)
        ours = clerk("territorial", "KZ", organisation=world.organisation)
        assert access.get_visible_rows(ours, Report).count() == 1


class TestFormerStaff:
    @pytest.mark.parametrize("fields", [{"is_active": False}, {"is_staff": False}])
    def test_have_access_to_nothing(self, world, clerk, fields):
        user = clerk("administrator", "KZ")
        User.objects.filter(pk=user.pk).update(**fields)
        user = User.objects.get(pk=user.pk)
        assert not access.has_permission(user, Permission.LOOK)
        assert not access.get_visible_rows(user, Commission).exists()
