"""Finding commissions by location, text, parent or observer."""

from collections.abc import Iterable
from math import asin, cos, degrees, radians, sin, sqrt

from django.db.models import Q, QuerySet

from observer.models import Assignment, Commission, Election, Observer

MAX_NEAREST = 20
MAX_SEARCH_RESULTS = 50
MAX_CHILDREN = 2_000
MAX_TERRITORY_ROWS = 5_000  # about 150 kB compressed
BUNDLE_FIELDS = ("code", "path", "names", "address", "lat", "lon", "timezone")
EARTH_RADIUS_METRES = 6_371_000.0  # metres
SEARCH_RADII_METRES = (2_000.0, 20_000.0, 200_000.0)  # most phones find their station within the first


def _query_commissions(election: Election) -> QuerySet[Commission]:
    return Commission.objects.filter(election=election).select_related("level")


def compute_distance(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance in metres between two places given in degrees."""
    north, east = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    chord = sin(north) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(east) ** 2
    return 2 * EARTH_RADIUS_METRES * asin(min(1.0, sqrt(chord)))


def find_nearest_commissions(*, election: Election, lat: float, lon: float) -> list[tuple[Commission, int]]:
    """The nearest commissions with their distances in metres.

    They are up to 20, nearest first, and at most 200 km away.
    """
    found: list[tuple[Commission, int]] = []
    for radius in SEARCH_RADII_METRES:
        lat_range = degrees(radius / EARTH_RADIUS_METRES)
        # Near a pole, and across the date line, any longitude may be near.
        lon_range = lat_range / max(cos(radians(lat)), 0.01)
        rows = _query_commissions(election).filter(lat__range=(lat - lat_range, lat + lat_range))
        if abs(lat) + lat_range < 89 and abs(lon) + lon_range < 180:
            rows = rows.filter(lon__range=(lon - lon_range, lon + lon_range))
        measured = [(row, compute_distance(lat, lon, row.lat or 0.0, row.lon or 0.0)) for row in rows]
        within = sorted((one for one in measured if one[1] <= radius), key=lambda one: (one[1], one[0].path))
        found = [(row, round(metres)) for row, metres in within[:MAX_NEAREST]]
        if len(found) == MAX_NEAREST:
            break
    return found


def search_commissions(*, election: Election, words: str) -> list[Commission]:
    """Finds up to 50 commissions by words.

    Each of the words must be in the code, name or address.
    A commission with exactly this code comes first. SQLite ignores case for ASCII only, so each word is tried in
    lower case, in upper case and capitalised too.
    """
    rows = _query_commissions(election)
    for word in words.split()[:5]:
        matches = Q(code__icontains=word)
        for form in {word, word.lower(), word.upper(), word.capitalize()}:
            for language in election.languages:
                matches |= Q(**{f"names__{language}__icontains": form})
                matches |= Q(**{f"address__{language}__icontains": form})
        rows = rows.filter(matches)
    exact = list(_query_commissions(election).filter(code__iexact=words.strip()))
    return (exact + [row for row in rows.order_by("path")[:MAX_SEARCH_RESULTS] if row not in exact])[
        :MAX_SEARCH_RESULTS
    ]


def find_children(*, election: Election, parent: str | None) -> list[Commission] | None:
    """The commissions directly below a parent, at most 2,000.

    `parent` is a code.
    `parent` None: the topmost commissions. Returns None where there is no such parent.
    """
    rows = _query_commissions(election).order_by("path")
    if parent is None:
        return list(rows.filter(parent__isnull=True))
    if not Commission.objects.filter(election=election, code=parent).exists():
        return None
    return list(rows.filter(parent__code=parent)[:MAX_CHILDREN])


def load_territory(*, observer: Observer, election: Election) -> tuple[list[Commission], bool]:
    """The commissions of an observer's territory.

    Returns them, and whether the list is complete.
    Parents come before children. The territory is everything below the parents of the observer's assigned
    precincts and below their other assigned commissions, with all commissions above; without assignments it is the
    whole election. If it has more than 5,000 commissions, only the precincts next to the observer's own are kept.
    """
    assignments = Assignment.objects.filter(observers=observer, election=election).select_related(
        "commission__level", "commission__parent"
    )
    assigned = [assignment.commission for assignment in assignments]
    territory_paths = {_get_territory_path(commission) for commission in assigned}
    rows = _query_commissions(election).order_by("path").only(*BUNDLE_FIELDS, "level", "parent")
    if territory_paths:
        within = Q(path__in=_list_ancestor_paths(territory_paths))
        for path in territory_paths:
            within |= Q(path__startswith=path)
        rows = rows.filter(within)
    found = list(rows[: MAX_TERRITORY_ROWS + 1])
    if len(found) <= MAX_TERRITORY_ROWS:
        return found, True
    parent_ids = {commission.parent_id for commission in assigned if commission.level.kind == "precinct"}
    return list(rows.filter(~Q(level__kind="precinct") | Q(parent__in=parent_ids))[:MAX_TERRITORY_ROWS]), False


def _get_territory_path(commission: Commission) -> str:
    """The path of the territory to which the commission belongs.

    This is the commission itself, or its parent if it is a precinct.
    """
    if commission.level.kind == "precinct" and commission.parent:
        return commission.parent.path
    return commission.path


def _list_ancestor_paths(paths: Iterable[str]) -> set[str]:
    codes = [path.strip("/").split("/") for path in paths]
    return {"/".join(parts[:depth]) + "/" for parts in codes for depth in range(1, len(parts))}
