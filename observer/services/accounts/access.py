"""Which rows a user may see or change, and where.

Every list, page, action, look-up, file and export takes its rows from the querysets of this module, and from nowhere
else.
A grant is (user, role, commission, and optionally an organisation). `ROLES_BY_PERMISSION` says what a role may do;
a model's `row_scope` says to which territory and organisation its rows belong. A superuser has access to all rows.
A row that the user may not see is answered like a row that does not exist.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet

from observer.models import Commission, Election, Grant, User
from observer.models.row_scope import ROLES_BY_PERMISSION, Permission, RowScope

M = TypeVar("M", bound=Model)
AnyUser = User | AnonymousUser


def is_superuser(user: AnyUser) -> bool:
    """Whether the user is an active superuser."""
    return bool(user.is_active and user.is_superuser)


def load_grants(user: AnyUser, permission: Permission, election: Election | None = None) -> list[Grant]:
    """The user's grants that give `permission`.

    They are those in all elections or in one.
    The grants are read once and kept on the user object.
    """
    known: list[Grant] | None = getattr(user, "_grants", None)
    if known is None:
        active = bool(user.is_active and user.is_staff)
        known = list(Grant.objects.filter(user=user.pk).select_related("commission")) if active else []
        user._grants = known  # type: ignore[union-attr]
    in_election = known if election is None else [one for one in known if one.commission.election_id == election.pk]
    return [grant for grant in in_election if grant.role in ROLES_BY_PERMISSION[permission]]


def has_permission(user: AnyUser, permission: Permission, where: Election | Commission | None = None) -> bool:
    """Whether the user has `permission` at `where`.

    `where` is a commission, an election (true if the user has it somewhere in the election), or None (somewhere at
    all).
    """
    if is_superuser(user):
        return True
    grants = load_grants(user, permission)
    if isinstance(where, Election):
        return any(grant.commission.election_id == where.pk for grant in grants)
    if isinstance(where, Commission):
        return any(
            grant.commission.election_id == where.election_id and where.path.startswith(grant.commission.path)
            for grant in grants
        )
    return bool(grants)


def has_election_wide_permission(user: AnyUser, permission: Permission, election: Election | None = None) -> bool:
    """Whether the user has `permission` for the whole of an election.

    This needs a grant for the topmost commission without a limit to one organisation. None: for any one election.
    """
    return is_superuser(user) or any(is_election_wide(grant) for grant in load_grants(user, permission, election))


def is_election_wide(grant: Grant) -> bool:
    """Whether the grant is for the whole election.

    It is then for the topmost commission and for all organisations.
    """
    return grant.commission.depth == 0 and grant.organisation_id is None


def get_elections(user: AnyUser, permission: Permission = Permission.LOOK) -> "QuerySet[Election]":
    """The elections in which the user has `permission` somewhere."""
    rows = Election.objects.all()
    if is_superuser(user):
        return rows
    return rows.filter(pk__in={grant.commission.election_id for grant in load_grants(user, permission)})


def get_organisation_ids(user: AnyUser, permission: Permission, commission: Commission) -> frozenset[int] | None:
    """The organisations for which the user has `permission` at a commission.

    Their observers are meant.
    Returns their keys, or None for all organisations.
    """
    if is_superuser(user):
        return None
    organisation_ids: set[int] = set()
    for grant in load_grants(user, permission, commission.election):
        if commission.path.startswith(grant.commission.path):
            if grant.organisation_id is None:
                return None
            organisation_ids.add(grant.organisation_id)
    return frozenset(organisation_ids)


def describe_grants(user: AnyUser, permission: Permission, election: Election) -> list[str]:
    """The user's grants for `permission` in an election, as sorted texts.

    The texts are equal as long as the grants are: they are stored and compared later. A superuser has `["*"]`.
    """
    if is_superuser(user):
        return ["*"]
    grants = load_grants(user, permission, election)
    return sorted({f"{one.commission.path} {one.organisation_id or '*'}" for one in grants})


def get_visible_rows(user: AnyUser, model: type[M], election: Election | None = None) -> "QuerySet[M]":
    """The rows that the user may see.

    These are the rows for which the user has the model's view permission.
    """
    row_scope = get_row_scope(model)
    return get_permitted_rows(user, model, row_scope.view_permission if row_scope else Permission.LOOK, election)


def get_permitted_rows(
    user: AnyUser, model: type[M], permission: Permission, election: Election | None = None
) -> "QuerySet[M]":
    """The rows for which the user has `permission`.

    They are those in all elections or in one.
    A model without a row scope has rows for superusers only.
    """
    rows: QuerySet[M] = model._default_manager.all()
    row_scope = get_row_scope(model)
    if is_superuser(user):
        if election is None or row_scope is None:
            return rows
        return _filter_without_duplicates(rows, model, _build_election_condition(row_scope, election), row_scope)
    if row_scope is None:
        return rows.none()
    grants = load_grants(user, permission, election)
    by_grant = [_build_grant_condition(row_scope, grant, permission) for grant in grants]
    conditions = [one for one in by_grant if one is not None]
    return _filter_without_duplicates(rows, model, reduce(or_, conditions), row_scope) if conditions else rows.none()


def get_row_scope(model: type[Model]) -> RowScope | None:
    """The model's `row_scope`, or None where it has none."""
    return getattr(model, "row_scope", None)


