"""A new election at the desk: from a country's pack, or from an earlier election, whole or one branch of it.

What an earlier one gives is its tree, levels, contests, violations, checklists and rules; nobody's
person, role or report. Observers are invited afterwards (`inviting.py`), and consent anew.
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
from observer.models.reach import Role
from observer.services.accounts import access
from observer.services.registry.commissions import BATCH, election_lock
from observer.services.registry.relay_keys import relay_keys_set
from observer.services.trail import trail_add
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section, ViolationGroup, ViolationType
from reports.services.background.recompute_queue import due_add
from reports.services.checklists.publishing import version_publish
from reports.services.elections.pack_files import pack_read
from reports.services.elections.packs import election_create, election_store

M = TypeVar("M", bound=Model)
OF_ITS_OWN = ("sample",)  # rules that say something of one election only: whether its stations were drawn by lot


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of the new election. `languages`: some of those that there are, in the order wanted. `press`: one
    value for one page shown, by which two presses of its button are one. Hours left out are those of the pack or
    of the earlier election, on the new day."""

    slug: str
    names: Mapping[str, str]
    date: date
    languages: Sequence[str]
    opens_at: datetime | None
    closes_at: datetime | None
    press: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How much of each would be made."""

    commissions: int
    stations: int
    checklists: int
    contests: int
    violations: int


def pack_counted(*, folder: Path) -> Counted:
    """Raises BadTable for a pack with problems. A pack brings no commissions and no contests."""
    pack = pack_read(folder)
    return Counted(0, 0, len(pack.drafts), 0, len(pack.violations))


def copy_counted(*, source: Election, branch: Commission | None) -> Counted:
    places = _branch(source, branch)
    return Counted(
        commissions=places.count(),
        stations=places.filter(level__kind=Level.Kind.PRECINCT).count(),
        checklists=len(_versions(source)),
        contests=len(_contests(source, branch)),
        violations=ViolationType.objects.filter(election=source).count(),
    )


def election_made(*, press: str, user: User) -> Election | None:
    """What this press of the button has made already."""
    lines = Trail.objects.filter(user=user, action="election.create", detail__press=press)
    return Election.objects.filter(pk__in=lines.values("election")).first()


def election_from_pack(*, folder: Path, wanted: Wanted, user: User, now: datetime) -> Election:
    """In preparation, its checklists published. Raises BadTable, ElectionExists, ValidationError; made is nothing then."""
    window = (wanted.opens_at, wanted.closes_at) if wanted.opens_at and wanted.closes_at else None
    return election_create(
        slug=wanted.slug,
        name=wanted.names,
        date=wanted.date,
        pack_dir=folder,
        languages=wanted.languages,
        window=window,
        state=Election.State.DRAFT,
        press=wanted.press,
        now=now,
        user=user,
    )


def election_copy(
    *,
    source: Election,
    branch: Commission | None,
    wanted: Wanted,
    contests: bool,
    publish: bool,
    user: User,
    now: datetime,
) -> Election:
    """In preparation, with the tree of `source` or that branch of it with what is above it.

    Checklists come in their latest published wording, as version 1: published, or left to be edited.
    Whoever is no superuser administers it from then on. Raises ElectionExists, ValidationError, and
    Rejected where a checklist cannot be published; made is nothing then.
    """
    with transaction.atomic():
        election_lock(source)  # nobody moves a commission while the tree is read
        election = _election(source, wanted)
        levels = _copied(Level.objects.filter(election=source), election)
        places = _tree(election, _branch(source, branch), levels)
        if contests:
            _contests_copy(election, _contests(source, branch), places)
        groups = _copied(ViolationGroup.objects.filter(election=source), election)
        _copied(ViolationType.objects.filter(election=source), election, group=groups)
        _checklists(election, _versions(source), publish, user, now)
        due_add(commissions=[one.pk for one in places.values()], now=now)
        detail = {"from": source.slug, "branch": branch.code if branch else "", "press": wanted.press}
        trail_add(action="election.create", subject=election, now=now, user=user, detail=detail)
        root = next((one for one in places.values() if one.depth == 0), None)
        if root is not None and not access.is_superuser(user):
            grant = Grant.objects.create(user=user, role=Role.ADMINISTRATOR, commission=root)
            given = {"role": grant.role, "commission": root.code, "user": user.pk}
            trail_add(action="grant.give", subject=grant, now=now, user=user, detail=given, election=election.pk)
    return election


def _election(source: Election, wanted: Wanted) -> Election:
    days = wanted.date - source.date
    zone = ZoneInfo(source.timezone)
    choices = [code for code in source.rules.get("choice_languages") or [] if code in wanted.languages]
    election = Election(
        slug=wanted.slug,
        names=dict(wanted.names),
        date=wanted.date,
        timezone=source.timezone,
        languages=list(wanted.languages),
        state=Election.State.DRAFT,
        pack=source.pack,
        opens_at=wanted.opens_at or _shifted(source.opens_at, days, zone),
        closes_at=wanted.closes_at or _shifted(source.closes_at, days, zone),
        windows={
            code: [_shifted(moment, days, zone).isoformat() for moment in source.window(code)]
            for code in source.windows
        },
        rules={key: value for key, value in source.rules.items() if key not in OF_ITS_OWN}
        | {"choice_languages": choices},
        emergency_contact=source.emergency_contact,
        emergency_names=source.emergency_names,
        conduct_version=source.conduct_version,
        mirrors=source.mirrors,
    )
    relay_keys_set(election)
    election_store(election)
    return election


def _shifted(moment: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """The same hour by the clock there, so many days later."""
    local = moment.astimezone(zone).replace(tzinfo=None) + days
    return local.replace(tzinfo=zone).astimezone(UTC)


def _branch(source: Election, branch: Commission | None) -> QuerySet[Commission]:
    rows = Commission.objects.filter(election=source)
    if branch is None:
        return rows
    codes = branch.path.strip("/").split("/")
    above = ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes))]
    return rows.filter(Q(path__in=above) | Q(path__startswith=branch.path))


def _copied(rows: QuerySet[M], election: Election, **keys: Mapping[int, Model]) -> dict[int, M]:
    """New rows of that election, by the keys of the old; `keys`: foreign keys that lead to copies too."""
    made = {row.pk: row for row in rows}
    for row in made.values():
        _fresh(row, election=election, **{name: to[getattr(row, f"{name}_id")] for name, to in keys.items()})
    rows.model._default_manager.bulk_create(made.values(), batch_size=BATCH)
    return made


def _fresh(row: M, **changed: Any) -> M:
    row.pk = None
    row._state.adding = True
    for name, value in changed.items():
        setattr(row, name, value)
    return row


def _tree(election: Election, rows: QuerySet[Commission], levels: Mapping[int, Level]) -> dict[int, Commission]:
    made: dict[int, Commission] = {}
    for _depth, some in groupby(rows.order_by("depth", "pk"), key=lambda one: one.depth):
        layer = {}
        for one in some:
            key, above = one.pk, made[one.parent_id] if one.parent_id else None
            layer[key] = _fresh(one, election=election, parent=above, level=levels[one.level_id])
        Commission.objects.bulk_create(layer.values(), batch_size=BATCH)
        made |= layer
    return made


def _contests(source: Election, branch: Commission | None) -> list[tuple[Contest, list[int]]]:
    """Contests held somewhere in the branch, with the keys of where in it; none: everywhere."""
    found = []
    within = set(_branch(source, branch).values_list("pk", flat=True)) if branch else None
    for contest in Contest.objects.filter(election=source).prefetch_related("scope"):
        scope = [place.pk for place in contest.scope.all()]
        here = [key for key in scope if within is None or key in within]
        if here or not scope:
            found.append((contest, here))
    return found


def _contests_copy(
    election: Election, found: Iterable[tuple[Contest, list[int]]], places: Mapping[int, Commission]
) -> None:
    through = Contest.scope.through
    links = []
    for contest, scope in found:
        made = Contest.objects.create(
            election=election, code=contest.code, names=contest.names, options=contest.options, round=contest.round
        )
        links += [through(contest_id=made.pk, commission_id=places[key].pk) for key in scope]
    through.objects.bulk_create(links, batch_size=BATCH)


def _versions(source: Election) -> list[ChecklistVersion]:
    """Of each checklist the latest published version, else the latest, in the order of the checklists."""
    found: dict[int, ChecklistVersion] = {}
    rows = ChecklistVersion.objects.filter(checklist__election=source).select_related("checklist")
    for version in rows.order_by("checklist__order", "checklist__code", "number"):
        before = found.get(version.checklist_id)
        if before is None or version.published_at or not before.published_at:
            found[version.checklist_id] = version
    return list(found.values())


def _checklists(
    election: Election, versions: Iterable[ChecklistVersion], publish: bool, user: User, now: datetime
) -> None:
    for old in versions:
        key, was_published = old.pk, old.published_at is not None
        checklist: Checklist = _fresh(old.checklist, election=election)
        checklist.save(force_insert=True)
        version = ChecklistVersion.objects.create(checklist=checklist, number=1)
        sections = {row.pk: row for row in Section.objects.filter(version=key)}
        Section.objects.bulk_create([_fresh(row, version=version) for row in sections.values()])
        questions = list(Question.objects.filter(version=key))
        for row in questions:
            _fresh(row, version=version, section=sections[row.section_id] if row.section_id else None)
        Question.objects.bulk_create(questions)
        files = list(ChecklistFile.objects.filter(version=key))
        ChecklistFile.objects.bulk_create([_fresh(row, version=version) for row in files])
        if publish and was_published:
            version_publish(version=version, now=now, user=user)
