"""Which of an observer's reports about one observation counts.

A correction names the report that it replaces. Links of this kind, and repeated reports on a checklist
that is filled in `once`, join reports to groups; one report of each group counts. The result is derived
from the reports' content and states alone and not from the order in which they came, so that every order
gives the same figures; the stored `superseded` is only a copy of it. The reasons are in
`docs/decisions/0003-superseding.md`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from observer.models import Election, Observer
from reports.models import Checklist, Report

OnceKey = tuple[int, int, int, int | None, str]  # observer, checklist, commission, contest, slot
_LOCK_NAMESPACE = 0x0B5E  # first key of this module's advisory locks in PostgreSQL
LINK_FLAGS = ("supersedes_unknown", "supersedes_ignored")


@dataclass(frozen=True, slots=True)
class Node:
    """The properties of one report that decide what it supersedes.

    `once_key` identifies the place where the checklist is filled in once; None for other checklists.
    """

    uuid: UUID
    observer: int
    checklist: int
    once_key: OnceKey | None
    observed_at: datetime
    supersedes: UUID | None
    eligible: bool

    @property
    def rank(self) -> tuple[datetime, UUID]:
        return self.observed_at, self.uuid


@dataclass(frozen=True, slots=True)
class SupersedingResult:
    """What was derived for one report.

    `superseded`: another report counts instead of it. `flag`: what is wrong with its own link, or "".
    """

    superseded: bool
    flag: str


def derive_superseding(nodes: Mapping[UUID, Node]) -> dict[UUID, SupersedingResult]:
    """Derives whether each report of a group is superseded.

    Pure. The group must be closed: all linked reports are in it. A link is valid when its target exists, is by
    the same observer and is on the same checklist. A cycle is cut at its earliest report, because a correction
    comes after what it corrects. The links then form trees. The head of a tree is the report that counts: of
    the heads of its branches the one with the greatest (observed_at, uuid), or the root itself where no branch
    has an eligible report. Of several heads with the same `once_key` the greatest counts.
    """
    links, flags = _resolve_links(nodes)
    corrections_by_target: dict[UUID, list[UUID]] = defaultdict(list)
    for correction, target in links.items():
        corrections_by_target[target].append(correction)
    heads = _find_tree_heads(nodes, links, corrections_by_target)
    best_by_once_key: dict[OnceKey, Node] = {}
    for head in heads:
        key = head.once_key
        if key is not None and (key not in best_by_once_key or head.rank > best_by_once_key[key].rank):
            best_by_once_key[key] = head
    counted_uuids = {head.uuid for head in heads if head.once_key is None or best_by_once_key[head.once_key] is head}
    return {
        uuid: SupersedingResult(superseded=node.eligible and uuid not in counted_uuids, flag=flags.get(uuid, ""))
        for uuid, node in nodes.items()
    }


def _resolve_links(nodes: Mapping[UUID, Node]) -> tuple[dict[UUID, UUID], dict[UUID, str]]:
    links: dict[UUID, UUID] = {}
    flags: dict[UUID, str] = {}
    for node in nodes.values():
        if node.supersedes is None:
            continue
        target = nodes.get(node.supersedes)
        if target is None:
            flags[node.uuid] = "supersedes_unknown"
        elif target.observer != node.observer or target.checklist != node.checklist:
            flags[node.uuid] = "supersedes_ignored"
        else:
            links[node.uuid] = target.uuid
    visited: set[UUID] = set()
    for start in list(links):
        path: list[UUID] = []
        here: UUID | None = start
        while here is not None and here not in visited and here not in path:
            path.append(here)
            here = links.get(here)
        if here is not None and here in path:
            earliest = min((nodes[uuid] for uuid in path[path.index(here) :]), key=lambda node: node.rank)
            del links[earliest.uuid]
            flags[earliest.uuid] = "supersedes_ignored"
        visited.update(path)
    return links, flags


def _find_tree_heads(
    nodes: Mapping[UUID, Node], links: Mapping[UUID, UUID], corrections_by_target: Mapping[UUID, list[UUID]]
) -> list[Node]:
    """The report of each tree that counts for it.

    Not recursive, because chains may be long.
    """
    order = [uuid for uuid in nodes if uuid not in links]
    for uuid in order:  # the list grows during the loop: roots first, then those that correct them
        order.extend(corrections_by_target.get(uuid, ()))
    head_by_uuid: dict[UUID, Node | None] = {}
    for uuid in reversed(order):
        branches = [
            found
            for correction in corrections_by_target.get(uuid, ())
            if (found := head_by_uuid[correction]) is not None
        ]
        own_node = nodes[uuid] if nodes[uuid].eligible else None
        head_by_uuid[uuid] = max(branches, key=lambda node: node.rank) if branches else own_node
    return [found for uuid in order if uuid not in links and (found := head_by_uuid[uuid]) is not None]


def lock_observers(ids: Iterable[int]) -> None:
    """Locks these observers' reports for other writers until the transaction ends.

    Without it, two transactions could store two linked reports of one observer without seeing each other.
    SQLite has only one writer at a time, so nothing is locked there.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for key in sorted(set(ids)):
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_NAMESPACE, key % 2**31])


