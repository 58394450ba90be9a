"""Recomputes summaries from each commission's own reports and its children's summaries.

The rows of `Due` are the queue. The order inside a transaction is what prevents lost updates: lock
the Summary, delete its Due rows, and only then read, in new statements. A transaction that changes
a figure after that deletion leaves a Due row of its own behind.
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
from reports.services.background.recompute_queue import mark_due
from reports.services.checklists.compiled import Form, load_forms
from reports.services.figures.child_cache import Version, load_child_figures
from reports.services.figures.tally import (
    CountedReport,
    RaisedViolation,
    Tally,
    ViolationKind,
    pack_observers,
    tally_reports,
    unpack_observers,
)
from reports.services.figures.tally_flat import TallySum, flatten_tally

MAX_COMMISSIONS_PER_TRANSACTION = 100  # on PostgreSQL
MAX_COMMISSIONS_PER_TRANSACTION_SQLITE = 20  # a transaction locks the whole database, and writers wait
DEEPEST_LEVEL_SECONDS = 0.4  # time spent at the deepest level before going up
SQLITE_PAUSE_SECONDS = 0.02  # between two transactions: SQLite does not queue the writers that wait
# The columns of a report that figures need.
REPORT_COLUMNS = ("commission_id", "version_id", "contest_id", "slot", "observer_id", "state")
# All fields of the row, and of its commission only what figures need: names are long, and there are hundreds.
SUMMARY_FIELDS = (
    "revision",
    "as_of",
    "tally",
    "children",
    "observers",
    "commission__parent_id",
    "commission__election_id",
    "commission__level__kind",
)
MAX_WAIT_SECONDS = 60.0  # without any progress, while another process holds what is due


def recompute_due_summaries(
    *,
    now: Callable[[], datetime] | None = None,
    wait_for_others: bool = False,
    max_commissions: int | None = None,
    max_seconds: float | None = None,
) -> int:
    """Recomputes due summaries until nothing is due; returns how many.

    It works in passes: some of the deepest commissions, then those above them, up to the root, and
    only then what has become due in the meantime. So the root is updated however fast reports come in.

    Any number of processes may do this at once. What another process holds is left to it. With
    `wait_for_others` it is waited for instead, and TimeoutError is raised after a minute without
    progress. Stops early after `max_commissions` or, at the end of a pass, after `max_seconds`; the
    rest stays due.
    """
    run = _RecomputeRun(now or timezone.now, max_commissions)
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    while True:
        any_due = run.recompute_pass()
        if run.is_finished() or (deadline is not None and time.monotonic() > deadline):
            return run.done
        if any_due:
            continue
        if not (wait_for_others and run.held):
            return run.done
        if time.monotonic() - run.progressed_at > MAX_WAIT_SECONDS:
            raise TimeoutError(f"{len(run.held)} commissions are due and held by another process")
        time.sleep(0.05)
        run.held.clear()


class _RecomputeRun:
    """The state of one call: what is done, and what others hold."""

    def __init__(self, clock: Callable[[], datetime], max_commissions: int | None) -> None:
        self.clock = clock
        self.max_commissions = max_commissions
        self.chunk_size = (
            MAX_COMMISSIONS_PER_TRANSACTION
            if connection.vendor == "postgresql"
            else MAX_COMMISSIONS_PER_TRANSACTION_SQLITE
        )
        self.held: set[int] = set()
        self.done = 0
        self.progressed_at = time.monotonic()

    def is_finished(self) -> bool:
        return self.max_commissions is not None and self.done >= self.max_commissions

    def recompute_pass(self) -> bool:
        """Recomputes due commissions from the deepest level up to the root.

        The deepest for at most `DEEPEST_LEVEL_SECONDS`, then all due ones above, level by level.
        Returns whether any commission was due.
        """
        depth, level = _find_deepest_due(self.held)
        started, any_due = time.monotonic(), bool(level)
        lowest = True
        while level and not self.is_finished():
            for start in range(0, len(level), self.chunk_size):
                self._recompute_chunk(level[start : start + self.chunk_size])
                if self.is_finished() or (lowest and time.monotonic() - started > DEEPEST_LEVEL_SECONDS):
                    break
            lowest = False
            depth, level = _find_deepest_due(self.held, above=depth)
        return any_due

    def _recompute_chunk(self, chunk: list[int]) -> None:
        if self.max_commissions is not None:
            chunk = chunk[: self.max_commissions - self.done]
        refreshed = recompute_summaries(commissions=chunk, now=self.clock)
        self.held.update(set(chunk) - refreshed)
        if refreshed:
            self.done, self.progressed_at = self.done + len(refreshed), time.monotonic()
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(SQLITE_PAUSE_SECONDS)


def mark_election_due(*, election: Election, now: datetime) -> None:
    """Marks every commission of an election as due.

    Needed after an import, or a change of what violation types mean.
    """
    with transaction.atomic():
        mark_due(commissions=election.commissions.values_list("pk", flat=True), now=now)


def _find_deepest_due(held_by_others: set[int], above: int | None = None) -> tuple[int, list[int]]:
    """Finds the deepest due commissions, without those held by others.

    Returns their depth and their keys. With `above`, only depths smaller than that count. Siblings
    are next to each other, so that one pass serves them all. The family that has waited longest comes
    first, so that none waits for ever.
    """
    waiting = Due.objects.order_by().values_list("commission_id", "commission__depth", "commission__parent_id")
    if above is not None:
        waiting = waiting.filter(commission__depth__lt=above)
    free = [row for row in waiting.annotate(first=Min("pk")) if row[0] not in held_by_others]
    deepest = max((depth for _key, depth, _parent, _first in free), default=0)
    families: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, depth, parent, first in free:
        if depth == deepest:
            families[parent].append((first, key))
    ordered = sorted(families.values(), key=min)
    return deepest, [key for family in ordered for _first, key in sorted(family, key=itemgetter(1))]


def recompute_summaries(*, commissions: Sequence[int], now: Callable[[], datetime]) -> set[int]:
    """Recomputes some commissions in one transaction; returns those that are done.

    They should be of one depth. The others are held by another process, which recomputes them or
    leaves them due. `now` is called after the rows are locked.
    """
    with transaction.atomic():
        rows = _lock_free_summaries(commissions)
        if len(rows) < len(commissions):
            rows |= _lock_free_summaries(_create_missing_summaries(set(commissions) - rows.keys()))
        waiting = Due.objects.filter(commission__in=list(rows)).order_by()
        due = set(waiting.values_list("commission_id", flat=True).distinct())
        Due.objects.filter(commission__in=due).delete()
        # From here on every statement sees at least the changes for which the deleted rows were written.
        _recompute_locked([row for key, row in rows.items() if key in due], now())
    return set(rows)


def _lock_free_summaries(commissions: Iterable[int]) -> dict[int, Summary]:
    """Locks the summaries that no other process holds, until the transaction ends.

    Each commission is locked with its summary. If it were moved in between, its old parent would be
    marked as due instead of its new one. Nothing here waits for a lock, so nothing here can be part
    of a deadlock.
    """
    free = Summary.objects.select_for_update(of=("self", "commission"), no_key=True, skip_locked=True)
    rows = free.select_related("commission__level").filter(pk__in=commissions).order_by("pk")
    return {row.pk: row for row in rows.only(*SUMMARY_FIELDS)}


def _create_missing_summaries(commissions: set[int]) -> list[int]:
    """Creates the missing rows; returns their keys.

    In the order of keys, so that two processes that do this cannot deadlock.
    """
    existing = Summary.objects.filter(pk__in=commissions).values_list("pk", flat=True)
    missing = sorted(commissions - set(existing))
    Summary.objects.bulk_create([Summary(commission_id=key) for key in missing], ignore_conflicts=True)
    return missing


def _recompute_locked(rows: Sequence[Summary], now: datetime) -> None:
    """Recomputes and saves rows that are locked and whose Due rows are deleted."""
    figures = _compute_own_tallies(rows)
    children_by_parent: dict[int, list[dict[str, Any]]] = defaultdict(list)
    unknown = _merge_children([row.pk for row in rows], figures, children_by_parent)
    changed = []
    for row in rows:
        tally, observers = figures[row.pk]
        packed = pack_observers(observers)
        children = sorted(children_by_parent[row.pk], key=itemgetter("commission"))
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
def _compute_own_tallies(rows: Sequence[Summary]) -> dict[int, tuple[Tally, set[int]]]:
    """Computes each commission's tally and observers from its own counted reports.

    Reports are streamed and not kept in memory.
    """
    commissions = {row.pk: row.commission for row in rows}
    counted = Report.objects.counted().filter(commission__in=commissions)
    return _compute_tallies(commissions, _iterate_reports(counted), _load_violations(counted))


def compute_what_if_tallies(
    *, places: Mapping[int, Commission], reports: "QuerySet[Report]", moved_reports: Collection[int]
) -> tuple[dict[int, Tally], dict[int, Tally]]:
    """Computes tallies of these places as if `reports` were the counted ones.

    Returns two tallies for each place: with `moved_reports` (keys of reports) and without them. They
    serve for differences of counts only: answers are read for the moved reports alone, because the
    answers of the others would be in both. The caller has loaded the levels of `places`. The reports
    are kept in memory.
    """
    violations, answers = (
        _load_violations(reports),
        dict(reports.filter(pk__in=moved_reports).values_list("pk", "answers")),
    )
    rows = [
        (*row, answers.get(pk, {}), pk)
        for *row, pk in reports.order_by("commission_id").values_list(*REPORT_COLUMNS, "pk")
    ]
    rows_without = [row for row in rows if row[-1] not in moved_reports]
    with_, without = (_compute_tallies(places, chosen_rows, violations) for chosen_rows in (rows, rows_without))
    return {key: tally for key, (tally, _who) in with_.items()}, {key: tally for key, (tally, _who) in without.items()}


def _compute_tallies(
    commissions: Mapping[int, Commission], rows: Iterable[tuple[Any, ...]], violations: dict[int, list[RaisedViolation]]
) -> dict[int, tuple[Tally, set[int]]]:
    kinds = _load_violation_kinds({commission.election_id for commission in commissions.values()}) if violations else {}
    tallies: dict[int, tuple[Tally, set[int]]] = {}

    def count(key: int, reports: Iterable[tuple[Any, ...]]) -> None:
        observers: set[int] = set()
        tally = tally_reports(
            reports=_build_counted_reports(reports, violations, observers),
            precinct=commissions[key].level.kind == Level.Kind.PRECINCT,
            kinds=kinds.get(commissions[key].election_id),
        )
        tallies[key] = tally, observers

    for key, reports in groupby(rows, key=itemgetter(0)):
        count(key, reports)
    for key in commissions.keys() - tallies.keys():
        count(key, ())
    return tallies


def _iterate_reports(counted: "QuerySet[Report]") -> Iterator[tuple[Any, ...]]:
    return counted.order_by("commission_id").values_list(*REPORT_COLUMNS, "answers", "pk").iterator(chunk_size=5000)


def _build_counted_reports(
    rows: Iterable[tuple[Any, ...]], violations: dict[int, list[RaisedViolation]], observers: set[int]
) -> Iterator[CountedReport]:
    """Yields the reports as values; adds their observers to `observers`."""
    forms: dict[int, Form] = {}
    for _commission, version, contest, slot, observer, state, answers, sequence in rows:
        if version not in forms:
            forms |= load_forms({version})
        observers.add(observer)
        raised = tuple(violations.get(sequence, ()))
        yield CountedReport(forms[version], contest, slot, state == Report.State.VERIFIED, answers, raised)


def _load_violations(counted: "QuerySet[Report]") -> dict[int, list[RaisedViolation]]:
    """Loads the violations of these reports, by report."""
    found: dict[int, list[RaisedViolation]] = defaultdict(list)
    rows = Violation.objects.filter(report__in=counted).values_list("report_id", "pk", "code", "state", "case_id")
    for report, key, code, state, case in rows:
        found[report].append(RaisedViolation(key, code, state, case))
    return found


def _load_violation_kinds(elections: Iterable[int]) -> dict[int, dict[str, ViolationKind]]:
    """Loads the meaning of violation codes, by election and code."""
    found: dict[int, dict[str, ViolationKind]] = defaultdict(dict)
    rows = ViolationType.objects.filter(election__in=elections).order_by()
    for election, code, severity, group, denies in rows.values_list(
        "election_id", "code", "severity", "group__code", "denies_access"
    ):
        found[election][code] = ViolationKind(severity, group, denies)
    return found


def _merge_children(
    parents: Sequence[int],
    figures: dict[int, tuple[Tally, set[int]]],
    children_by_parent: dict[int, list[dict[str, Any]]],
) -> set[int]:
    """Adds each child's summary to its parent's figures.

    Also adds each child's coverage to `children_by_parent`. Returns the children that were never
    computed.
    """
    families: dict[int, dict[int, Version]] = defaultdict(dict)
    children = Commission.objects.filter(parent__in=parents).order_by()
    for parent, key, revision, as_of in children.values_list(
        "parent_id", "pk", "summary__revision", "summary__as_of"
    ).iterator(chunk_size=5000):
        families[parent][key] = (revision or 0, as_of)
    unknown = {key for family in families.values() for key, (revision, _as_of) in family.items() if not revision}
    child_figures = load_child_figures(
        versions={key: version for family in families.values() for key, version in family.items()}
    )
    for parent, family in families.items():
        own_tally, observers = figures[parent]
        total = TallySum()
        total.add(flatten_tally(own_tally))
        for key in family:
            child = child_figures[key]
            total.add(child.flat)
            observers.update(unpack_observers(child.observers))
            children_by_parent[parent].append(
                {"commission": key, "coverage": child.coverage, "violations": child.violations}
            )
        figures[parent] = total.build_tally(), observers
    return unknown
