"""Importing commissions: what a file would do line by line, then doing exactly that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Level, User
from observer.services.importing.changes import EVERYTHING, Change, Line, Lines, Scope, State, rows_hold
from observer.services.importing.commission_rows import Place, places_read
from observer.services.importing.commission_tree import Tree
from observer.services.registry.commissions import BATCH, election_lock
from observer.services.spreadsheets.tables import Table
from observer.services.trail import trail_add

FIELDS = (
    "parent_id",
    "level_id",
    "names",
    "address",
    "lat",
    "lon",
    "voters",
    "type",
    "timezone",
    "external_id",
    "path",
    "depth",
)
TURNS = 5  # how often lines may fall out because others did


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows did what; `touched`: keys of the commissions whose figures may have changed."""

    created: int
    changed: int
    unchanged: int
    touched: frozenset[int]


@dataclass(slots=True)
class Plan:
    """What an import would do. `places` and `tree` are without the lines that are wrong."""

    election: Election
    places: dict[str, Place]
    known: dict[str, Commission]
    tree: Tree
    lines: list[Line]


def commissions_plan(*, election: Election, table: Table, scope: Scope = EVERYTHING) -> Plan:
    """What importing the table would do now; complains to the table of every line that cannot be.

    Rows come in any order; a commission that the file does not name stays as it is, and so does
    what the file has no column for, while an empty cell empties. Lines that hang below a wrong one
    are wrong too, but only `Plan.lines` says so.
    """
    known = {one.code: one for one in Commission.objects.filter(election=election).select_related("level")}
    levels = {level.code: level for level in Level.objects.filter(election=election)}
    codes = {one.pk: code for code, one in known.items()}
    above = {code: codes[one.parent_id] if one.parent_id else "" for code, one in known.items()}
    places = places_read(table, levels, election.languages)
    for code in places.keys() - known.keys():
        if not places[code].names:
            table.complain(places[code].line, _("has no name in any language"))
    _check_territory(table, places, known, above, scope)
    _check_external(table, places, known)
    tree, wrong = Tree(table, places, known), Lines()
    tree.check()
    wrong.wrong(table.bad, table)
    places, tree = _without_wrong(table, places, known, tree, wrong)
    for code, place in places.items():
        one = known.get(code)
        changes = _changes_shown(one, place, above.get(code, ""))
        wrong.add(place.line, code, State.NEW if one is None else State.CHANGED if changes else State.SAME, changes)
    return Plan(election, places, known, tree, wrong.ordered())


def commissions_write(*, plan: Plan, sha256: str, now: datetime, user: User | None) -> Imported:
    """Does what was planned, in the transaction in which it was planned. Raises Outdated."""
    done = _apply(plan.election, plan.places, plan.known, plan.tree)
    if done.created or done.changed:
        trail_add(
            action="commissions.import",
            subject=plan.election,
            now=now,
            user=user,
            detail={
                "created": done.created,
                "changed": done.changed,
                "sha256": sha256,
                "left_out": sum(line.state == State.WRONG for line in plan.lines),
            },
        )
    return done


def commissions_import(
    *, election: Election, table: Table, sha256: str, now: datetime, user: User | None = None
) -> Imported:
    """Adds and updates commissions, all or nothing. Raises BadTable with every bad line, and has changed nothing then.

    The same file again changes nothing.
    """
    with transaction.atomic():
        election_lock(election)
        plan = commissions_plan(election=election, table=table)
        table.raise_if_bad()
        return commissions_write(plan=plan, sha256=sha256, now=now, user=user)


def _without_wrong(
    table: Table, places: dict[str, Place], known: dict[str, Commission], tree: Tree, wrong: Lines
) -> tuple[dict[str, Place], Tree]:
    """Takes the wrong lines out, and those that hang below them, until what is left is a tree."""
    for _turn in range(TURNS):
        scratch = Table(table.file, rows=table.rows)
        for code, place in places.items():
            if place.line not in wrong.of and code not in tree.paths:
                scratch.complain(place.line, _("hangs below a line that is wrong"))
        wrong.wrong(scratch.bad, table)
        left = {code: place for code, place in places.items() if place.line not in wrong.of}
        if len(left) == len(places):
            return places, tree
        places, scratch = left, Table(table.file, rows=table.rows)
        tree = Tree(scratch, places, known)
        if places:
            tree.check()
        wrong.wrong((one for one in scratch.bad if one.line > table.header), table)
    if not table.refused:
        table.complain(0, _("too many lines hang on each other that are wrong: mend those first"))
    return {}, tree


