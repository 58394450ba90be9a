"""What an election still lacks before its day: counts by code, each by a fixed number of queries.

The page (`reports/desk/preparation/readiness.py`) says in words what a code means and who is shown it. Everything is
counted from what is stored, so that mending it is all that makes a line go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)

from observer.models import Assignment, Commission, Consent, Contest, Device, Election, Grant, Level, Observer, Trail
from observer.models.commission import CommissionQuerySet
from observer.models.reach import Role
from reports.models import Checklist, ChecklistVersion, Question, Report, ViolationGroup, ViolationType
from reports.services.elections.guide import conduct_of
from reports.services.operations.backups import BACKUP
from reports.services.operations.doctor import examined

Counts = dict[str, int]
STEPS = ("sent", "enrolled", "consented", "rehearsed", "accredited")
BACKUP_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one observer has come."""

    key: int
    code: str
    sent: bool
    enrolled: bool
    consented: bool
    rehearsed: bool
    accredited: bool


def election_lacks(*, election: Election, now: datetime) -> Counts:
    """Of the election itself: its state, hours, number, languages. `now` decides whether a rehearsal is too late. Few queries."""
    noon = datetime.combine(election.date, time(12), ZoneInfo(election.timezone))
    rules = election.rules or {}
    contests = Contest.objects.filter(election=election).count()
    return {
        "draft": int(election.state == Election.State.DRAFT),
        "rehearsal": int(election.state == Election.State.REHEARSAL and now >= election.opens_at),
        "window": int(not election.opens_at <= noon <= election.closes_at),
        "windows": sum(not _is_window(given) for given in election.windows.values()),
        "hours": int(not rules.get("schedule")),
        "emergency": int(not election.emergency_contact),
        "conduct": int(not conduct_of(election=election)["points"]),
        "contests": int(not contests),
        "mirrors": int(not election.mirrors),
        "words": _unworded(election),
    }


def checklist_lacks(*, election: Election) -> Counts:
    versions = ChecklistVersion.objects.filter(checklist__election=election)
    newest = versions.order_by("checklist", "-number").values_list("pk", "checklist", "published_at")
    latest: dict[int, int] = {}
    published: set[int] = set()
    drafts = 0
    for key, checklist, now in newest:
        latest.setdefault(checklist, key)
        drafts += now is None
        if now is not None:
            published.add(checklist)
    wanting = ~Q(labels__has_keys=election.languages)
    known = Checklist.objects.filter(election=election).count()
    return {
        "checklists": int(not published),
        "drafts": drafts,
        "unpublished": known - len(published) if published else 0,
        "questions": Question.objects.filter(wanting, version__in=latest.values()).count(),
    }


def place_lacks(*, election: Election, territory: Commission | None) -> Counts:
    """Of the tree, or of one branch of it; without a tree only that it is empty."""
    if territory is None:
        return {"tree": 1}
    stations = Commission.objects.under(territory).precincts().exists()
    return {"tree": 0, "stations": int(not stations)} | {
        code: places_lacking(election=election, territory=territory, lack=code).count() for code in PLACES
    }


def places_lacking(*, election: Election, territory: Commission, lack: str) -> CommissionQuerySet:
    """Those of a territory that lack this, in the order of the tree; `lack` is one of PLACES."""
    return PLACES[lack](Commission.objects.under(territory), election).order_by("path")


def people_lacks(*, election: Election, people: "QuerySet[Observer]") -> Counts:
    """Of these observers, each once. One query."""
    counts: Counts = _stood(people, election).aggregate(
        everybody=Count("pk"), **{f"un{name}": Count("pk", filter=Q((name, False))) for name in STEPS}
    )
    if not conduct_of(election=election)["points"]:  # phones ask for no consent then
        counts["unconsented"] = 0
    return counts


def people_standing(*, election: Election, people: "QuerySet[Observer]") -> list[Standing]:
    """How far each of these observers has come, by code. One query."""
    rows = _stood(people, election).order_by("code")
    return [Standing(*row) for row in rows.values_list("pk", "code", *STEPS)]


def people_sent(
    *, election: Election, people: "QuerySet[Observer]", territory: Commission | None
) -> "QuerySet[Observer]":
    """Those of them who are sent into a territory; in the whole election those too who are sent nowhere."""
    if territory is None or territory.depth == 0:
        return people
    return people.filter(pk__in=holding(election, territory).values("observers"))


