"""The public summary of one commission, from its stored figures."""

from datetime import datetime
from operator import itemgetter
from typing import Any

from django.utils import timezone

from observer.models import Commission, Election
from observer.words import in_language
from reports.models import Summary
from reports.services.figures.serialize import coverage_words, tally_words
from reports.services.figures.tally import (
    observers_unpacked,
)
from reports.services.publishing.codebook import shared_codes
from reports.services.publishing.visibility import published


def summary_document(*, commission: Commission, language: str, now: datetime | None = None) -> dict[str, Any]:
    """The JSON of the API's public summary, from one Summary row and the names of what it lists.

    Children that are not public at `now` (the clock, unless given) are left out; `children_withheld` is
    their number. Does not ask whether the commission itself is public: see `publication`.
    """
    election = commission.election
    row = Summary.objects.filter(pk=commission.pk, revision__gt=0).first()
    tally = row.tally if row else {"precincts": Commission.objects.under(commission).precincts().count()}
    observers = len(observers_unpacked(row.observers)) if row else 0
    children, withheld = _children(row, election, language, now or timezone.now()) if row else ([], 0)
    return {
        "election": election.slug,
        "commission": {
            "code": commission.code,
            "name": in_language(commission.names, language, election.languages),
            "level": commission.level.code,
        },
        "revision": row.revision if row else 0,
        "release": None,
        "as_of": row.as_of.isoformat().replace("+00:00", "Z") if row and row.as_of else None,
        "coverage": coverage_words(tally, observers),
        **tally_words(tally, contests=dict(election.contests.values_list("pk", "code")), shared=shared_codes(election)),
        "children": children,
        "children_withheld": withheld,
    }


def _children(row: Summary, election: Election, language: str, now: datetime) -> tuple[list[dict[str, Any]], int]:
    keys = [child["commission"] for child in row.children]
    known = Commission.objects.select_related("level").in_bulk(keys)
    listed = []
    for child in row.children:
        place = known.get(child["commission"])
        if place is None:
            continue
        place.election = election
        if published(commission=place, now=now):
            name = in_language(place.names, language, election.languages)
            shown = {"code": place.code, "name": name}
            shown |= {"coverage": child["coverage"], "violations": child["violations"]}
            listed.append((place.path, shown))
    listed.sort(key=itemgetter(0))
    return [shown for _path, shown in listed], len(keys) - len(listed)