def update_superseded(*, reports: Collection[Report], now: datetime) -> set[int]:
    """Updates `superseded` and the link flags of these reports' groups.

    Returns the keys of the commissions whose counted reports changed; the caller marks them as due. Call
    it with the observers locked, after the changes to the reports were written.
    """
    observers = {report.observer_id for report in reports}
    rows = _load_linked_reports(reports, observers)
    results = derive_superseding({uuid: _build_node(row) for uuid, row in rows.items()})
    touched: set[int] = set()
    for uuid, row in rows.items():
        if row.observer_id not in observers:
            continue  # another observer's report, loaded only to recognise a wrong link; its observer is not locked
        result = results[uuid]
        flags = [flag for flag in row.flags if flag not in LINK_FLAGS] + ([result.flag] if result.flag else [])
        if row.superseded != result.superseded:
            touched.add(row.commission_id)
        if row.superseded != result.superseded or sorted(row.flags) != sorted(flags):
            Report.objects.filter(pk=row.pk).update(superseded=result.superseded, flags=flags, changed_at=now)
            row.superseded, row.flags = result.superseded, flags
    for report in reports:
        report.superseded, report.flags = rows[report.uuid].superseded, rows[report.uuid].flags
    return touched


def compute_superseded_at(*, election: Election, cutoff: datetime) -> dict[int, bool]:
    """Which reports received by `cutoff` were superseded then.

    Only those of which later reports may have changed it. Returns `superseded` by `sequence`; for a report that
    is missing there the stored value holds. Only an observer's own reports can supersede theirs, so only
    observers with later reports are examined.
    """
    election_reports = Report.objects.filter(commission__election=election)
    later = election_reports.filter(received_at__gt=cutoff).order_by()
    observers = sorted(later.values_list("observer_id", flat=True).distinct())
    superseded_by_sequence: dict[int, bool] = {}
    for start in range(0, len(observers), 200):
        earlier = election_reports.filter(observer__in=observers[start : start + 200], received_at__lte=cutoff)
        rows = _select_columns(earlier)
        known = {row.uuid: (row.sequence, _build_node(row)) for row in rows.iterator(chunk_size=5000)}
        results = derive_superseding({uuid: node for uuid, (_sequence, node) in known.items()})
        superseded_by_sequence |= {known[uuid][0]: found.superseded for uuid, found in results.items()}
    return superseded_by_sequence


def compute_superseded_if_restored(*, observer: Observer, election: Election) -> dict[int, bool]:
    """Which of an observer's reports would be superseded if none were quarantined.

    Returns `superseded` by `sequence`, for the reports that would be eligible then. Nothing is written.
    """
    rows = list(_select_columns(Report.objects.filter(observer=observer, commission__election=election)))
    for row in rows:
        row.quarantined = False
    results = derive_superseding({row.uuid: _build_node(row) for row in rows})
    return {row.sequence: results[row.uuid].superseded for row in rows if row.is_eligible}


def _load_linked_reports(reports: Collection[Report], observers: Collection[int]) -> dict[UUID, Report]:
    """Loads the reports and all that are linked to them.

    Directly or not, by a link or a `once_key`.
    """
    rows: dict[UUID, Report] = {}
    queried_keys: set[OnceKey] = set()
    new_rows = list(_select_columns(Report.objects.filter(pk__in=[report.pk for report in reports])))
    while new_rows:
        rows.update((row.uuid, row) for row in new_rows)
        nodes = [_build_node(row) for row in new_rows if row.observer_id in observers]
        condition = Q(supersedes__in=[node.uuid for node in nodes])
        targets = [node.supersedes for node in nodes if node.supersedes and node.supersedes not in rows]
        if targets:
            condition |= Q(uuid__in=targets)
        keys = {node.once_key for node in nodes if node.once_key is not None} - queried_keys
        queried_keys |= keys
        condition = reduce(or_, (_match_once_key(key) for key in keys), condition)
        new_rows = [row for row in _select_columns(Report.objects.filter(condition)) if row.uuid not in rows]
    return rows


def _select_columns(reports: QuerySet[Report]) -> QuerySet[Report]:
    return reports.select_related("version__checklist").defer("body", "answers", "comment")


def _match_once_key(key: OnceKey) -> Q:
    observer, checklist, commission, contest, slot = key
    return Q(observer=observer, version__checklist=checklist, commission=commission, contest=contest, slot=slot)


def _build_node(row: Report) -> Node:
    checklist = row.version.checklist
    is_once = checklist.repeat == Checklist.Repeat.ONCE
    return Node(
        uuid=row.uuid,
        observer=row.observer_id,
        checklist=checklist.pk,
        once_key=(row.observer_id, checklist.pk, row.commission_id, row.contest_id, row.slot) if is_once else None,
        observed_at=row.observed_at,
        supersedes=row.supersedes,
        eligible=row.is_eligible,
    )