def places_of_people(*, election: Election, territory: Commission) -> list[tuple[int, str]]:
    """Who is sent where below a territory: keys of observers with paths. One query."""
    rows = holding(election, territory).order_by("commission__path")
    return list(rows.values_list("observers", "commission__path"))


def desk_lacks(*, election: Election) -> Counts:
    """Of those who work at the desk. One query."""
    rows = Grant.objects.filter(commission__election=election, user__is_active=True, user__second_factor=None)
    return {"second_factor": rows.values("user").distinct().count()}


def platform_lacks(*, now: datetime) -> Counts:
    """What the doctor finds wrong with keys, disk and access, and whether there is a backup of the last day."""
    found = [one for findings in examined(now=now, names=("keys", "disk", "web")).values() for one in findings]
    written = Trail.objects.filter(user=None, action=BACKUP, at__gt=now - BACKUP_EVERY).exists()
    return {
        "errors": sum(one.level == "error" for one in found),
        "warnings": sum(one.level == "warning" for one in found),
        "backup": int(not written),
    }


def _is_window(given: list[str]) -> bool:
    try:
        opens, closes = (datetime.fromisoformat(one) for one in given)
        return opens < closes
    except (TypeError, ValueError):
        return False


def _unworded(election: Election) -> int:
    """Names that are not there in every language of the election: its own, of levels, contests, checklists, violations."""
    models: tuple[tuple[type[Model], str], ...] = (
        (Level, "names"),
        (Contest, "names"),
        (Checklist, "titles"),
        (ViolationGroup, "names"),
        (ViolationType, "names"),
    )
    missing = sum(
        model._default_manager.filter(~Q((f"{field}__has_keys", election.languages)), election=election).count()
        for model, field in models
    )
    own = [election.names, *([election.emergency_names] if election.emergency_contact else [])]
    return missing + sum(not all(words.get(code) for code in election.languages) for words in own)


def _stood(people: "QuerySet[Observer]", election: Election) -> "QuerySet[Observer]":
    mine = Q(observer=OuterRef("pk"))
    sent = Assignment.observers.through.objects.filter(mine, assignment__in=holding(election))
    consents = Consent.objects.valid().filter(mine, election=election)
    return people.annotate(
        sent=Exists(sent),
        enrolled=Exists(Device.objects.filter(mine, election=election, revoked_at=None)),
        consented=Exists(consents),
        rehearsed=Exists(Report.objects.filter(mine, commission__election=election)),
        # Without dates nobody knows; only what is known to end, or to begin, beside the day is named.
        accredited=Case(
            When(Q(accredited_until__lt=election.date) | Q(accredited_from__gt=election.date), then=Value(False)),
            default=Value(True),
        ),
    )


def holding(election: Election, territory: Commission | None = None) -> "QuerySet[Assignment]":
    """Assignments, there or anywhere, that reach into the day: somebody who was sent away before it is not there."""
    rows = Assignment.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=election.opens_at), election=election, observers__isnull=False
    )
    return rows.filter(commission__path__startswith=territory.path) if territory else rows


def _unobserved(rows: CommissionQuerySet, election: Election) -> CommissionQuerySet:
    return rows.precincts().exclude(Exists(holding(election).filter(commission=OuterRef("pk"))))


def _uncoordinated(rows: CommissionQuerySet, election: Election) -> CommissionQuerySet:
    """Territories for which neither itself, nor one above it but below the top, nor any below it has a coordinator."""
    grants = Grant.objects.filter(
        role=Role.TERRITORIAL, commission__election=election, commission__depth__gt=0, user__is_active=True
    ).annotate(here=ExpressionWrapper(OuterRef("path"), CharField()))
    near = Q(here__startswith=F("commission__path")) | Q(commission__path__startswith=F("here"))
    territories = rows.filter(level__kind=Level.Kind.TERRITORIAL, depth__gt=0)
    return territories.exclude(Exists(grants.filter(near)))


PLACES: dict[str, Callable[[CommissionQuerySet, Election], CommissionQuerySet]] = {
    "voters": lambda rows, election: rows.precincts().filter(Q(voters=None) | Q(voters=0)),
    "address": lambda rows, election: rows.precincts().filter(address={}),
    "coordinates": lambda rows, election: rows.precincts().filter(lat=None),
    "names": lambda rows, election: rows.exclude(names__has_keys=election.languages),
    "unobserved": _unobserved,
    "uncoordinated": _uncoordinated,
}
