"""The tree of commissions: importing it, and moving what is in it. Keeps `path` and `depth` true.

What a change does to figures is not the registry's affair: each service returns the keys of the
commissions whose figures may have changed (`reports/services/registry.py` makes them due).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F, Max, ProtectedError, Value
from django.db.models.functions import Concat, Length, Substr
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, User
from observer.services.commission_rows import COLUMNS, PREFIXES, Place, places_read
from observer.services.tables import Table, table_read
from observer.services.trail import trail_add

PATH_MAX = 600
BATCH = 1000


class Impossible(Exception):
    """A commission cannot stand there, or cannot go; the text says why."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows did what; `touched`: keys of the commissions whose figures may have changed."""

    created: int
    changed: int
    unchanged: int
    touched: frozenset[int]


def election_lock(election: Election) -> None:
    """One at a time changes an election's tree. Reports go on arriving: they only refer to the row."""
    Election.objects.select_for_update(no_key=True).get(pk=election.pk)


def commissions_import(
    *, election: Election, source: bytes, file: str, at: datetime, user: User | None = None
) -> Imported:
    """Adds and updates commissions from CSV: `code,parent,level,name_<lang>…` and what else `COLUMNS` names.

    Rows come in any order; a commission that the file does not name stays as it is, and so does
    what the file has no column for, while an empty cell empties. Raises BadTable with every bad
    line, and has changed nothing then. The same file again changes nothing.
    """
    table = table_read(
        source=source, file=file, required=("code", "parent", "level"), optional=COLUMNS, prefixes=PREFIXES
    )
    with transaction.atomic():
        election_lock(election)
        known = {one.code: one for one in Commission.objects.filter(election=election).select_related("level")}
        levels = {level.code: level for level in Level.objects.filter(election=election)}
        places = places_read(table, levels, election.languages)
        for code in places.keys() - known.keys():
            if not places[code].names:
                table.complain(places[code].line, _("has no name in any language"))
        tree = _Tree(table, places, known)
        tree.check()
        table.raise_if_bad()
        done = _apply(election, places, known, tree)
        if done.created or done.changed:
            trail_add(
                action="commissions.import", subject=election, at=at, user=user,
                detail={"created": done.created, "changed": done.changed, "sha256": hashlib.sha256(source).hexdigest()},
            )  # fmt: skip
    return done


def commission_create(
    *, election: Election, parent: Commission | None, level: Level, code: str, at: datetime,
    user: User | None = None, **facts: Any,
) -> Commission:  # fmt: skip
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
        if reason := _level_problem(level, above.level if above else None):
            raise Impossible(reason)
        path = (above.path if above else "") + code + "/"
        if len(path) > PATH_MAX:
            raise Impossible(_("It would be too deep in the tree."))
        made = Commission.objects.create(
            election=election, parent=above, level=level, code=code, path=path,
            depth=above.depth + 1 if above else 0, **facts,
        )  # fmt: skip
        trail_add(action="commission.create", subject=made, at=at, user=user, detail={"code": code})
    return made


def commission_move(*, commission: Commission, parent: Commission, user: User | None, at: datetime) -> frozenset[int]:
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
        if reason := _level_problem(moved.level, above.level):
            raise Impossible(reason)
        if above.pk == moved.parent_id:
            return frozenset()
        old = moved.parent_id
        _rehang(moved, above)
        detail = {"code": moved.code, "from": old, "to": above.pk}
        trail_add(action="commission.move", subject=moved, at=at, user=user, detail=detail)
    commission.refresh_from_db()
    return frozenset((moved.pk, old, above.pk))


def commission_delete(*, commission: Commission, user: User | None, at: datetime) -> frozenset[int]:
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
        trail_add(action="commission.delete", subject=subject, at=at, user=user, detail=detail)
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


def _level_problem(level: Level, above: Level | None) -> str:
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


