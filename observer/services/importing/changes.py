"""Planned changes of an import, and the importer's scope.

A page shows these lines, a form confirms them, and a later plan is compared with them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Model

from observer.models import Commission, Election, Observer, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadLine, Table

M = TypeVar("M", bound=Model)
MAX_KEYS_PER_QUERY = 500


class LineState(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class Outdated(Exception):
    """A row was changed by somebody else before it was written.

    Nothing was written.
    """


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A changed field of one row.

    Both values are left out if the field names a person.
    """

    field: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class ImportLine:
    """What the import does with one line of the file.

    `code` is the code of the observer or commission; "" where the code will be generated.
    """

    number: int
    code: str
    state: LineState
    changes: tuple[FieldChange, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What must be equal when a line is planned again.

        The texts of the reasons may differ.
        """
        return (self.number, self.code, str(self.state), tuple((c.field, c.old, c.new) for c in self.changes))


@dataclass(slots=True)
class ImportLines:
    """The lines of a whole file by number."""

    by_number: dict[int, ImportLine] = field(default_factory=dict)

    def add(self, number: int, code: str, state: LineState, changes: Iterable[FieldChange] = ()) -> None:
        self.by_number[number] = ImportLine(number, code, state, tuple(changes))

    def add_problems(self, bad: Iterable[BadLine], table: Table) -> None:
        """Marks every bad line as wrong.

        It has each of its reasons once. This replaces what was planned for the line.
        """
        codes = {row.line: row["code"] or row["observer"] for row in table.rows}
        reasons: dict[int, dict[str, None]] = {}
        for one in bad:
            reasons.setdefault(one.line, {})[one.reason] = None
        for number, texts in reasons.items():
            code = codes.get(number, "")[:80]
            self.by_number[number] = ImportLine(number, code, LineState.WRONG, (), tuple(texts))

    def get_ordered(self) -> list[ImportLine]:
        return [self.by_number[number] for number in sorted(self.by_number)]


def count_states(lines: Iterable[ImportLine]) -> dict[str, int]:
    """The number of lines in each state, by the state's code."""
    counts = Counter(str(one.state) for one in lines)
    return {str(state): counts[str(state)] for state in LineState}


@dataclass(frozen=True, slots=True)
class GrantTerritory:
    """The territory and organisation of one grant.

    The organisation is None if the grant is not limited to one.
    """

    path: str
    organisation: int | None


@dataclass(frozen=True, slots=True)
class ImportScope:
    """What the importer may change.

    `territories` is None for a management command or a superuser, who may change everything.
    """

    user: User | None = None
    territories: tuple[GrantTerritory, ...] | None = None
    may_create_organisations: bool = True

    def contains(self, path: str) -> bool:
        """Whether this path is in one of the territories."""
        return self.territories is None or any(path.startswith(one.path) for one in self.territories)

    def allows_assignment(self, path: str, organisation: int | None) -> bool:
        """Whether observers of an organisation may be assigned here.

        `path` is the path of the commission.
        `organisation` is a key, None for a new organisation. `path` "" asks whether an observer may be added without
        an assignment, which needs a grant for the whole election.
        """
        return self.territories is None or any(
            (path.startswith(one.path) if path else one.path.count("/") == 1)
            and one.organisation in (None, organisation)
            for one in self.territories
        )

    def get_observer_ids(self) -> set[int] | None:
        """The keys of the observers who may be changed.

        None for all.
        """
        if self.territories is None or self.user is None:
            return None
        return set(access.get_permitted_rows(self.user, Observer, Permission.REGISTER).values_list("pk", flat=True))


UNLIMITED_SCOPE = ImportScope()


def get_import_scope(*, user: User, permission: Permission, election: Election) -> ImportScope:
    """What the user may import into an election with this permission."""
    if access.is_superuser(user):
        return ImportScope(user)
    grants = access.load_grants(user, permission, election)
    # Commissions belong to no organisation, so a grant that is limited to one does not allow changing them.
    territories = tuple(
        GrantTerritory(grant.commission.path, grant.organisation_id)
        for grant in grants
        if permission != Permission.SETUP or grant.organisation_id is None
    )
    return ImportScope(user, territories, access.has_election_wide_permission(user, Permission.SETUP, election))


def lock_unchanged_rows(rows: Sequence[M], fields: Sequence[str]) -> None:
    """Locks the rows in the database.

    Raises Outdated if one was changed or deleted since it was read.
    `fields` are the names of the fields that are compared.
    """
    if not rows:
        return
    model = type(rows[0])
    stored: dict[Any, M] = {}
    keys = sorted(row.pk for row in rows)
    for start in range(0, len(keys), MAX_KEYS_PER_QUERY):
        found = model._default_manager.select_for_update(no_key=True).filter(
            pk__in=keys[start : start + MAX_KEYS_PER_QUERY]
        )
        stored |= {row.pk: row for row in found.order_by("pk")}
    for row in rows:
        current = stored.get(row.pk)
        if current is None or any(getattr(current, name) != getattr(row, name) for name in fields):
            raise Outdated


def load_commissions(election: Election, scope: ImportScope) -> dict[str, Commission]:
    """The commissions in the importer's scope, by code.

    They are those of one election.
    """
    rows = Commission.objects.filter(election=election).select_related("level")
    for one in rows:
        one.election = election
    return {one.code: one for one in rows if scope.contains(one.path)}
