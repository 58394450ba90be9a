"""The lists that can be exported, and the filters that each of them has.

The lists on screen search with these functions too, so that a file holds the same rows as the screen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from observer.models import Commission, Election, Observer, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.models import Evidence, Export, Report, Violation

Rows = QuerySet[Any]
Filter = Callable[[Rows, str], Rows]
REPORT_FLAGS = (
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
COVERAGE_FILTERS = frozenset({"at", "show", "checklist"})  # read by schedule/station_filter.py
MAX_VALUE_CHARACTERS = 100
LOOKUP_SUFFIXES = ("__id__exact", "__exact", "__isempty")  # that links of Django admin filters add to a field's name


class InvalidListing(ValueError):
    """There is no such list, or the list has no such filter, or the filter has no such value."""


@dataclass(frozen=True)
class Listing:
    """A list that can be exported: its model, and its filters by name.

    `address_fields` gives the filter for a field in the address of the list's page; "election" is no filter, but
    says which election the rows belong to.
    """

    model: type[Model]
    filters: Mapping[str, Filter]
    address_fields: Mapping[str, str] = field(default_factory=dict)


def filter_rows(*, kind: str, user: User, election: Election, filters: Mapping[str, str]) -> Rows:
    """Returns the rows of a list that the user may export, with its filters applied. Raises InvalidListing."""
    listing = LISTINGS.get(kind)
    if listing is None:
        raise InvalidListing(kind)
    rows: Rows = access.get_permitted_rows(user, listing.model, Permission.EXPORT, election)
    for name, value in filters.items():
        if name not in listing.filters or not isinstance(value, str) or len(value) > MAX_VALUE_CHARACTERS:
            raise InvalidListing(name)
        rows = listing.filters[name](rows, value)
    return rows


def parse_address_filters(*, kind: str, parameters: Mapping[str, str]) -> tuple[int | None, dict[str, str]] | None:
    """Reads election key and filters from the address of a list's page; None if it has others than ours."""
    listing, found = LISTINGS[kind], {}
    election = None
    for field_name, value in parameters.items():
        base = next((field_name.removesuffix(end) for end in LOOKUP_SUFFIXES if field_name.endswith(end)), field_name)
        name = listing.address_fields.get(base, base)
        if name == "election" and value.isascii() and value.isdecimal() and len(value) < 19:
            election = int(value)
        elif name in listing.filters and len(value) <= MAX_VALUE_CHARACTERS:
            if value:
                found[name] = value
        else:
            return None
    return election, found


# ── the filters ─────────────────────────────────────────────────────────────────────────────
def _make_choice_filter(column: str, values: "list[str]") -> Filter:
    def apply_filter(rows: Rows, value: str) -> Rows:
        if value not in values:
            raise InvalidListing(column)
        return rows.filter(**{column: value})

    return apply_filter


def _make_boolean_filter(column: str) -> Filter:
    def apply_filter(rows: Rows, value: str) -> Rows:
        if value not in ("0", "1"):
            raise InvalidListing(column)
        return rows.filter(**{column: value == "1"})

    return apply_filter


def _make_equal_filter(column: str) -> Filter:
    return lambda rows, value: rows.filter(**{column: value})


def filter_by_flag(rows: Rows, value: str) -> Rows:
    """Keeps the reports that have this flag. Raises InvalidListing for an unknown flag."""
    if value not in REPORT_FLAGS:
        raise InvalidListing("flag")
    # Searched as text, because SQLite cannot search in a JSON list.
    return rows.filter(flags__icontains=f'"{value}"')


def _parse_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def _search_reports(rows: Rows, term: str) -> Rows:
    """Finds reports by the id of the report, the observer's code or the commission's code."""
    if uuid := _parse_uuid(term):
        return rows.filter(uuid=uuid)
    places = list(Commission.objects.filter(code=term).values_list("pk", flat=True)[:100])
    people = list(Observer.objects.filter(code=term.upper()).values_list("pk", flat=True))
    return rows.filter(Q(commission__in=places) | Q(observer__in=people))


def _search_violations(rows: Rows, term: str) -> Rows:
    """Finds violations by the id of the report, their code or the commission's code."""
    if uuid := _parse_uuid(term):
        return rows.filter(report__uuid=uuid)
    return rows.filter(Q(code__iexact=term) | Q(report__commission__code__iexact=term))


def _search_evidence(rows: Rows, term: str) -> Rows:
    """Finds files by their id or SHA-256, the id of the report or the observer's code."""
    if uuid := _parse_uuid(term):
        return rows.filter(Q(uuid=uuid) | Q(report__uuid=uuid))
    return rows.filter(Q(sha256=term.lower()) | Q(observer__code__iexact=term))


LISTINGS: Mapping[str, Listing] = {
    Export.Kind.REPORTS: Listing(
        Report,
        {
            "checklist": _make_equal_filter("version__checklist__code"),
            "state": _make_choice_filter("state", Report.State.values),
            "rehearsal": _make_boolean_filter("rehearsal"),
            "quarantined": _make_boolean_filter("quarantined"),
            "superseded": _make_boolean_filter("superseded"),
            "flag": filter_by_flag,
            "channel": _make_equal_filter("channel"),
            "source": _make_choice_filter("source", Report.Source.values),
            "q": _search_reports,
        },
        {"commission__election": "election", "version__checklist__code": "checklist"},
    ),
    Export.Kind.VIOLATIONS: Listing(
        Violation,
        {"state": _make_choice_filter("state", Violation.State.values), "q": _search_violations},
        {"report__commission__election": "election"},
    ),
    Export.Kind.EVIDENCE: Listing(
        Evidence,
        {
            "state": _make_choice_filter("state", Evidence.State.values),
            "publishable": _make_boolean_filter("publishable"),
            "unapproved": _make_boolean_filter("approved_at__isnull"),
            "media_type": _make_equal_filter("media_type"),
            "q": _search_evidence,
        },
        {"report__commission__election": "election", "approved_at": "unapproved"},
    ),
}
