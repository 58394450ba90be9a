"""What an election still lacks before its day: counts of gaps by code, with a fixed number of queries.

The page (`reports/desk/preparation/readiness.py`) explains each code and decides who is shown it. Everything is
counted from what is stored, so a line disappears as soon as the gap is closed.
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
from observer.models.row_scope import Role
from reports.models import Checklist, ChecklistVersion, Question, Report, ViolationGroup, ViolationType
from reports.services.elections.guide import get_code_of_conduct
from reports.services.operations.backups import BACKUP_ACTION
from reports.services.operations.doctor import run_checks

Counts = dict[str, int]
OBSERVER_STEPS = ("sent", "enrolled", "consented", "rehearsed", "accredited")
MAX_BACKUP_AGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ObserverProgress:
    """Which steps of preparation one observer has done."""

    key: int
    code: str
    sent: bool
    enrolled: bool
    consented: bool
    rehearsed: bool
    accredited: bool


def count_election_gaps(*, election: Election, now: datetime) -> Counts:
    """Counts the gaps of the election itself: state, hours, emergency number, translations.

    `now` decides whether the election should no longer be a rehearsal. Makes few queries.
    """
    noon = datetime.combine(election.date, time(12), ZoneInfo(election.timezone))
    rules = election.rules or {}
    contests = Contest.objects.filter(election=election).count()
    return {
        "draft": int(election.state == Election.State.DRAFT),
        "rehearsal": int(election.state == Election.State.REHEARSAL and now >= election.opens_at),
        "window": int(not election.opens_at <= noon <= election.closes_at),
        "windows": sum(not _is_valid_window(given) for given in election.windows.values()),
        "hours": int(not rules.get("schedule")),
        "emergency": int(not election.emergency_contact),
        "conduct": int(not get_code_of_conduct(election=election)["points"]),
        "contests": int(not contests),
        "mirrors": int(not election.mirrors),
        "words": _count_missing_translations(election),
    }


def count_checklist_gaps(*, election: Election) -> Counts:
    """Counts drafts, checklists that are not published, and questions that lack a language."""
    versions = ChecklistVersion.objects.filter(checklist__election=election)
    newest = versions.order_by("checklist", "-number").values_list("pk", "checklist", "published_at")
    latest: dict[int, int] = {}
    published: set[int] = set()
    drafts = 0
    for key, checklist, published_at in newest:
        latest.setdefault(checklist, key)
        drafts += published_at is None
        if published_at is not None:
            published.add(checklist)
    lacks_language = ~Q(labels__has_keys=election.languages)
    total = Checklist.objects.filter(election=election).count()
    return {
        "checklists": int(not published),
        "drafts": drafts,
        "unpublished": total - len(published) if published else 0,
        "questions": Question.objects.filter(lacks_language, version__in=latest.values()).count(),
    }


def count_commission_gaps(*, election: Election, territory: Commission | None) -> Counts:
    """Counts the gaps of commissions in a territory; without one, only that there are no commissions."""
    if territory is None:
        return {"tree": 1}
    stations = Commission.objects.in_subtree(territory).precincts().exists()
    return {"tree": 0, "stations": int(not stations)} | {
        code: get_commissions_with_gap(election=election, territory=territory, gap=code).count()
        for code in COMMISSION_GAPS
    }


def get_commissions_with_gap(*, election: Election, territory: Commission, gap: str) -> CommissionQuerySet:
    """Returns the commissions of a territory with this gap, a key of COMMISSION_GAPS, in the order of the tree."""
    return COMMISSION_GAPS[gap](Commission.objects.in_subtree(territory), election).order_by("path")


def count_observer_gaps(*, election: Election, people: "QuerySet[Observer]") -> Counts:
    """Counts the gaps of these observers, each observer once, with one query."""
    counts: Counts = _annotate_progress(people, election).aggregate(
        everybody=Count("pk"), **{f"un{name}": Count("pk", filter=Q((name, False))) for name in OBSERVER_STEPS}
    )
    if not get_code_of_conduct(election=election)["points"]:  # then phones ask for no consent
        counts["unconsented"] = 0
    return counts


def load_observer_progress(*, election: Election, people: "QuerySet[Observer]") -> list[ObserverProgress]:
    """Loads the progress of each of these observers, by code, with one query."""
    rows = _annotate_progress(people, election).order_by("code")
    return [ObserverProgress(*row) for row in rows.values_list("pk", "code", *OBSERVER_STEPS)]


def filter_assigned(
    *, election: Election, people: "QuerySet[Observer]", territory: Commission | None
) -> "QuerySet[Observer]":
    """Keeps the observers who are assigned in a territory; for the whole election, all of them."""
    if territory is None or territory.depth == 0:
        return people
    return people.filter(pk__in=get_day_assignments(election, territory).values("observers"))


def load_observer_paths(*, election: Election, territory: Commission) -> list[tuple[int, str]]:
    """Loads pairs of observer key and path of the assigned commission in a territory, with one query."""
    rows = get_day_assignments(election, territory).order_by("commission__path")
    return list(rows.values_list("observers", "commission__path"))


def count_staff_gaps(*, election: Election) -> Counts:
    """Counts the gaps of the people who work at the desk, with one query."""
    rows = Grant.objects.filter(commission__election=election, user__is_active=True, user__second_factor=None)
    return {"second_factor": rows.values("user").distinct().count()}


def count_platform_gaps(*, now: datetime) -> Counts:
    """Counts the doctor's findings about keys, disk and web, and whether the last day's backup is missing."""
    findings = [one for found in run_checks(now=now, names=("keys", "disk", "web")).values() for one in found]
    has_backup = Trail.objects.filter(user=None, action=BACKUP_ACTION, at__gt=now - MAX_BACKUP_AGE).exists()
    return {
        "errors": sum(one.level == "error" for one in findings),
        "warnings": sum(one.level == "warning" for one in findings),
        "backup": int(not has_backup),
    }


def _is_valid_window(window: list[str]) -> bool:
    try:
        opens, closes = (datetime.fromisoformat(one) for one in window)
        return opens < closes
    except (TypeError, ValueError):
        return False


def _count_missing_translations(election: Election) -> int:
    """Counts names that lack a language of the election.

    They are the names of the election, its levels, contests, checklists, violation groups and violations.
    """
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
    own_names = [election.names, *([election.emergency_names] if election.emergency_contact else [])]
    return missing + sum(not all(words.get(code) for code in election.languages) for words in own_names)


def _annotate_progress(people: "QuerySet[Observer]", election: Election) -> "QuerySet[Observer]":
    is_observer = Q(observer=OuterRef("pk"))
    links = Assignment.observers.through.objects.filter(is_observer, assignment__in=get_day_assignments(election))
    consents = Consent.objects.valid().filter(is_observer, election=election)
    return people.annotate(
        sent=Exists(links),
        enrolled=Exists(Device.objects.filter(is_observer, election=election, revoked_at=None)),
        consented=Exists(consents),
        rehearsed=Exists(Report.objects.filter(is_observer, commission__election=election)),
        # Without dates nothing is known; an observer counts as not accredited only if the dates exclude the day.
        accredited=Case(
            When(Q(accredited_until__lt=election.date) | Q(accredited_from__gt=election.date), then=Value(False)),
            default=Value(True),
        ),
    )


def get_day_assignments(election: Election, territory: Commission | None = None) -> "QuerySet[Assignment]":
    """Returns the assignments, in a territory or anywhere, that do not end before the election opens."""
    rows = Assignment.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=election.opens_at), election=election, observers__isnull=False
    )
    return rows.filter(commission__path__startswith=territory.path) if territory else rows


def _filter_unobserved(rows: CommissionQuerySet, election: Election) -> CommissionQuerySet:
    return rows.precincts().exclude(Exists(get_day_assignments(election).filter(commission=OuterRef("pk"))))


def _filter_uncoordinated(rows: CommissionQuerySet, election: Election) -> CommissionQuerySet:
    """Keeps territories that have no coordinator: neither their own, nor one above them below the top, nor one below."""
    grants = Grant.objects.filter(
        role=Role.TERRITORIAL, commission__election=election, commission__depth__gt=0, user__is_active=True
    ).annotate(here=ExpressionWrapper(OuterRef("path"), CharField()))
    is_near = Q(here__startswith=F("commission__path")) | Q(commission__path__startswith=F("here"))
    territories = rows.filter(level__kind=Level.Kind.TERRITORIAL, depth__gt=0)
    return territories.exclude(Exists(grants.filter(is_near)))


COMMISSION_GAPS: dict[str, Callable[[CommissionQuerySet, Election], CommissionQuerySet]] = {
    "voters": lambda rows, election: rows.precincts().filter(Q(voters=None) | Q(voters=0)),
    "address": lambda rows, election: rows.precincts().filter(address={}),
    "coordinates": lambda rows, election: rows.precincts().filter(lat=None),
    "names": lambda rows, election: rows.exclude(names__has_keys=election.languages),
    "unobserved": _filter_unobserved,
    "uncoordinated": _filter_uncoordinated,
}