def _check_territory(
    table: Table, places: dict[str, Place], known: dict[str, Commission], above: dict[str, str], scope: Scope
) -> None:
    """What lies outside is answered as what is not there."""
    if scope.places is None:
        return
    for code, place in places.items():
        one, parent = known.get(code), known.get(place.parent)
        if one is not None and not scope.holds(one.path):
            table.complain(place.line, _("code %(code)s cannot be used here") % {"code": code})
        elif one is not None and above[code] == place.parent:
            continue
        elif not place.parent or (parent is not None and not scope.holds(parent.path)):
            table.complain(place.line, _("parent %(parent)s is unknown") % {"parent": place.parent or "''"})


def _check_external(table: Table, places: dict[str, Place], known: dict[str, Commission]) -> None:
    """A station of other elections is one station of this one."""
    taken = {one.external_id: code for code, one in known.items() if one.external_id and code not in places}
    for code, place in places.items():
        external = place.facts.get("external_id") or ""
        if "external_id" not in place.facts and code in known:
            external = known[code].external_id
        other = taken.setdefault(external, code) if external else code
        if other == code or (code in known and known[code].external_id == external):
            continue
        table.complain(place.line, _("external_id %(id)s is there already") % {"id": external})


def _changes_shown(one: Commission | None, place: Place, parent: str) -> list[Change]:
    """Each field that becomes another, by the name of its column."""
    level = place.level.code if place.level else ""
    names, address = (one.names, one.address) if one else ({}, {})
    pairs = [("parent", parent, place.parent), ("level", one.level.code if one else "", level)]
    for prefix, old, new, languages in (
        ("name", names, place.names, place.name_languages),
        ("address", address, place.address, place.address_languages),
    ):
        pairs += [(f"{prefix}_{code}", old.get(code, ""), new.get(code, "")) for code in dict.fromkeys(languages)]
    for field, value in place.facts.items():
        pairs.append((field, _said(getattr(one, field) if one else None), _said(value)))
    return [Change(field, old, new) for field, old, new in pairs if old != new]


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def _apply(election: Election, places: dict[str, Place], known: dict[str, Commission], tree: Tree) -> Imported:
    by_code = dict(known)
    fresh = sorted(places.keys() - known.keys(), key=lambda code: (tree.paths[code][1], places[code].line))
    touched: set[int] = set()
    for _depth, codes in groupby(fresh, key=lambda code: tree.paths[code][1]):
        rows = [_new(election, places[code], by_code.get(places[code].parent), tree) for code in codes]
        for one in Commission.objects.bulk_create(rows, batch_size=BATCH):
            by_code[one.code] = one
            touched.add(one.pk)
    wanted = {code: _changes(one, places.get(code), by_code, tree) for code, one in known.items()}
    changed = [known[code] for code, fields in wanted.items() if fields]
    rows_hold(changed, FIELDS)
    for one in changed:
        fields = wanted[one.code]
        if "parent_id" in fields:
            touched.update(key for key in (one.pk, one.parent_id, fields["parent_id"]) if key)
        if "level_id" in fields:
            touched.add(one.pk)
        for name, value in fields.items():
            setattr(one, name, value)
    names = {name for fields in wanted.values() for name in fields}
    if changed:
        columns = sorted(name.removesuffix("_id") if name != "external_id" else name for name in names)
        Commission.objects.bulk_update(changed, columns, batch_size=BATCH)
    touched.update(by_code[places[code].parent].pk for code in fresh if places[code].parent)
    rows_changed = sum(one.code in places for one in changed)
    return Imported(len(fresh), rows_changed, len(places) - len(fresh) - rows_changed, frozenset(touched))


def _new(election: Election, place: Place, parent: Commission | None, tree: Tree) -> Commission:
    path, depth = tree.paths[place.code]
    facts = {
        name: value for name, value in place.facts.items() if value is not None or name in ("lat", "lon", "voters")
    }
    return Commission(
        election=election,
        parent=parent,
        level=place.level,
        code=place.code,
        path=path,
        depth=depth,
        names=place.names,
        address=place.address,
        **facts,
    )


def _changes(one: Commission, place: Place | None, by_code: dict[str, Commission], tree: Tree) -> dict[str, Any]:
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
