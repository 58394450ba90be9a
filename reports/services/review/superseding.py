"""Which of an observer's reports stand for one observation: derived from links, never stored as truth.

A correction names the report it replaces. Links and the repeats of a `once` checklist make groups;
of each group one report counts. The answer depends only on what the reports say and on their
standing, not on the order in which they came, so that any interleaving ends in the same figures.
`docs/decisions/0003-superseding.md` has the reasons.
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
_LOCKS = 0x0B5E  # this module's corner of PostgreSQL's advisory locks
LINK_FLAGS = ("supersedes_unknown", "supersedes_ignored")


@dataclass(frozen=True, slots=True)
class Node:
    """What matters of one report. `once` is its place where the checklist is filled once there, else None."""

    uuid: UUID
    observer: int
    checklist: int
    once: OnceKey | None
    observed_at: datetime
    supersedes: UUID | None
    eligible: bool

    @property
    def rank(self) -> tuple[datetime, UUID]:
        return self.observed_at, self.uuid


@dataclass(frozen=True, slots=True)
class Derived:
    """`superseded`: another report stands in its place. `flag`: what is wrong with its own link, or ""."""

    superseded: bool
    flag: str


def derive(nodes: Mapping[UUID, Node]) -> dict[UUID, Derived]:
    """Pure. What each of a closed group of reports is, from what all of them say.

    A link counts when its target is there, by the same observer and on the same checklist. A
    circle is cut at its earliest report: a correction comes after what it corrects. Then the links
    are trees; the word of a tree is the greatest (observed_at, uuid) of its branches' words, or,
    where no branch has an eligible report, the root's own. Of several words about one `once` place
    the greatest counts.
    """
    links, flags = _links(nodes)
    named_by: dict[UUID, list[UUID]] = defaultdict(list)
    for namer, target in links.items():
        named_by[target].append(namer)
    words = _words(nodes, links, named_by)
    best: dict[OnceKey, Node] = {}
    for word in words:
        if word.once is not None and (word.once not in best or word.rank > best[word.once].rank):
            best[word.once] = word
    counted = {word.uuid for word in words if word.once is None or best[word.once] is word}
    return {
        uuid: Derived(superseded=node.eligible and uuid not in counted, flag=flags.get(uuid, ""))
        for uuid, node in nodes.items()
    }


def _links(nodes: Mapping[UUID, Node]) -> tuple[dict[UUID, UUID], dict[UUID, str]]:
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
    settled: set[UUID] = set()
    for start in list(links):
        trail: list[UUID] = []
        here: UUID | None = start
        while here is not None and here not in settled and here not in trail:
            trail.append(here)
            here = links.get(here)
        if here is not None and here in trail:
            earliest = min((nodes[uuid] for uuid in trail[trail.index(here) :]), key=lambda node: node.rank)
            del links[earliest.uuid]
            flags[earliest.uuid] = "supersedes_ignored"
        settled.update(trail)
    return links, flags


def _words(nodes: Mapping[UUID, Node], links: Mapping[UUID, UUID], named_by: Mapping[UUID, list[UUID]]) -> list[Node]:
    """One node a tree: the report that stands for it. Without recursion, for chains may be long."""
    order = [uuid for uuid in nodes if uuid not in links]
    for uuid in order:  # grows while it is walked: roots first, then those that name them
        order.extend(named_by.get(uuid, ()))
    word: dict[UUID, Node | None] = {}
    for uuid in reversed(order):
        branches = [found for namer in named_by.get(uuid, ()) if (found := word[namer]) is not None]
        own = nodes[uuid] if nodes[uuid].eligible else None
        word[uuid] = max(branches, key=lambda node: node.rank) if branches else own
    return [found for uuid in order if uuid not in links and (found := word[uuid]) is not None]


def observers_lock(ids: Iterable[int]) -> None:
    """One writer at a time for an observer's standings, until the transaction ends.

    Two reports that name each other's neighbours in two open transactions would not see each other.
    SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for key in sorted(set(ids)):
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, key % 2**31])


