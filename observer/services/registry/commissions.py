"""The tree of commissions: what is added to it, moved and taken out one by one. Keeps `path` and `depth` true.

What a change does to figures is not the registry's affair: each service returns the keys of the
commissions whose figures may have changed (`reports/services/elections/registry.py` makes them due).
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, ProtectedError, Value
from django.db.models.functions import Concat, Length, Substr
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, User
from observer.services.trail import trail_add

PATH_MAX = 600
BATCH = 1000


class Impossible(Exception):
    """A commission cannot stand there, or cannot go; the text says why."""


def election_lock(election: Election) -> None:
    """One at a time changes an election's tree. Reports go on arriving: they only refer to the row."""
    Election.objects.select_for_update(no_key=True).get(pk=election.pk)


def commission_create(
    *,
    election: Election,
    parent: Commission | None,
    level: Level,
    code: str,
    now: datetime,
    user: User | None = None,
    **facts: Any,
) -> Commission:
    """A new commission below `parent`; `facts` are its other fields (names, lat, lon …). Raises Impossible."""
    with transaction.atomic():
        election_lock(election)
        if parent is None and Commission.objects.filter(election=election).exists():
            raise Impossible(_("There is a topmost commission already."))
        above = Commission.objects.select_related("level").get(pk=parent.pk) if parent else None
        if above is not None and above.election_id != election.pk:
            raise Impossible(_("The higher commission belongs to another election."))
        if Commission.objects.filter(election=election, code__iexact=code).exists():
            raise Impossible(_("There is a commission %(code)s already.") % {"code": code})
        if reason := level_problem(level, above.level if above else None):
            raise Impossible(reason)
        path = (above.path if above else "") + code + "/"
        if len(path) > PATH_MAX:
            raise Impossible(_("It would be too deep in the tree."))
        made = Commission.objects.create(
            election=election,
            parent=above,
            level=level,
            code=code,
            path=path,
            depth=above.depth + 1 if above else 0,
            **facts,
        )
        trail_add(action="commission.create", subject=made, now=now, user=user, detail={"code": code})
    return made


def commission_move(*, commission: Commission, parent: Commission, user: User | None, now: datetime) -> frozenset[int]:
    """Hangs a commission, with all below it, under another. Returns the keys whose figures may change.

    Raises Impossible: under itself, under a precinct, into another election, or the topmost one.
    """
    with transaction.atomic():
        election_lock(commission.election)
        moved = Commission.objects.select_related("level").get(pk=commission.pk)
        above = Commission.objects.select_related("level").get(pk=parent.pk)
        if moved.parent_id is None:
            raise Impossible(_("The topmost commission stays where it is."))
        if above.election_id != moved.election_id:
            raise Impossible(_("The higher commission belongs to another election."))
        if above.path.startswith(moved.path):
            raise Impossible(_("A commission cannot be below itself."))
        if reason := level_problem(moved.level, above.level):
            raise Impossible(reason)
        if above.pk == moved.parent_id:
            return frozenset()
        old = moved.parent_id
        _rehang(moved, above)
        detail = {"code": moved.code, "from": old, "to": above.pk}
        trail_add(action="commission.move", subject=moved, now=now, user=user, detail=detail)
    commission.refresh_from_db()
    return frozenset((moved.pk, old, above.pk))


def commission_delete(*, commission: Commission, user: User | None, now: datetime) -> frozenset[int]:
    """Removes a commission that nothing hangs on. Returns the keys whose figures may change.

    Raises Impossible where there are commissions below it, assignments or reports.
    """
    with transaction.atomic():
        election_lock(commission.election)
        parent, detail = commission.parent_id, {"code": commission.code}
        subject = f"commission:{commission.pk}"
        try:
            with transaction.atomic():
                commission.delete()
        except ProtectedError:
            raise Impossible(_("Commissions, assignments or reports hang on it.")) from None
        trail_add(action="commission.delete", subject=subject, now=now, user=user, detail=detail)
    return frozenset((parent,)) if parent else frozenset()


def _rehang(moved: Commission, above: Commission) -> None:
    branch = Commission.objects.under(moved)
    path, depth = above.path + moved.code + "/", above.depth + 1
    longest = branch.aggregate(longest=Max(Length("path")))["longest"] - len(moved.path) + len(path)
    if longest > PATH_MAX:
        raise Impossible(_("It would be too deep in the tree."))
    branch.update(
        path=Concat(Value(path), Substr("path", len(moved.path) + 1)), depth=F("depth") + (depth - moved.depth)
    )
    Commission.objects.filter(pk=moved.pk).update(parent=above)


def level_problem(level: Level, above: Level | None) -> str:
    """Why a commission of `level` cannot hang under one of `above`, or empty."""
    if above is None:
        return ""
    if above.kind == Level.Kind.PRECINCT:
        return _("nothing can be below a precinct")
    if level.order < above.order:
        return _("a commission of level %(level)s cannot be below one of level %(above)s") % {
            "level": level.code,
            "above": above.code,
        }
    return ""
