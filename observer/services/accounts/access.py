"""Who may do what where. The only way from a user to a row, for every list, page, action, look-up, file and export.

A grant is (user, role, commission, perhaps an organisation). What its role may do is `MAY`, where a row
lies is the model's `reach`. A superuser runs the platform and reaches everything. Whatever a user does not
reach is answered as what does not exist: take rows from these querysets and from nowhere else.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet

from observer.models import Commission, Election, Grant, User
from observer.models.reach import MAY, Reach, Verb

M = TypeVar("M", bound=Model)
Reader = User | AnonymousUser


def is_superuser(user: Reader) -> bool:
    return bool(user.is_active and user.is_superuser)


def grants_of(user: Reader, verb: Verb, election: Election | None = None) -> list[Grant]:
    """The user's grants that allow `verb`, all or those in one election; read once for each loaded user."""
    known: list[Grant] | None = getattr(user, "_grants", None)
    if known is None:
        active = bool(user.is_active and user.is_staff)
        known = list(Grant.objects.filter(user=user.pk).select_related("commission")) if active else []
        user._grants = known  # type: ignore[union-attr]
    within = known if election is None else [one for one in known if one.commission.election_id == election.pk]
    return [grant for grant in within if grant.role in MAY[verb]]


def may(user: Reader, verb: Verb, where: Election | Commission | None = None) -> bool:
    """Whether the user may do it anywhere; anywhere in an election; at a commission."""
    if is_superuser(user):
        return True
    grants = grants_of(user, verb)
    if isinstance(where, Election):
        return any(grant.commission.election_id == where.pk for grant in grants)
    if isinstance(where, Commission):
        return any(
            grant.commission.election_id == where.election_id and where.path.startswith(grant.commission.path)
            for grant in grants
        )
    return bool(grants)


def may_whole(user: Reader, verb: Verb, election: Election | None = None) -> bool:
    """Whether the user may do it for a whole election (or any): by a grant for its root and every organisation."""
    return is_superuser(user) or any(is_whole(grant) for grant in grants_of(user, verb, election))


def is_whole(grant: Grant) -> bool:
    return grant.commission.depth == 0 and grant.organisation_id is None


def elections(user: Reader, verb: Verb = Verb.LOOK) -> "QuerySet[Election]":
    """The elections in which the user may do `verb` somewhere."""
    rows = Election.objects.all()
    if is_superuser(user):
        return rows
    return rows.filter(pk__in={grant.commission.election_id for grant in grants_of(user, verb)})


def organisations(user: Reader, verb: Verb, commission: Commission) -> frozenset[int] | None:
    """Whose observers the user may do it to there: those of some organisations, or everybody's (None)."""
    if is_superuser(user):
        return None
    own: set[int] = set()
    for grant in grants_of(user, verb, commission.election):
        if commission.path.startswith(grant.commission.path):
            if grant.organisation_id is None:
                return None
            own.add(grant.organisation_id)
    return frozenset(own)


def scopes(user: Reader, verb: Verb, election: Election) -> list[str]:
    """By which permissions the user does it there, as texts that stay the same while these do."""
    if is_superuser(user):
        return ["*"]
    return sorted({f"{one.commission.path} {one.organisation_id or '*'}" for one in grants_of(user, verb, election)})


def visible(user: Reader, model: type[M], election: Election | None = None) -> "QuerySet[M]":
    """The rows of whose existence the user may know."""
    reach = reach_of(model)
    return reachable(user, model, reach.look if reach else Verb.LOOK, election)


def reachable(user: Reader, model: type[M], verb: Verb, election: Election | None = None) -> "QuerySet[M]":
    """The rows to which the user may do `verb`, in all elections or in one."""
    rows: QuerySet[M] = model._default_manager.all()
    reach = reach_of(model)
    if is_superuser(user):
        return rows if election is None or reach is None else _once(rows, model, _in_election(reach, election), reach)
    if reach is None:
        return rows.none()
    opened = [_opened(reach, grant, verb) for grant in grants_of(user, verb, election)]
    conditions = [one for one in opened if one is not None]
    return _once(rows, model, reduce(or_, conditions), reach) if conditions else rows.none()


def reach_of(model: type[Model]) -> Reach | None:
    return getattr(model, "reach", None)


def _in_election(reach: Reach, election: Election) -> Q:
    if reach.bound is not None:
        return Q((reach.bound, election.pk))
    conditions = [Q((_join(place, "election"), election.pk)) for place in reach.places]
    if reach.election is not None:
        conditions.append(Q((reach.election or "pk", election.pk)))
    return reduce(or_, conditions)


def _opened(reach: Reach, grant: Grant, verb: Verb) -> Q | None:
    """Which rows one grant opens to a verb that its role allows; None where it opens none."""
    ours = Q()
    if grant.organisation_id is not None:
        if reach.organisation is not None:
            ours = Q((reach.organisation or "pk", grant.organisation_id))
        elif not (reach.shared and verb == reach.look):
            return None
    commission = grant.commission
    conditions = [_within(place, commission) for place in reach.places]
    if reach.election is not None and (commission.depth == 0 or (reach.part and verb == reach.look)):
        conditions.append(Q((reach.election or "pk", commission.election_id)))
    if not conditions:
        return None
    bound = Q() if reach.bound is None else Q((reach.bound, commission.election_id))
    return reduce(or_, conditions) & bound & ours


def _within(place: str, commission: Commission) -> Q:
    here = Q((_join(place, "election"), commission.election_id))
    return here & Q((_join(place, "path__startswith"), commission.path)) if commission.depth else here


def _join(start: str, end: str) -> str:
    return f"{start}__{end}" if start else end


def _once(rows: "QuerySet[M]", model: type[M], condition: Q, reach: Reach) -> "QuerySet[M]":
    """Each row once, though the way to its place may fork (an observer has several assignments)."""
    ways = [way for way in (*reach.places, reach.election, reach.organisation) if way]
    if any(_forks(model, way) for way in ways):
        return rows.filter(pk__in=model._default_manager.filter(condition).values("pk"))
    return rows.filter(condition)


def _forks(model: type[Model], way: str) -> bool:
    here: Any = model
    for name in way.split("__"):
        try:
            field = here._meta.get_field(name)
        except FieldDoesNotExist:
            return True
        if field.one_to_many or field.many_to_many:
            return True
        here = field.related_model
    return False


Organisations = frozenset[int] | None  # whose observers; None: everybody's


@dataclass(frozen=True, slots=True)
class Scope:
    """What one board is about: a territory, and whose observers in it."""

    commission: Commission
    organisations: Organisations = None

    @property
    def key(self) -> str:
        whose = "all" if self.organisations is None else "-".join(map(str, sorted(self.organisations)))
        return f"board:{self.commission.pk}:{whose}"
