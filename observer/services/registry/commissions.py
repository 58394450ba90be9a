"""Adding, moving and deleting single commissions in an election's tree.

These functions keep `path` and `depth` correct. They do not recompute figures: those that change figures return the
keys of the commissions whose figures may have changed, and `reports/services/elections/registry.py` marks them due.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, ProtectedError, Value
from django.db.models.functions import Concat, Length, Substr
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, User
from observer.services.trail import add_trail_entry

MAX_PATH_CHARACTERS = 600
BATCH_ROWS = 1000


class InvalidTreeChange(Exception):
    """A commission cannot be placed there, or cannot be deleted.

    The message says why.
    """


def lock_election(election: Election) -> None:
    """Locks the election's row.

    So only one transaction at a time changes its registry.
    Reports can still be stored, because they only refer to the row.
    """
    Election.objects.select_for_update(no_key=True).get(pk=election.pk)


def create_commission(
    *,
    election: Election,
    parent: Commission | None,
    level: Level,
    code: str,
    now: datetime,
    user: User | None = None,
    **fields: Any,
) -> Commission:
    """Creates a commission below `parent`.

    `fields` are its other fields (names, lat, lon …).
    Raises InvalidTreeChange if it cannot be there.
    """
    with transaction.atomic():
        lock_election(election)
        if parent is None and Commission.objects.filter(election=election).exists():
            raise InvalidTreeChange(_("There is a topmost commission already."))
        above = Commission.objects.select_related("level").get(pk=parent.pk) if parent else None
        if above is not None and above.election_id != election.pk:
            raise InvalidTreeChange(_("The higher commission belongs to another election."))
        if Commission.objects.filter(election=election, code__iexact=code).exists():
            raise InvalidTreeChange(_("There is a commission %(code)s already.") % {"code": code})
        if reason := find_level_problem(level, above.level if above else None):
            raise InvalidTreeChange(reason)
        path = (above.path if above else "") + code + "/"
        if len(path) > MAX_PATH_CHARACTERS:
            raise InvalidTreeChange(_("It would be too deep in the tree."))
        made = Commission.objects.create(
            election=election,
            parent=above,
            level=level,
            code=code,
            path=path,
            depth=above.depth + 1 if above else 0,
            **fields,
        )
        add_trail_entry(action="commission.create", subject=made, now=now, user=user, detail={"code": code})
    return made


def move_commission(*, commission: Commission, parent: Commission, user: User | None, now: datetime) -> frozenset[int]:
    """Moves a commission, with all below it, under another parent.

    Returns the keys of the commissions whose figures may change. Raises InvalidTreeChange for a move under itself
    or under a precinct, into another election, or of the topmost commission.
    """
    with transaction.atomic():
        lock_election(commission.election)
        moved = Commission.objects.select_related("level").get(pk=commission.pk)
        above = Commission.objects.select_related("level").get(pk=parent.pk)
        if moved.parent_id is None:
            raise InvalidTreeChange(_("The topmost commission stays where it is."))
        if above.election_id != moved.election_id:
            raise InvalidTreeChange(_("The higher commission belongs to another election."))
        if above.path.startswith(moved.path):
            raise InvalidTreeChange(_("A commission cannot be below itself."))
        if reason := find_level_problem(moved.level, above.level):
            raise InvalidTreeChange(reason)
        if above.pk == moved.parent_id:
            return frozenset()
        old_parent_id = moved.parent_id
        _move_branch(moved, above)
        detail = {"code": moved.code, "from": old_parent_id, "to": above.pk}
        add_trail_entry(action="commission.move", subject=moved, now=now, user=user, detail=detail)
    commission.refresh_from_db()
    return frozenset((moved.pk, old_parent_id, above.pk))


def delete_commission(*, commission: Commission, user: User | None, now: datetime) -> frozenset[int]:
    """Deletes a commission that nothing refers to.

    It must have no commissions below it, no assignments and no reports.
    Returns the keys of the commissions whose figures may change. Raises InvalidTreeChange otherwise.
    """
    with transaction.atomic():
        lock_election(commission.election)
        parent_id, detail = commission.parent_id, {"code": commission.code}
        subject = f"commission:{commission.pk}"
        try:
            with transaction.atomic():
                commission.delete()
        except ProtectedError:
            raise InvalidTreeChange(_("Commissions, assignments or reports hang on it.")) from None
        add_trail_entry(action="commission.delete", subject=subject, now=now, user=user, detail=detail)
    return frozenset((parent_id,)) if parent_id else frozenset()


def _move_branch(moved: Commission, above: Commission) -> None:
    """Sets parent, paths and depths of a moved branch."""
    branch = Commission.objects.in_subtree(moved)
    path, depth = above.path + moved.code + "/", above.depth + 1
    longest = branch.aggregate(longest=Max(Length("path")))["longest"] - len(moved.path) + len(path)
    if longest > MAX_PATH_CHARACTERS:
        raise InvalidTreeChange(_("It would be too deep in the tree."))
    branch.update(
        path=Concat(Value(path), Substr("path", len(moved.path) + 1)), depth=F("depth") + (depth - moved.depth)
    )
    Commission.objects.filter(pk=moved.pk).update(parent=above)


def find_level_problem(level: Level, above: Level | None) -> str:
    """Why `level` cannot be below the level `above`.

    Returns "" where it can.
    """
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
