"""What is listed at the desk and may leave it as a file: the filters by which a list was narrowed, as codes.

The lists on screen search by these functions too, so that a file holds what its reader saw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from observer.models import Commission, Election, Observer, User
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.models import Evidence, Export, Report, Violation

Rows = QuerySet[Any]
Filter = Callable[[Rows, str], Rows]
FLAGS = (
    "missing_answers",
    "out_of_limits",
    "not_assigned",
    "other_place",
    "clock_off",
    "far_from_station",
    "outside_window",
    "held",
    "rehearsal",
    "supersedes_unknown",
    "supersedes_ignored",
)
COVERAGE = frozenset({"at", "show", "checklist"})  # read by services/coverage.py
VALUE_MAX = 100
ENDS = ("__id__exact", "__exact", "__isempty")  # what the links of Django's filters add to a field


class Unlisted(ValueError):
    """There is no such list, or no such filter of it, or no such value of that."""


@dataclass(frozen=True)
class Listing:
    """`addressed`: which filter a field of the list's address is; "election" is none, but says whose rows they are."""

    model: type[Model]
    filters: Mapping[str, Filter]
    addressed: Mapping[str, str] = field(default_factory=dict)


def rows_listed(*, kind: str, user: User, election: Election, filters: Mapping[str, str]) -> Rows:
    """What this user may take out of this list, narrowed like it. Raises Unlisted."""
    listing = LISTINGS.get(kind)
    if listing is None:
        raise Unlisted(kind)
    rows: Rows = access.reachable(user, listing.model, Verb.EXPORT, election)
    for name, value in filters.items():
        if name not in listing.filters or not isinstance(value, str) or len(value) > VALUE_MAX:
            raise Unlisted(name)
        rows = listing.filters[name](rows, value)
    return rows


def filters_named(*, kind: str, asked: Mapping[str, str]) -> tuple[int | None, dict[str, str]] | None:
    """The election's key and the filters that a list's address asks for; None where it asks for what is none of ours."""
    listing, found = LISTINGS[kind], {}
    election = None
    for field_name, value in asked.items():
        base = next((field_name.removesuffix(end) for end in ENDS if field_name.endswith(end)), field_name)
        name = listing.addressed.get(base, base)
        if name == "election" and value.isascii() and value.isdecimal() and len(value) < 19:
            election = int(value)
        elif name in listing.filters and len(value) <= VALUE_MAX:
            if value:
                found[name] = value
        else:
            return None
    return election, found


# ── the filters ─────────────────────────────────────────────────────────────────────────────
def _one_of(column: str, values: "list[str]") -> Filter:
    def narrowed(rows: Rows, value: str) -> Rows:
        if value not in values:
            raise Unlisted(column)
        return rows.filter(**{column: value})

    return narrowed


def _yes_no(column: str) -> Filter:
    def narrowed(rows: Rows, value: str) -> Rows:
        if value not in ("0", "1"):
            raise Unlisted(column)
        return rows.filter(**{column: value == "1"})

    return narrowed


def _equal(column: str) -> Filter:
    return lambda rows, value: rows.filter(**{column: value})


def rows_flagged(rows: Rows, value: str) -> Rows:
    if value not in FLAGS:
        raise Unlisted("flag")
    # As text, because SQLite cannot ask a JSON list what it contains.
    return rows.filter(flags__icontains=f'"{value}"')


def _uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def _reports_found(rows: Rows, term: str) -> Rows:
    """By a report's id, an observer's code or a commission's."""
    if uuid := _uuid(term):
        return rows.filter(uuid=uuid)
    places = list(Commission.objects.filter(code=term).values_list("pk", flat=True)[:100])
    people = list(Observer.objects.filter(code=term.upper()).values_list("pk", flat=True))
    return rows.filter(Q(commission__in=places) | Q(observer__in=people))


def _violations_found(rows: Rows, term: str) -> Rows:
    """By a report's id, a violation's code or a commission's."""
    if uuid := _uuid(term):
        return rows.filter(report__uuid=uuid)
    return rows.filter(Q(code__iexact=term) | Q(report__commission__code__iexact=term))


def _evidence_found(rows: Rows, term: str) -> Rows:
    """By a file's id or hash, a report's id or an observer's code."""
    if uuid := _uuid(term):
        return rows.filter(Q(uuid=uuid) | Q(report__uuid=uuid))
    return rows.filter(Q(sha256=term.lower()) | Q(observer__code__iexact=term))


LISTINGS: Mapping[str, Listing] = {
    Export.Kind.REPORTS: Listing(
        Report,
        {
            "checklist": _equal("version__checklist__code"),
            "state": _one_of("state", Report.State.values),
            "rehearsal": _yes_no("rehearsal"),
            "quarantined": _yes_no("quarantined"),
            "superseded": _yes_no("superseded"),
            "flag": rows_flagged,
            "channel": _equal("channel"),
            "source": _one_of("source", Report.Source.values),
            "q": _reports_found,
        },
        {"commission__election": "election", "version__checklist__code": "checklist"},
    ),
    Export.Kind.VIOLATIONS: Listing(
        Violation,
        {"state": _one_of("state", Violation.State.values), "q": _violations_found},
        {"report__commission__election": "election"},
    ),
    Export.Kind.EVIDENCE: Listing(
        Evidence,
        {
            "state": _one_of("state", Evidence.State.values),
            "publishable": _yes_no("publishable"),
            "unapproved": _yes_no("approved_at__isnull"),
            "media_type": _equal("media_type"),
            "q": _evidence_found,
        },
        {"report__commission__election": "election", "approved_at": "unapproved"},
    ),
}
