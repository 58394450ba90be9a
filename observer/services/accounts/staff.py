"""Who works at the desk of an election: given a role, taken from it, let in again."""

import secrets
from datetime import datetime

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Grant, Organisation, User
from observer.models.reach import MAY, Verb
from observer.services.accounts import access
from observer.services.accounts.sign_ins import sign_ins_end
from observer.services.trail import trail_add


class NotGiven(Exception):
    """This grant cannot be given; `str` says why, to whoever gives it."""


def grants_within(*, user: User, election: Election) -> QuerySet[Grant]:
    """The grants of this election that the user may give and take."""
    rows = access.reachable(user, Grant, Verb.STAFF, election)
    return rows.select_related("user", "commission", "organisation").order_by("user__username", "role")


def staff_at(*, commission: Commission, verb: Verb) -> QuerySet[User]:
    """Who may do it at this commission by a grant for it or for what lies above, whatever the organisation."""
    codes = commission.path.strip("/").split("/")
    above = ["/".join(codes[: depth + 1]) + "/" for depth in range(len(codes))]
    grants = Grant.objects.filter(
        role__in=MAY[verb], organisation=None, commission__election=commission.election_id, commission__path__in=above
    )
    return User.objects.filter(pk__in=grants.values("user"), is_active=True, is_staff=True).order_by("username")


def may_manage(*, user: User, whom: User) -> bool:
    """Whether the user may let `whom` in again: all of whose rights must be the user's to give, or a stronger
    account could be taken over through a weaker one. Nobody manages a superuser or themselves."""
    if whom.is_superuser or whom.pk == user.pk:
        return False
    if access.is_superuser(user):
        return True
    own = access.reachable(user, Grant, Verb.STAFF).values("pk")
    return whom.grants.exists() and not whom.grants.exclude(pk__in=own).exists()


def grant_give(
    *,
    by: User,
    username: str,
    role: str,
    commission: Commission,
    organisation: Organisation | None,
    language: str,
    now: datetime,
) -> tuple[Grant, str]:
    """Gives a role, to a new user if there is none of this name. The password of a new one, else "".

    Raises NotGiven where it is not this user's to give, or was given already.
    """
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError as error:
        raise NotGiven(error.messages[0]) from None
    try:
        with transaction.atomic():
            user, made = User.objects.get_or_create(
                username=username, defaults={"is_staff": True, "language": language}
            )
            if not user.is_active or not user.is_staff:
                raise NotGiven(_("This user may not sign in to the desk."))
            grant = Grant.objects.create(user=user, role=role, commission=commission, organisation=organisation)
            if not access.reachable(by, Grant, Verb.STAFF).filter(pk=grant.pk).exists():
                raise NotGiven(_("This is not yours to give."))
            password = _password_make(user) if made else ""
            detail = {"role": role, "commission": commission.code, "user": user.pk}
            trail_add(
                action="grant.give", subject=grant, now=now, user=by, detail=detail, election=commission.election_id
            )
    except IntegrityError:
        raise NotGiven(_("This user has this role there already.")) from None
    return grant, password


def grant_take(*, grant: Grant, by: User, now: datetime) -> None:
    with transaction.atomic():
        detail = {"role": grant.role, "commission": grant.commission.code, "user": grant.user_id}
        trail_add(
            action="grant.take", subject=grant, now=now, user=by, detail=detail, election=grant.commission.election_id
        )
        grant.delete()


def password_renew(*, user: User, by: User, now: datetime) -> str:
    """A new password, shown once; whoever was signed in with the old one is out."""
    with transaction.atomic():
        password = _password_make(user)
        sign_ins_end(user=user, by=by, now=now)
        trail_add(action="user.password", subject=user, user=by, now=now)
    return password


def _password_make(user: User) -> str:
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
