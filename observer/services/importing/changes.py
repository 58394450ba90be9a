"""What an import would do, line by line: facts that a page shows, a form confirms and a later look compares."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Model

from observer.models import Commission, Election, Observer, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadLine, Table

M = TypeVar("M", bound=Model)
AT_ONCE = 500  # keys in one statement


class State(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class Outdated(Exception):
    """A row was changed by somebody else while it was about to be written. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one row. Of a field that names a person neither value is told, only that it changes."""

    field: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one line: `code` names whom or what it is about, empty where it gets a code only then."""

    number: int
    code: str
    state: State
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What two looks at one line must agree in; how a reason is worded is not in it."""
        return (self.number, self.code, str(self.state), tuple((c.field, c.old, c.new) for c in self.changes))


@dataclass(slots=True)
class Lines:
    """The outcome of a whole file, by line."""

    of: dict[int, Line] = field(default_factory=dict)

    def add(self, number: int, code: str, state: State, changes: Iterable[Change] = ()) -> None:
        self.of[number] = Line(number, code, state, tuple(changes))

    def wrong(self, bad: Iterable[BadLine], table: Table) -> None:
        """Every bad line is wrong, with each of its reasons once, whatever else was said of it."""
        codes = {row.line: row["code"] or row["observer"] for row in table.rows}
        reasons: dict[int, dict[str, None]] = {}
        for one in bad:
            reasons.setdefault(one.line, {})[one.reason] = None
        for number, words in reasons.items():
            self.of[number] = Line(number, codes.get(number, "")[:80], State.WRONG, (), tuple(words))

    def ordered(self) -> list[Line]:
        return [self.of[number] for number in sorted(self.of)]


def counts_of(lines: Iterable[Line]) -> dict[str, int]:
    found = Counter(str(one.state) for one in lines)
    return {str(state): found[str(state)] for state in State}


@dataclass(frozen=True, slots=True)
class Place:
    """One grant's territory, and the organisation that it is limited to."""

    path: str
    organisation: int | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an importer may touch. Without `places` it is everything: the operator's own command, or a superuser."""

    user: User | None = None
    places: tuple[Place, ...] | None = None
    organisations: bool = True  # whether unknown ones are made

    def holds(self, path: str) -> bool:
        return self.places is None or any(path.startswith(one.path) for one in self.places)

    def takes(self, path: str, organisation: int | None) -> bool:
        """Whether people of an organisation (None: of one that is new) may be sent there; "": taken on, sent nowhere."""
        return self.places is None or any(
            (path.startswith(one.path) if path else one.path.count("/") == 1)
            and one.organisation in (None, organisation)
            for one in self.places
        )

    def observers(self) -> set[int] | None:
        """The keys of those observers who may be changed; None for all."""
        if self.places is None or self.user is None:
            return None
        return set(access.reachable(self.user, Observer, Verb.REGISTER).values_list("pk", flat=True))


EVERYTHING = Scope()


def scope_of(*, user: User, verb: Verb, election: Election) -> Scope:
    """What `user` may import into an election by `verb`."""
    if access.is_superuser(user):
        return Scope(user)
    grants = access.grants_of(user, verb, election)
    # Places are nobody's own: whose role is limited to an organisation changes none.
    places = tuple(
        Place(grant.commission.path, grant.organisation_id)
        for grant in grants
        if verb != Verb.SETUP or grant.organisation_id is None
    )
    return Scope(user, places, access.may_whole(user, Verb.SETUP, election))


def rows_hold(rows: Sequence[M], fields: Sequence[str]) -> None:
    """Locks the rows as they are stored. Raises Outdated where one is not as it was read, or is gone."""
    if not rows:
        return
    model = type(rows[0])
    stored: dict[Any, M] = {}
    keys = sorted(row.pk for row in rows)
    for start in range(0, len(keys), AT_ONCE):
        found = model._default_manager.select_for_update(no_key=True).filter(pk__in=keys[start : start + AT_ONCE])
        stored |= {row.pk: row for row in found.order_by("pk")}
    for row in rows:
        now = stored.get(row.pk)
        if now is None or any(getattr(now, name) != getattr(row, name) for name in fields):
            raise Outdated


def territory(election: Election, scope: Scope) -> dict[str, Commission]:
    """The commissions of an election that the importer may name, by code."""
    rows = Commission.objects.filter(election=election).select_related("level")
    for one in rows:
        one.election = election
    return {one.code: one for one in rows if scope.holds(one.path)}
