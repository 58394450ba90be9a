"""Finding a commission: by place, by words, by its parent, or as a whole territory."""

from collections.abc import Iterable
from math import asin, cos, degrees, radians, sin, sqrt

from django.db.models import Q, QuerySet

from observer.models import Assignment, Commission, Election, Observer

NEAREST = 20
FOUND = 50
CHILDREN = 2_000
TERRITORY = 5_000  # rows: some 150 kB compressed
BUNDLED = ("code", "path", "names", "address", "lat", "lon", "timezone")
EARTH = 6_371_000.0  # metres
RINGS = (2_000.0, 20_000.0, 200_000.0)  # metres: most phones find their station in the first


def _of(election: Election) -> QuerySet[Commission]:
    return Commission.objects.filter(election=election).select_related("level")


def distance(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Metres between two places, in degrees, on a round Earth."""
    north, east = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    chord = sin(north) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(east) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(chord)))


def commissions_near(*, election: Election, lat: float, lon: float) -> list[tuple[Commission, int]]:
    """Up to 20 commissions, the nearest first, each with its distance in metres; at most 200 km away."""
    found: list[tuple[Commission, int]] = []
    for metres in RINGS:
        high = degrees(metres / EARTH)
        # Near a pole, and across the date line, every longitude may be near.
        wide = high / max(cos(radians(lat)), 0.01)
        rows = _of(election).filter(lat__range=(lat - high, lat + high))
        if abs(lat) + high < 89 and abs(lon) + wide < 180:
            rows = rows.filter(lon__range=(lon - wide, lon + wide))
        measured = [(row, distance(lat, lon, row.lat or 0.0, row.lon or 0.0)) for row in rows]
        within = sorted((one for one in measured if one[1] <= metres), key=lambda one: (one[1], one[0].path))
        found = [(row, round(away)) for row, away in within[:NEAREST]]
        if len(found) == NEAREST:
            break
    return found


def commissions_search(*, election: Election, words: str) -> list[Commission]:
    """Up to 50 commissions whose code, name or address has every one of `words`; exact codes first.

    SQLite folds the case of ASCII only, so each word is tried in the ways people write it.
    """
    rows = _of(election)
    for word in words.split()[:5]:
        fits = Q(code__icontains=word)
        for way in {word, word.lower(), word.upper(), word.capitalize()}:
            for language in election.languages:
                fits |= Q(**{f"names__{language}__icontains": way}) | Q(**{f"address__{language}__icontains": way})
        rows = rows.filter(fits)
    exact = list(_of(election).filter(code__iexact=words.strip()))
    return (exact + [row for row in rows.order_by("path")[:FOUND] if row not in exact])[:FOUND]


def commissions_below(*, election: Election, parent: str | None) -> list[Commission] | None:
    """The children of `parent`, at most 2,000; the roots where it is None. None where there is no such parent."""
    rows = _of(election).order_by("path")
    if parent is None:
        return list(rows.filter(parent__isnull=True))
    if not Commission.objects.filter(election=election, code=parent).exists():
        return None
    return list(rows.filter(parent__code=parent)[:CHILDREN])


def territory_of(*, observer: Observer, election: Election) -> tuple[list[Commission], bool]:
    """Where this observer may come to observe, parents before children, and whether that is all of it.

    All below the parents of their stations and below their other places, with what lies above; the
    whole election without any. Of more than 5,000 rows, precincts are left out but those beside
    the observer's own.
    """
    places = Assignment.objects.filter(observers=observer, election=election).select_related(
        "commission__level", "commission__parent"
    )
    own = [assignment.commission for assignment in places]
    tops = {_top(place) for place in own}
    rows = _of(election).order_by("path").only(*BUNDLED, "level", "parent")
    if tops:
        within = Q(path__in=_above(tops))
        for path in tops:
            within |= Q(path__startswith=path)
        rows = rows.filter(within)
    found = list(rows[: TERRITORY + 1])
    if len(found) <= TERRITORY:
        return found, True
    beside = {place.parent_id for place in own if place.level.kind == "precinct"}
    return list(rows.filter(~Q(level__kind="precinct") | Q(parent__in=beside))[:TERRITORY]), False


def _top(place: Commission) -> str:
    return place.parent.path if place.level.kind == "precinct" and place.parent else place.path


def _above(paths: Iterable[str]) -> set[str]:
    codes = [path.strip("/").split("/") for path in paths]
    return {"/".join(parts[:depth]) + "/" for parts in codes for depth in range(1, len(parts))}
