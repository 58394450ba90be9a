"""Keeping every commission's figures true: recomputed from its own reports and its children's summaries.

The rows of `Due` are the queue, and the order inside a transaction is what loses no update:
lock the Summary, delete its Due rows, and only then read, in new statements. Whoever changes a
figure after that deletion leaves a Due row of their own behind.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from observer.models import Commission, Election, Level
from reports.models import Due, Report, Summary, Violation, ViolationType
from reports.services.background.recompute_queue import due_add
from reports.services.checklists.compiled import Form, forms_of
from reports.services.figures.child_cache import Version, said_by
from reports.services.figures.tally import (
    Counted,
    Raised,
    Tally,
    ViolationKind,
    observers_packed,
    observers_unpacked,
    tally_own,
)
from reports.services.figures.tally_flat import Total, flatten

CHUNK = 100  # commissions a transaction on PostgreSQL
CHUNK_SQLITE = 20  # where a transaction holds the whole database, and writers wait for it
ROUND = 0.4  # seconds at the deepest level before going up
BREATH = 0.02  # seconds between two such transactions: SQLite does not queue those who wait
# Of a report, as far as figures go.
KEYS = ("commission_id", "version_id", "contest_id", "slot", "observer_id", "state")
# Of the row everything, of its commission what figures need: names are long, and there are hundreds.
READ = (
    "revision",
    "as_of",
    "tally",
    "children",
    "observers",
    "commission__parent_id",
    "commission__election_id",
    "commission__level__kind",
)
PATIENCE = 60.0  # seconds without any progress, while another process holds what waits


def summaries_refresh(
    *,
    now: Callable[[], datetime] | None = None,
    patient: bool = False,
    most: int | None = None,
    seconds: float | None = None,
) -> int:
    """Recomputes what is due, until nothing waits; the number of commissions recomputed.

    In climbs: some of the deepest, then those above them, up to the root, and only then what has
    become due meanwhile. So the root moves on however fast reports come in below.

    Any number of processes may do so at once. What another one holds is left to it, unless
    `patient`: then it is waited for, and TimeoutError is raised after a minute without progress.
    Stops early after `most` commissions or, at the end of a climb, `seconds`; what is left stays due.
    """
    work = _Work(now or timezone.now, most)
    ends = None if seconds is None else time.monotonic() + seconds
    while True:
        climbed = work.climb()
        if work.enough() or (ends is not None and time.monotonic() > ends):
            return work.done
        if climbed:
            continue
        if not (patient and work.held):
            return work.done
        if time.monotonic() - work.moved_at > PATIENCE:
            raise TimeoutError(f"{len(work.held)} commissions are due and held by another process")
        time.sleep(0.05)
        work.held.clear()


class _Work:
    """One call's work: how much is done, and what others hold."""

    def __init__(self, clock: Callable[[], datetime], most: int | None) -> None:
        self.clock = clock
        self.most = most
        self.size = CHUNK if connection.vendor == "postgresql" else CHUNK_SQLITE
        self.held: set[int] = set()
        self.done = 0
        self.moved_at = time.monotonic()

    def enough(self) -> bool:
        return self.most is not None and self.done >= self.most

    def climb(self) -> bool:
        """The deepest that are due, for a moment; then everything due above them, level by level. Whether any was."""
        depth, level = _due_deepest(self.held)
        started, any_due = time.monotonic(), bool(level)
        lowest = True
        while level and not self.enough():
            for start in range(0, len(level), self.size):
                self._recompute(level[start : start + self.size])
                if self.enough() or (lowest and time.monotonic() - started > ROUND):
                    break
            lowest = False
            depth, level = _due_deepest(self.held, above=depth)
        return any_due

    def _recompute(self, chunk: list[int]) -> None:
        if self.most is not None:
            chunk = chunk[: self.most - self.done]
        refreshed = summaries_recompute(commissions=chunk, now=self.clock)
        self.held.update(set(chunk) - refreshed)
        if refreshed:
            self.done, self.moved_at = self.done + len(refreshed), time.monotonic()
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(BREATH)


def summaries_recount(*, election: Election, now: datetime) -> None:
    """Marks every commission of an election as due: after an import, or an edit of what violation types mean."""
    with transaction.atomic():
        due_add(commissions=election.commissions.values_list("pk", flat=True), now=now)


