"""Staff: giving and taking roles, resetting passwords."""

import secrets
from datetime import datetime

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Grant, Organisation, User
from observer.models.row_scope import ROLES_BY_PERMISSION, Permission
from observer.services.accounts import access
from observer.services.accounts.sign_ins import end_sign_ins
from observer.services.trail import add_trail_entry


class GrantRefused(Exception):
    """This grant cannot be given.

    The message is shown to the user who tried.
    """


def get_manageable_grants(*, user: User, election: Election) -> QuerySet[Grant]:
    """The grants of this election that the user may manage."""
    rows = access.get_permitted_rows(user, Grant, Permission.STAFF, election)
    return rows.select_related("user", "commission", "organisation").order_by("user__username", "role")


def get_staff(*, commission: Commission, permission: Permission) -> QuerySet[User]:
    """The active staff who have `permission` at this commission.

    They have a grant for the commission or for one above it, without a limit to one organisation.
    """
    codes = commission.path.strip("/").split("/")
    paths = ["/".join(codes[: depth + 1]) + "/" for depth in range(len(codes))]
    grants = Grant.objects.filter(
        role__in=ROLES_BY_PERMISSION[permission],
        organisation=None,
        commission__election=commission.election_id,
        commission__path__in=paths,
    )
    return User.objects.filter(pk__in=grants.values("user"), is_active=True, is_staff=True).order_by("username")


def can_manage_user(*, user: User, other: User) -> bool:
    """Whether the user may reset the sign-in of `other`.

    This means the password, the second factor and the sign-ins.
    The user must be able to give every grant that `other` has: otherwise a stronger account could be taken
    over through a weaker one. Nobody manages a superuser or themselves.
    """
    if other.is_superuser or other.pk == user.pk:
        return False
    if access.is_superuser(user):
        return True
    manageable = access.get_permitted_rows(user, Grant, Permission.STAFF).values("pk")
    return other.grants.exists() and not other.grants.exclude(pk__in=manageable).exists()


def give_grant(
    *,
    by: User,
    username: str,
    role: str,
    commission: Commission,
    organisation: Organisation | None,
    language: str,
    now: datetime,
) -> tuple[Grant, str]:
    """Gives a role to the user with this name.

    The user is created if there is none.
    Returns the grant, and the password of a new user or "". Raises GrantRefused if `by` may not give this role,
    or if the user has it already.
    """
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError as error:
        raise GrantRefused(error.messages[0]) from None
    try:
        with transaction.atomic():
            user, created = User.objects.get_or_create(
                username=username, defaults={"is_staff": True, "language": language}
            )
            if not user.is_active or not user.is_staff:
                raise GrantRefused(_("This user may not sign in to the desk."))
            grant = Grant.objects.create(user=user, role=role, commission=commission, organisation=organisation)
            if not access.get_permitted_rows(by, Grant, Permission.STAFF).filter(pk=grant.pk).exists():
                raise GrantRefused(_("This is not yours to give."))
            password = _set_random_password(user) if created else ""
            detail = {"role": role, "commission": commission.code, "user": user.pk}
            add_trail_entry(
                action="grant.give", subject=grant, now=now, user=by, detail=detail, election=commission.election_id
            )
    except IntegrityError:
        raise GrantRefused(_("This user has this role there already.")) from None
    return grant, password


def take_grant(*, grant: Grant, by: User, now: datetime) -> None:
    """Takes a role away."""
    with transaction.atomic():
        detail = {"role": grant.role, "commission": grant.commission.code, "user": grant.user_id}
        add_trail_entry(
            action="grant.take", subject=grant, now=now, user=by, detail=detail, election=grant.commission.election_id
        )
        grant.delete()


def reset_password(*, user: User, by: User, now: datetime) -> str:
    """Sets a random password and ends the user's sign-ins.

    Returns the password, to be shown once.
    """
    with transaction.atomic():
        password = _set_random_password(user)
        end_sign_ins(user=user, by=by, now=now)
        add_trail_entry(action="user.password", subject=user, user=by, now=now)
    return password


def _set_random_password(user: User) -> str:
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
