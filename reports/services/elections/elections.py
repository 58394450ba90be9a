"""Creation of an election at the desk, from a country's pack or as a copy of an earlier election.

A copy takes the commissions (all, or one branch of the tree), levels, contests, violations, checklists and rules. It
takes no people, roles or reports. Observers are invited afterwards (`invitations.py`) and give consent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from observer.models import Commission, Contest, Election, Grant, Level, Trail, User
from observer.models.row_scope import Role
from observer.services.accounts import access
from observer.services.registry.commissions import BATCH_ROWS, lock_election
from observer.services.registry.relay_keys import set_relay_keys
from observer.services.trail import add_trail_entry
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section, ViolationGroup, ViolationType
from reports.services.background.recompute_queue import mark_due
from reports.services.checklists.publishing import publish_version
from reports.services.elections.pack_files import read_pack
from reports.services.elections.packs import create_election, insert_election

M = TypeVar("M", bound=Model)
RULES_NOT_COPIED = ("sample",)  # true of one election only: whether its stations are a random sample


@dataclass(frozen=True, slots=True)
class NewElection:
    """What the user entered for the new election.

    `languages` are some of the source's, in the wanted order. Without `opens_at` and `closes_at`, the hours of the
    pack or of the earlier election apply, on the new day. `idempotency_key` is a value of the form shown, so that
    pressing its button twice creates one election.
    """

    slug: str
    names: Mapping[str, str]
    date: date
    languages: Sequence[str]
    opens_at: datetime | None
    closes_at: datetime | None
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ElectionCounts:
    """How many of each would be created."""

    commissions: int
    stations: int
    checklists: int
    contests: int
    violations: int


def count_pack(*, folder: Path) -> ElectionCounts:
    """Counts what an election from this pack would have: no commissions and no contests.

    Raises BadTable for a pack with problems.
    """
    pack = read_pack(folder)
    return ElectionCounts(0, 0, len(pack.drafts), 0, len(pack.violations))


def count_copy(*, source: Election, branch: Commission | None) -> ElectionCounts:
    """Counts what a copy of this election, or of one branch of it, would have."""
    places = _get_branch(source, branch)
    return ElectionCounts(
        commissions=places.count(),
        stations=places.filter(level__kind=Level.Kind.PRECINCT).count(),
        checklists=len(_load_versions(source)),
        contests=len(_load_contests(source, branch)),
        violations=ViolationType.objects.filter(election=source).count(),
    )


def find_created_election(*, idempotency_key: str, user: User) -> Election | None:
    """Finds the election that the same form has already created, or None."""
    lines = Trail.objects.filter(user=user, action="election.create", detail__press=idempotency_key)
    return Election.objects.filter(pk__in=lines.values("election")).first()


def create_election_from_pack(*, folder: Path, new_election: NewElection, user: User, now: datetime) -> Election:
    """Creates an election in preparation from a pack, with its checklists published.

    Raises BadTable, ElectionExists, ValidationError; then nothing is created.
    """
    window = (
        (new_election.opens_at, new_election.closes_at) if new_election.opens_at and new_election.closes_at else None
    )
    return create_election(
        slug=new_election.slug,
        name=new_election.names,
        date=new_election.date,
        pack_dir=folder,
        languages=new_election.languages,
        window=window,
        state=Election.State.DRAFT,
        idempotency_key=new_election.idempotency_key,
        now=now,
        user=user,
    )


def copy_election(
    *,
    source: Election,
    branch: Commission | None,
    new_election: NewElection,
    contests: bool,
    publish: bool,
    user: User,
    now: datetime,
) -> Election:
    """Creates an election in preparation as a copy of `source`.

    With `branch`, only that branch of the tree and the commissions above it are copied. Checklists are copied in
    their latest published wording as version 1, and published again only if `publish`. A user who is no superuser
    becomes administrator of the new election. Raises ElectionExists, ValidationError, and Rejected where a checklist
    cannot be published; then nothing is created.
    """
    with transaction.atomic():
        lock_election(source)  # nobody moves a commission while the tree is read
        election = _insert_copy(source, new_election)
        levels = _copy_rows(Level.objects.filter(election=source), election)
        places = _copy_commissions(election, _get_branch(source, branch), levels)
        if contests:
            _copy_contests(election, _load_contests(source, branch), places)
        groups = _copy_rows(ViolationGroup.objects.filter(election=source), election)
        _copy_rows(ViolationType.objects.filter(election=source), election, group=groups)
        _copy_checklists(election, _load_versions(source), publish, user, now)
        mark_due(commissions=[one.pk for one in places.values()], now=now)
        detail = {"from": source.slug, "branch": branch.code if branch else "", "press": new_election.idempotency_key}
        add_trail_entry(action="election.create", subject=election, now=now, user=user, detail=detail)
        root = next((one for one in places.values() if one.depth == 0), None)
        if root is not None and not access.is_superuser(user):
            grant = Grant.objects.create(user=user, role=Role.ADMINISTRATOR, commission=root)
            given = {"role": grant.role, "commission": root.code, "user": user.pk}
            add_trail_entry(action="grant.give", subject=grant, now=now, user=user, detail=given, election=election.pk)
    return election


def _insert_copy(source: Election, new_election: NewElection) -> Election:
    days = new_election.date - source.date
    zone = ZoneInfo(source.timezone)
    choices = [code for code in source.rules.get("choice_languages") or [] if code in new_election.languages]
    election = Election(
        slug=new_election.slug,
        names=dict(new_election.names),
        date=new_election.date,
        timezone=source.timezone,
        languages=list(new_election.languages),
        state=Election.State.DRAFT,
        pack=source.pack,
        opens_at=new_election.opens_at or _shift_days(source.opens_at, days, zone),
        closes_at=new_election.closes_at or _shift_days(source.closes_at, days, zone),
        windows={
            code: [_shift_days(moment, days, zone).isoformat() for moment in source.get_window(code)]
            for code in source.windows
        },
        rules={key: value for key, value in source.rules.items() if key not in RULES_NOT_COPIED}
        | {"choice_languages": choices},
        emergency_contact=source.emergency_contact,
        emergency_names=source.emergency_names,
        conduct_version=source.conduct_version,
        mirrors=source.mirrors,
    )
    set_relay_keys(election)
    insert_election(election)
    return election


def _shift_days(moment: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """Adds days, and keeps the local time of day in the zone."""
    local = moment.astimezone(zone).replace(tzinfo=None) + days
    return local.replace(tzinfo=zone).astimezone(UTC)


def _get_branch(source: Election, branch: Commission | None) -> QuerySet[Commission]:
    rows = Commission.objects.filter(election=source)
    if branch is None:
        return rows
    codes = branch.path.strip("/").split("/")
    ancestor_paths = ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes))]
    return rows.filter(Q(path__in=ancestor_paths) | Q(path__startswith=branch.path))


def _copy_rows(rows: QuerySet[M], election: Election, **keys: Mapping[int, Model]) -> dict[int, M]:
    """Copies rows to another election; returns the copies by the keys of the originals.

    `keys` maps names of foreign keys to the copies that they must point to.
    """
    copies = {row.pk: row for row in rows}
    for row in copies.values():
        _make_unsaved_copy(
            row, election=election, **{name: targets[getattr(row, f"{name}_id")] for name, targets in keys.items()}
        )
    rows.model._default_manager.bulk_create(copies.values(), batch_size=BATCH_ROWS)
    return copies


def _make_unsaved_copy(row: M, **values: Any) -> M:
    row.pk = None
    row._state.adding = True
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _copy_commissions(
    election: Election, rows: QuerySet[Commission], levels: Mapping[int, Level]
) -> dict[int, Commission]:
    copies: dict[int, Commission] = {}
    for _depth, rows_of_depth in groupby(rows.order_by("depth", "pk"), key=lambda one: one.depth):
        layer = {}
        for one in rows_of_depth:
            key, parent = one.pk, copies[one.parent_id] if one.parent_id else None
            layer[key] = _make_unsaved_copy(one, election=election, parent=parent, level=levels[one.level_id])
        Commission.objects.bulk_create(layer.values(), batch_size=BATCH_ROWS)
        copies |= layer
    return copies


def _load_contests(source: Election, branch: Commission | None) -> list[tuple[Contest, list[int]]]:
    """Loads the contests held in the branch, with the keys of their commissions in it.

    No keys: the contest is held everywhere.
    """
    found = []
    within = set(_get_branch(source, branch).values_list("pk", flat=True)) if branch else None
    for contest in Contest.objects.filter(election=source).prefetch_related("scope"):
        scope = [place.pk for place in contest.scope.all()]
        commission_keys = [key for key in scope if within is None or key in within]
        if commission_keys or not scope:
            found.append((contest, commission_keys))
    return found


def _copy_contests(
    election: Election, contests: Iterable[tuple[Contest, list[int]]], places: Mapping[int, Commission]
) -> None:
    through = Contest.scope.through
    links = []
    for contest, scope in contests:
        copy = Contest.objects.create(
            election=election, code=contest.code, names=contest.names, options=contest.options, round=contest.round
        )
        links += [through(contest_id=copy.pk, commission_id=places[key].pk) for key in scope]
    through.objects.bulk_create(links, batch_size=BATCH_ROWS)


def _load_versions(source: Election) -> list[ChecklistVersion]:
    """Loads the latest published version of each checklist, else its latest, in the order of the checklists."""
    found: dict[int, ChecklistVersion] = {}
    rows = ChecklistVersion.objects.filter(checklist__election=source).select_related("checklist")
    for version in rows.order_by("checklist__order", "checklist__code", "number"):
        previous = found.get(version.checklist_id)
        if previous is None or version.published_at or not previous.published_at:
            found[version.checklist_id] = version
    return list(found.values())


def _copy_checklists(
    election: Election, versions: Iterable[ChecklistVersion], publish: bool, user: User, now: datetime
) -> None:
    for source_version in versions:
        key, was_published = source_version.pk, source_version.published_at is not None
        checklist: Checklist = _make_unsaved_copy(source_version.checklist, election=election)
        checklist.save(force_insert=True)
        version = ChecklistVersion.objects.create(checklist=checklist, number=1)
        sections = {row.pk: row for row in Section.objects.filter(version=key)}
        Section.objects.bulk_create([_make_unsaved_copy(row, version=version) for row in sections.values()])
        questions = list(Question.objects.filter(version=key))
        for row in questions:
            _make_unsaved_copy(row, version=version, section=sections[row.section_id] if row.section_id else None)
        Question.objects.bulk_create(questions)
        files = list(ChecklistFile.objects.filter(version=key))
        ChecklistFile.objects.bulk_create([_make_unsaved_copy(row, version=version) for row in files])
        if publish and was_published:
            publish_version(version=version, now=now, user=user)