def _due_deepest(held: set[int], above: int | None = None) -> tuple[int, list[int]]:
    """The depth of the deepest due commissions (above a depth), and which those are.

    Without those held by somebody else. Siblings stand together, because one climb then serves
    them all; the family that has waited longest is first, so that none waits for ever.
    """
    waiting = Due.objects.order_by().values_list("commission_id", "commission__depth", "commission__parent_id")
    if above is not None:
        waiting = waiting.filter(commission__depth__lt=above)
    free = [row for row in waiting.annotate(first=Min("pk")) if row[0] not in held]
    deepest = max((depth for _key, depth, _parent, _first in free), default=0)
    families: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, depth, parent, first in free:
        if depth == deepest:
            families[parent].append((first, key))
    ordered = sorted(families.values(), key=min)
    return deepest, [key for family in ordered for _first, key in sorted(family, key=itemgetter(1))]


def summaries_recompute(*, commissions: Sequence[int], now: Callable[[], datetime]) -> set[int]:
    """One transaction over some commissions, best of one depth; those that need no more attention.

    The others are held by another process, which sees to them or leaves them due.
    """
    with transaction.atomic():
        rows = _locked(commissions)
        if len(rows) < len(commissions):
            rows |= _locked(_created(set(commissions) - rows.keys()))
        waiting = Due.objects.filter(commission__in=list(rows)).order_by()
        due = set(waiting.values_list("commission_id", flat=True).distinct())
        Due.objects.filter(commission__in=due).delete()
        # From here on every statement sees at least what the deleted rows were about.
        _recompute([row for key, row in rows.items() if key in due], now())
    return set(rows)


def _locked(commissions: Iterable[int]) -> dict[int, Summary]:
    """Those summaries that nobody else holds, locked until the transaction ends.

    The commission is locked with its summary: moved in between, it would tell its old parent of
    new figures, and its new parent never. Nothing here waits for a lock, so nothing here can be
    part of a deadlock.
    """
    free = Summary.objects.select_for_update(of=("self", "commission"), no_key=True, skip_locked=True)
    rows = free.select_related("commission__level").filter(pk__in=commissions).order_by("pk")
    return {row.pk: row for row in rows.only(*READ)}


def _created(commissions: set[int]) -> list[int]:
    """Makes the rows that are missing; which those were. In order, so that two who do so never cross."""
    there = Summary.objects.filter(pk__in=commissions).values_list("pk", flat=True)
    missing = sorted(commissions - set(there))
    Summary.objects.bulk_create([Summary(commission_id=key) for key in missing], ignore_conflicts=True)
    return missing


def _recompute(rows: Sequence[Summary], now: datetime) -> None:
    """Reads and writes; the rows are locked and their Due is gone."""
    own = _own_tallies(rows)
    below: dict[int, list[dict[str, Any]]] = defaultdict(list)
    unknown = _merge_children([row.pk for row in rows], own, below)
    changed = []
    for row in rows:
        tally, observers = own[row.pk]
        packed = observers_packed(observers)
        children = sorted(below[row.pk], key=itemgetter("commission"))
        if row.revision and (row.tally, bytes(row.observers), row.children) == (tally, packed, children):
            continue
        row.tally, row.observers, row.children = tally, packed, children
        row.revision, row.as_of = row.revision + 1, now
        changed.append(row)
    Summary.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["commission"],
        update_fields=["revision", "as_of", "tally", "children", "observers"],
    )
    parents = {row.commission.parent_id for row in changed if row.commission.parent_id is not None}
    Due.objects.bulk_create([Due(commission_id=key, created_at=now) for key in sorted(parents | unknown)])


# ── reading ─────────────────────────────────────────────────────────────────────────────────
def _own_tallies(rows: Sequence[Summary]) -> dict[int, tuple[Tally, set[int]]]:
    """Per commission, what its own counted reports say, and whose they are. Reports are streamed, never held."""
    places = {row.pk: row.commission for row in rows}
    counted = Report.objects.counted().filter(commission__in=places)
    return _tallies(places, _reports(counted), _violations(counted))