def _build_election_condition(row_scope: RowScope, election: Election) -> Q:
    """The condition for rows that belong to one election."""
    if row_scope.owner_election_lookup is not None:
        return Q((row_scope.owner_election_lookup, election.pk))
    conditions = [Q((_join_lookup(lookup, "election"), election.pk)) for lookup in row_scope.commission_lookups]
    if row_scope.election_lookup is not None:
        conditions.append(Q((row_scope.election_lookup or "pk", election.pk)))
    return reduce(or_, conditions)


def _build_grant_condition(row_scope: RowScope, grant: Grant, permission: Permission) -> Q | None:
    """The condition for the rows that one grant gives access to.

    None where it gives access to none.
    The grant's role must have `permission` already.
    """
    is_viewing = permission == row_scope.view_permission
    in_organisation = Q()
    if grant.organisation_id is not None:
        if row_scope.organisation_lookup is not None:
            in_organisation = Q((row_scope.organisation_lookup or "pk", grant.organisation_id))
        elif not (row_scope.shared_by_organisations and is_viewing):
            return None
    commission = grant.commission
    conditions = [_build_territory_condition(lookup, commission) for lookup in row_scope.commission_lookups]
    if row_scope.election_lookup is not None and (commission.depth == 0 or (row_scope.visible_in_part and is_viewing)):
        conditions.append(Q((row_scope.election_lookup or "pk", commission.election_id)))
    if not conditions:
        return None
    owner_lookup = row_scope.owner_election_lookup
    in_election = Q() if owner_lookup is None else Q((owner_lookup, commission.election_id))
    return reduce(or_, conditions) & in_election & in_organisation


def _build_territory_condition(lookup: str, commission: Commission) -> Q:
    """The condition that a row is in the commission's territory.

    The commission at `lookup` must be this one or below it.
    """
    in_election = Q((_join_lookup(lookup, "election"), commission.election_id))
    if not commission.depth:
        return in_election
    return in_election & Q((_join_lookup(lookup, "path__startswith"), commission.path))


def _join_lookup(start: str, end: str) -> str:
    return f"{start}__{end}" if start else end


def _filter_without_duplicates(rows: "QuerySet[M]", model: type[M], condition: Q, row_scope: RowScope) -> "QuerySet[M]":
    """The rows that fulfil the condition, each once.

    A join over a multivalued look-up would repeat rows (an observer has several assignments), so it goes into a
    subquery.
    """
    used = (*row_scope.commission_lookups, row_scope.election_lookup, row_scope.organisation_lookup)
    if any(_is_multivalued(model, lookup) for lookup in used if lookup):
        return rows.filter(pk__in=model._default_manager.filter(condition).values("pk"))
    return rows.filter(condition)


def _is_multivalued(model: type[Model], lookup: str) -> bool:
    """Whether one row may have several values at `lookup`.

    True as well for a part that is no field.
    """
    current: Any = model
    for name in lookup.split("__"):
        try:
            field = current._meta.get_field(name)
        except FieldDoesNotExist:
            return True
        if field.one_to_many or field.many_to_many:
            return True
        current = field.related_model
    return False


OrganisationIds = frozenset[int] | None  # None: all organisations


@dataclass(frozen=True, slots=True)
class TerritoryScope:
    """A territory, and the organisations whose observers in it are meant."""

    commission: Commission
    organisations: OrganisationIds = None

    @property
    def key(self) -> str:
        """A cache key for the board of this scope."""
        whose = "all" if self.organisations is None else "-".join(map(str, sorted(self.organisations)))
        return f"board:{self.commission.pk}:{whose}"