def superseding_settle(*, reports: Collection[Report], now: datetime) -> set[int]:
    """Brings `superseded` and the link flags up to date for these reports' groups; the commissions touched.

    Call with the observers locked, after whatever changed was written. Adding Due is the caller's.
    """
    own = {report.observer_id for report in reports}
    rows = _group(reports, own)
    derived = derive({uuid: _node(row) for uuid, row in rows.items()})
    touched: set[int] = set()
    for uuid, row in rows.items():
        if row.observer_id not in own:
            continue  # another's report, there only to be recognised as such; its observer is not locked
        found = derived[uuid]
        flags = [flag for flag in row.flags if flag not in LINK_FLAGS] + ([found.flag] if found.flag else [])
        if row.superseded != found.superseded:
            touched.add(row.commission_id)
        if row.superseded != found.superseded or sorted(row.flags) != sorted(flags):
            Report.objects.filter(pk=row.pk).update(superseded=found.superseded, flags=flags, changed_at=now)
            row.superseded, row.flags = found.superseded, flags
    for report in reports:
        report.superseded, report.flags = rows[report.uuid].superseded, rows[report.uuid].flags
    return touched


def standing_at(*, election: Election, cutoff: datetime) -> dict[int, bool]:
    """Of reports received by `cutoff`: who is superseded among them, where later ones may have changed that.

    By `sequence`; a report that is not named stands as it is stored. Only an observer's own reports
    can supersede theirs, so only observers with later reports are looked at.
    """
    mine = Report.objects.filter(commission__election=election)
    late = mine.filter(received_at__gt=cutoff).order_by().values_list("observer_id", flat=True).distinct()
    observers = sorted(late)
    standing: dict[int, bool] = {}
    for start in range(0, len(observers), 200):
        rows = _columns(mine.filter(observer__in=observers[start : start + 200], received_at__lte=cutoff))
        known = {row.uuid: (row.sequence, _node(row)) for row in rows.iterator(chunk_size=5000)}
        derived = derive({uuid: node for uuid, (_sequence, node) in known.items()})
        standing |= {known[uuid][0]: found.superseded for uuid, found in derived.items()}
    return standing


def standing_restored(*, observer: Observer, election: Election) -> dict[int, bool]:
    """Who of an observer's reports would be superseded were none of them quarantined, by `sequence`.

    Only of those that would be eligible then; nothing is written.
    """
    rows = list(_columns(Report.objects.filter(observer=observer, commission__election=election)))
    for row in rows:
        row.quarantined = False
    derived = derive({row.uuid: _node(row) for row in rows})
    return {row.sequence: derived[row.uuid].superseded for row in rows if row.is_eligible}


def _group(reports: Collection[Report], own: Collection[int]) -> dict[UUID, Report]:
    """The reports and all that links or a `once` place bind to them, however far."""
    rows: dict[UUID, Report] = {}
    asked: set[OnceKey] = set()
    fresh = list(_columns(Report.objects.filter(pk__in=[report.pk for report in reports])))
    while fresh:
        rows.update((row.uuid, row) for row in fresh)
        nodes = [_node(row) for row in fresh if row.observer_id in own]
        wanted = Q(supersedes__in=[node.uuid for node in nodes])
        targets = [node.supersedes for node in nodes if node.supersedes and node.supersedes not in rows]
        if targets:
            wanted |= Q(uuid__in=targets)
        keys = {node.once for node in nodes if node.once is not None} - asked
        asked |= keys
        wanted = reduce(or_, (_at_place(key) for key in keys), wanted)
        fresh = [row for row in _columns(Report.objects.filter(wanted)) if row.uuid not in rows]
    return rows


def _columns(reports: QuerySet[Report]) -> QuerySet[Report]:
    return reports.select_related("version__checklist").defer("body", "answers", "comment")


def _at_place(key: OnceKey) -> Q:
    observer, checklist, commission, contest, slot = key
    return Q(observer=observer, version__checklist=checklist, commission=commission, contest=contest, slot=slot)


def _node(row: Report) -> Node:
    checklist = row.version.checklist
    once = checklist.repeat == Checklist.Repeat.ONCE
    return Node(
        uuid=row.uuid,
        observer=row.observer_id,
        checklist=checklist.pk,
        once=(row.observer_id, checklist.pk, row.commission_id, row.contest_id, row.slot) if once else None,
        observed_at=row.observed_at,
        supersedes=row.supersedes,
        eligible=row.is_eligible,
    )