def tallies_supposed(
    *, places: Mapping[int, Commission], reports: "QuerySet[Report]", moving: Collection[int]
) -> tuple[dict[int, Tally], dict[int, Tally]]:
    """What these reports would say of these places were they the counted ones, with those `moving` and without.

    For differences of counts only: of the others no answer is read, for it would be in both. Levels are loaded by the
    caller. The reports are held in memory.
    """
    violations, said = _violations(reports), dict(reports.filter(pk__in=moving).values_list("pk", "answers"))
    rows = [(*row, said.get(pk, {}), pk) for *row, pk in reports.order_by("commission_id").values_list(*KEYS, "pk")]
    rest = [row for row in rows if row[-1] not in moving]
    with_, without = (_tallies(places, some, violations) for some in (rows, rest))
    return {key: tally for key, (tally, _who) in with_.items()}, {key: tally for key, (tally, _who) in without.items()}


def _tallies(
    places: Mapping[int, Commission], rows: Iterable[tuple[Any, ...]], violations: dict[int, list[Raised]]
) -> dict[int, tuple[Tally, set[int]]]:
    kinds = _kinds({place.election_id for place in places.values()}) if violations else {}
    own: dict[int, tuple[Tally, set[int]]] = {}

    def count(key: int, reports: Iterable[tuple[Any, ...]]) -> None:
        observers: set[int] = set()
        tally = tally_own(
            reports=_counted(reports, violations, observers),
            precinct=places[key].level.kind == Level.Kind.PRECINCT,
            kinds=kinds.get(places[key].election_id),
        )
        own[key] = tally, observers

    for key, reports in groupby(rows, key=itemgetter(0)):
        count(key, reports)
    for key in places.keys() - own.keys():
        count(key, ())
    return own


def _reports(counted: "QuerySet[Report]") -> Iterator[tuple[Any, ...]]:
    return counted.order_by("commission_id").values_list(*KEYS, "answers", "pk").iterator(chunk_size=5000)


def _counted(
    rows: Iterable[tuple[Any, ...]], violations: dict[int, list[Raised]], observers: set[int]
) -> Iterator[Counted]:
    """The reports as values; `observers` collects whose they are."""
    forms: dict[int, Form] = {}
    for _commission, version, contest, slot, observer, state, answers, sequence in rows:
        if version not in forms:
            forms |= forms_of({version})
        observers.add(observer)
        raised = tuple(violations.get(sequence, ()))
        yield Counted(forms[version], contest, slot, state == Report.State.VERIFIED, answers, raised)


def _violations(counted: "QuerySet[Report]") -> dict[int, list[Raised]]:
    """Of these reports, by report."""
    found: dict[int, list[Raised]] = defaultdict(list)
    rows = Violation.objects.filter(report__in=counted).values_list("report_id", "pk", "code", "state", "case_id")
    for report, key, code, state, case in rows:
        found[report].append(Raised(key, code, state, case))
    return found


def _kinds(elections: Iterable[int]) -> dict[int, dict[str, ViolationKind]]:
    """What violation codes mean, by election."""
    found: dict[int, dict[str, ViolationKind]] = defaultdict(dict)
    rows = ViolationType.objects.filter(election__in=elections).order_by()
    for election, code, severity, group, denies in rows.values_list(
        "election_id", "code", "severity", "group__code", "denies_access"
    ):
        found[election][code] = ViolationKind(severity, group, denies)
    return found


def _merge_children(
    parents: Sequence[int],
    into: dict[int, tuple[Tally, set[int]]],
    below: dict[int, list[dict[str, Any]]],
) -> set[int]:
    """Adds each child's summary to its parent's figures and notes its coverage; children never computed yet."""
    families: dict[int, dict[int, Version]] = defaultdict(dict)
    children = Commission.objects.filter(parent__in=parents).order_by()
    for parent, key, revision, as_of in children.values_list(
        "parent_id", "pk", "summary__revision", "summary__as_of"
    ).iterator(chunk_size=5000):
        families[parent][key] = (revision or 0, as_of)
    unknown = {key for family in families.values() for key, (revision, _as_of) in family.items() if not revision}
    heard = said_by(versions={key: version for family in families.values() for key, version in family.items()})
    for parent, family in families.items():
        own, observers = into[parent]
        total = Total()
        total.add(flatten(own))
        for key in family:
            one = heard[key]
            total.add(one.flat)
            observers.update(observers_unpacked(one.observers))
            below[parent].append({"commission": key, "coverage": one.coverage, "violations": one.violations})
        into[parent] = total.tally(), observers
    return unknown


# ── showing ─────────────────────────────────────────────────────────────────────────────────
