"""The public live summary of one commission, from its stored figures."""

from datetime import datetime
from operator import itemgetter
from typing import Any

from django.utils import timezone

from observer.models import Commission, Election
from observer.words import get_translation
from reports.models import Summary
from reports.services.figures.serialize import serialize_coverage, serialize_tally
from reports.services.figures.tally import (
    unpack_observers,
)
from reports.services.publishing.codebook import load_shared_codes
from reports.services.publishing.visibility import is_public


def build_live_summary(*, commission: Commission, language: str, now: datetime | None = None) -> dict[str, Any]:
    """Build the API's public summary document of live figures.

    It is built from one Summary row and the names of its children.

    Children that are not public at `now` (default: the current time) are left out; `children_withheld` is
    their number. It does not check whether the commission itself is public: see `visibility.is_public`.
    """
    election = commission.election
    row = Summary.objects.filter(pk=commission.pk, revision__gt=0).first()
    tally = row.tally if row else {"precincts": Commission.objects.in_subtree(commission).precincts().count()}
    observers = len(unpack_observers(row.observers)) if row else 0
    children, withheld = _list_public_children(row, election, language, now or timezone.now()) if row else ([], 0)
    return {
        "election": election.slug,
        "commission": {
            "code": commission.code,
            "name": get_translation(commission.names, language, election.languages),
            "level": commission.level.code,
        },
        "revision": row.revision if row else 0,
        "release": None,
        "as_of": row.as_of.isoformat().replace("+00:00", "Z") if row and row.as_of else None,
        "coverage": serialize_coverage(tally, observers),
        **serialize_tally(
            tally, contests=dict(election.contests.values_list("pk", "code")), shared=load_shared_codes(election)
        ),
        "children": children,
        "children_withheld": withheld,
    }


def _list_public_children(
    row: Summary, election: Election, language: str, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    keys = [child["commission"] for child in row.children]
    known = Commission.objects.select_related("level").in_bulk(keys)
    listed = []
    for child in row.children:
        place = known.get(child["commission"])
        if place is None:
            continue
        place.election = election
        if is_public(commission=place, now=now):
            name = get_translation(place.names, language, election.languages)
            shown = {"code": place.code, "name": name}
            shown |= {"coverage": child["coverage"], "violations": child["violations"]}
            listed.append((place.path, shown))
    listed.sort(key=itemgetter(0))
    return [shown for _path, shown in listed], len(keys) - len(listed)