class _Tree:
    """The tree as it will be: what is known, with the file's rows over it."""

    def __init__(self, table: Table, places: dict[str, Place], known: dict[str, Commission]) -> None:
        self.table, self.places, self.known = table, places, known
        codes = {one.pk: one.code for one in known.values()}
        self.parents: dict[str, str] = {c: codes[one.parent_id] if one.parent_id else "" for c, one in known.items()}
        self.levels: dict[str, Level | None] = {code: one.level for code, one in known.items()}
        for code, place in places.items():
            self.parents[code] = place.parent
            self.levels[code] = place.level or self.levels.get(code)
        self.listed = {row["code"] for row in table.rows}
        self.paths: dict[str, tuple[str, int]] = {}

    def check(self) -> None:
        if not self.places and not self.table.bad:
            self.table.complain(0, _("has no rows"))
        folded: dict[str, str] = {}
        for code in (*self.known, *(code for code in self.places if code not in self.known)):
            # SQLite compares the beginnings of paths without case, and so does a tired reader.
            other = folded.setdefault(code.casefold(), code)
            if other != code:
                self._complain(code, _("code %(code)s differs from %(other)s by case only"), code=code, other=other)
        self._check_roots()
        for code, parent in self.parents.items():
            self._check_parent(code, parent)
        self._walk()

    def _complain(self, code: str, reason: str, /, **values: object) -> None:
        self.table.complain(self.places[code].line, reason % values)

    def _check_roots(self) -> None:
        roots = [code for code, parent in self.parents.items() if not parent]
        stays = next((code for code in roots if code not in self.places), None)
        listed = [code for code in roots if code in self.places]
        first = stays or (listed[0] if listed else None)
        for code in listed:
            if code != first:
                self._complain(code, _("has no parent, but the topmost commission is %(first)s"), first=first)
        if first is None and self.places and not self.table.bad:
            self.table.complain(0, _("no commission is the topmost: one row has an empty parent"))

    def _check_parent(self, code: str, parent: str) -> None:
        if not parent:
            return
        if parent not in self.parents:
            # A parent whose own line is bad is not unknown: that line was named already.
            if parent not in self.listed:
                self._complain(code, _("parent %(parent)s is unknown"), parent=parent)
            return
        level, above = self.levels[code], self.levels[parent]
        if level and above and (reason := _level_problem(level, above)):
            blamed = code if code in self.places else parent
            if blamed in self.places:
                self._complain(blamed, "%(reason)s (%(code)s, %(parent)s)", reason=reason, code=code, parent=parent)

    def _walk(self) -> None:
        """Paths from the root down; who is not reached though every parent is known goes in a circle."""
        children: dict[str, list[str]] = {}
        for code, parent in self.parents.items():
            children.setdefault(parent, []).append(code)
        waiting = [(code, "", 0) for code in children.get("", ())]
        while waiting:
            code, above, depth = waiting.pop()
            path = above + code + "/"
            self.paths[code] = (path, depth)
            if len(path) > PATH_MAX:
                if code in self.places:
                    self._complain(code, _("is too deep: its codes from the top are over %(most)d long"), most=PATH_MAX)
                elif not self.table.bad:
                    self.table.complain(0, _("%(code)s would be too deep in the tree") % {"code": code})
                continue
            waiting.extend((child, path, depth + 1) for child in children.get(code, ()))
        for code in self._circles():
            if code in self.places:
                self._complain(code, _("is below itself, through parent %(parent)s"), parent=self.parents[code])

    def _circles(self) -> set[str]:
        """The codes that are on a circle; those merely below one are not named."""
        circles: set[str] = set()
        seen = set(self.paths)
        for start in self.parents:
            trail: list[str] = []
            code = start
            while code in self.parents and code not in seen:
                seen.add(code)
                trail.append(code)
                code = self.parents[code]
            if code in trail:
                circles.update(trail[trail.index(code) :])
        return circles


def _apply(election: Election, places: dict[str, Place], known: dict[str, Commission], tree: _Tree) -> Imported:
    by_code = dict(known)
    fresh = sorted(places.keys() - known.keys(), key=lambda code: (tree.paths[code][1], places[code].line))
    touched: set[int] = set()
    for _depth, codes in groupby(fresh, key=lambda code: tree.paths[code][1]):
        rows = [_new(election, places[code], by_code.get(places[code].parent), tree) for code in codes]
        for one in Commission.objects.bulk_create(rows, batch_size=BATCH):
            by_code[one.code] = one
            touched.add(one.pk)
    changed_fields: set[str] = set()
    changed: list[Commission] = []
    for code, one in known.items():
        fields = _changes(one, places.get(code), by_code, tree)
        if fields:
            if "parent_id" in fields:
                touched.update(key for key in (one.pk, one.parent_id, fields["parent_id"]) if key)
            if "level_id" in fields:
                touched.add(one.pk)
            for name, value in fields.items():
                setattr(one, name, value)
            changed_fields.update(name.removesuffix("_id") if name != "external_id" else name for name in fields)
            changed.append(one)
    if changed:
        Commission.objects.bulk_update(changed, sorted(changed_fields), batch_size=BATCH)
    touched.update(by_code[places[code].parent].pk for code in fresh if places[code].parent)
    rows_changed = sum(one.code in places for one in changed)
    return Imported(len(fresh), rows_changed, len(places) - len(fresh) - rows_changed, frozenset(touched))


def _new(election: Election, place: Place, parent: Commission | None, tree: _Tree) -> Commission:
    path, depth = tree.paths[place.code]
    facts = {
        name: value for name, value in place.facts.items() if value is not None or name in ("lat", "lon", "voters")
    }
    return Commission(
        election=election, parent=parent, level=place.level, code=place.code, path=path, depth=depth,
        names=place.names, address=place.address, **facts,
    )  # fmt: skip


def _changes(one: Commission, place: Place | None, by_code: dict[str, Commission], tree: _Tree) -> dict[str, Any]:
    """The fields of a known commission that the file, or a move above it, changes."""
    path, depth = tree.paths[one.code]
    wanted: dict[str, Any] = {"path": path, "depth": depth}
    if place is not None:
        wanted |= place.facts | {
            "parent_id": by_code[place.parent].pk if place.parent else None,
            "level_id": place.level.pk if place.level else one.level_id,
            "names": _merged(one.names, place.names, place.name_languages),
            "address": _merged(one.address, place.address, place.address_languages),
        }
    return {name: value for name, value in wanted.items() if getattr(one, name) != value}


def _merged(old: dict[str, str], new: dict[str, str], languages: Iterable[str]) -> dict[str, str]:
    return {language: text for language, text in old.items() if language not in languages} | new
