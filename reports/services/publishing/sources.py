"""Sources of figures: the live database, or a release's files.

Both return the same parts (`place_parts.py`), so a page is built from either in the same way.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncHour

from observer.models import Commission, Election, Level
from observer.words import get_translation
from reports.models import Reply, Report, Summary
from reports.services.figures.serialize import serialize_tally
from reports.services.figures.tally import unpack_observers
from reports.services.publishing.codebook import Codebook, load_codebook, load_shared_codes
from reports.services.publishing.maps import load_map
from reports.services.publishing.photos import load_public_evidence
from reports.services.publishing.place_parts import (
    Part,
    build_child_part,
    build_facts,
    build_place_part,
    build_station_child,
    build_station_part,
    collect_findings,
    get_finding_answers,
)
from reports.services.publishing.published_releases import PublishedElection, PublishedRelease
from reports.services.publishing.release_store import find_part_hash, read_part, read_parts

HOURS_CACHE_SECONDS = 60
MAX_PHOTOS = 24


class FigureSource(Protocol):
    """What a page loads its figures from.

    `number`: of the release, None for live figures. `get_computed_at`: when the commission's figures were computed.
    """

    slug: str

    @property
    def number(self) -> int | None: ...
    def load_codebook(self) -> Codebook: ...
    def load_map(self) -> Part | None: ...
    def load_place(self, code: str) -> Part | None: ...
    def load_findings(self, code: str) -> Part: ...
    def load_station_types(self, code: str) -> Part: ...
    def get_computed_at(self, code: str) -> datetime | None: ...
    def get_root_code(self) -> str: ...


class ReleaseFigures:
    """Figures of a published release, read from its files.

    A release never changes, so the parts that are read often are kept parsed.
    """

    def __init__(self, election: PublishedElection, release: PublishedRelease) -> None:
        self.slug, self.number, self.release, self.election = election.slug, release.number, release, election

    def load_codebook(self) -> Codebook:
        found: Codebook = self._load_cached_part("book")
        return found

    def get_root_code(self) -> str:
        return str(self.load_codebook()["root"])

    def load_map(self) -> Part | None:
        found: Part | None = self._load_cached_part("map")
        return found

    def load_search_rows(self) -> list[Any]:
        found: list[Any] = self._load_cached_part("search")
        return found

    def load_place(self, code: str) -> Part | None:
        return self._read_part(f"place:{code}")

    def load_findings(self, code: str) -> Part:
        return self._read_part(f"findings:{code}") or {}

    def load_station_types(self, code: str) -> Part:
        return self._read_part(f"types:{code}") or {}

    def read_open_data(self) -> Any:
        """Read every territory's open-data rows as (code, rows).

        One territory after another.
        """
        return read_parts(slug=self.slug, number=self.number, prefix="rows:")

    def read_places(self) -> Any:
        """Read every commission's part, one after another: (code, part)."""
        return read_parts(slug=self.slug, number=self.number, prefix="place:")

    def get_computed_at(self, code: str) -> datetime | None:
        return self.release.prepared_at

    def _read_part(self, key: str) -> Part | None:
        return read_part(slug=self.slug, number=self.number, key=key)

    def get_part_hash(self, key: str) -> str:
        """Get the SHA-256 of the part's content.

        "" where the release has no such part.
        """
        return find_part_hash(slug=self.slug, number=self.number, key=key) or ""

    def _load_cached_part(self, key: str) -> Any:
        sha256 = self.get_part_hash(key)
        return _parse_part(sha256, self.slug, self.number, key) if sha256 else None


@lru_cache(maxsize=24)
def _parse_part(sha256: str, slug: str, number: int, key: str) -> Any:
    """Read and parse a part.

    The hash is in the cache key, so equal content is found under one hash.
    """
    return read_part(slug=slug, number=number, key=key)


def clear_cache() -> None:
    """Empty this process's cache of parsed parts, for tests."""
    _parse_part.cache_clear()


class LiveFigures:
    """Live figures of an election, from its summaries.

    Never those of a station.
    """

    number = None

    def __init__(self, election: Election, now: datetime) -> None:
        self.election, self.slug, self.now = election, election.slug, now
        self._codebook: Codebook | None = None
        self._commissions: dict[str, Commission] = {}

    def load_codebook(self) -> Codebook:
        if self._codebook is None:
            self._codebook = load_codebook(self.election)
        return self._codebook

    def get_root_code(self) -> str:
        top = self.election.commissions.filter(parent__isnull=True).order_by("path").values_list("code", flat=True)
        return str(top.first() or "")

    def load_map(self) -> Part | None:
        return load_map(self.election)

    def load_place(self, code: str) -> Part | None:
        place = self._find_commission(code)
        if place is None:
            return None
        ancestors = self._load_ancestors(place)
        if place.level.kind == Level.Kind.PRECINCT:
            return build_station_part(facts=build_facts(place, ancestors), tally=None)
        row = self._load_summary(place)
        children = list(place.children.select_related("level").order_by("path"))
        rows_by_child = {one["commission"]: one for one in row.children}
        stations = any(child.level.kind == Level.Kind.PRECINCT for child in children)
        tally = row.tally or {"precincts": Commission.objects.in_subtree(place).precincts().count()}
        return build_place_part(
            facts=build_facts(place, ancestors),
            tally=tally,
            observers=len(unpack_observers(row.observers)),
            children=[_build_child(child, rows_by_child.get(child.pk)) for child in children],
            contests=self._load_contests(),
            shared=load_shared_codes(self.election),
            hours=None if stations else count_reports_by_hour(place),
            replies=[{"date": str(one.date), "texts": one.texts} for one in Reply.objects.filter(commission=place)],
            photos=[
                [one.copy, one.thumbnail] for one in load_public_evidence(commission=place, now=self.now)[:MAX_PHOTOS]
            ],
        )

    def load_findings(self, code: str) -> Part:
        place = self._find_commission(code)
        if place is None:
            return {}
        answers, shared, contests = (
            get_finding_answers(self.load_codebook()["stages"]),
            load_shared_codes(self.election),
            self._load_contests(),
        )
        rows = Summary.objects.filter(commission__parent=place, revision__gt=0).exclude(
            commission__level__kind=Level.Kind.PRECINCT
        )
        return {
            child: collect_findings(serialize_tally(tally, contests=contests, shared=shared)["stages"], answers)
            for child, tally in rows.values_list("commission__code", "tally")
        }

    def load_station_types(self, code: str) -> Part:
        return {}  # counted in releases

    def get_computed_at(self, code: str) -> datetime | None:
        place = self._find_commission(code)
        return self._load_summary(place).as_of if place else None

    def _find_commission(self, code: str) -> Commission | None:
        if code not in self._commissions:
            place = self.election.commissions.select_related("level").filter(code=code).first()
            if place is None:
                return None
            place.election = self.election
            self._commissions[code] = place
        return self._commissions[code]

    def _load_summary(self, place: Commission) -> Summary:
        return Summary.objects.filter(pk=place.pk, revision__gt=0).first() or Summary(commission=place)

    def _load_ancestors(self, place: Commission) -> list[Commission]:
        codes = place.path.rstrip("/").split("/")[:-1]
        return list(self.election.commissions.filter(code__in=codes).order_by("depth")) if codes else []

    def _load_contests(self) -> Mapping[int, str]:
        return dict(self.election.contests.values_list("pk", "code"))


def _build_child(place: Commission, merged: Mapping[str, Any] | None) -> Part:
    """Build a child from the figures that its parent's summary merged.

    So the children's table adds up to the parent's figures.
    """
    if place.level.kind == Level.Kind.PRECINCT:
        return build_station_child(place, shown=False)
    if merged is None:
        return build_child_part(place, {}, 0)
    return build_child_part(place, {}, 0) | {"coverage": merged["coverage"], "violations": merged["violations"]}


def count_reports_by_hour(place: Commission) -> dict[str, int]:
    """Count reports by hour, in the election's time zone.

    Only counted reports are included, by the hour of their observation.

    Cached for HOURS_CACHE_SECONDS. Keys like `2022-11-20T07`.
    """
    key = f"hours:{place.pk}"
    found: dict[str, int] | None = cache.get(key)
    if found is None:
        zone = ZoneInfo(place.election.timezone)
        counted = Report.objects.counted().filter(
            commission__election=place.election_id, commission__path__startswith=place.path
        )
        hours = counted.order_by().annotate(hour=TruncHour("observed_at", tzinfo=zone)).values("hour")
        found = {f"{row['hour']:%Y-%m-%dT%H}": row["n"] for row in hours.annotate(n=Count("pk"))}
        cache.set(key, found, HOURS_CACHE_SECONDS)
    return found


# ── for the public API ──────────────────────────────────────────────────────────────────────
def build_release_summary(*, figures: ReleaseFigures, part: Part, language: str) -> Part:
    """Build the API's public summary document of a release.

    Its keys are part of the API's contract.
    """
    facts, release, order = part["facts"], figures.release, figures.election.languages
    header = {
        "election": figures.slug,
        "commission": {
            "code": facts["code"],
            "name": get_translation(facts["names"], language, order),
            "level": facts["level"],
        },
        "revision": release.number,
        "release": str(release.number),
        "as_of": release.prepared_at.isoformat().replace("+00:00", "Z"),
        "cutoff": release.cutoff.isoformat().replace("+00:00", "Z"),
    }
    if "station" in part:
        return header | _build_station_figures(part["station"])
    listed = [one for one in part["children"] if one["kind"] != Level.Kind.PRECINCT]
    return header | {
        "coverage": part["coverage"],
        "stages": part["stages"],
        "violations": part["violations"],
        "children": [
            {
                "code": one["code"],
                "name": get_translation(one["names"], language, order),
                "coverage": one["coverage"],
                "violations": one["violations"],
            }
            for one in listed
        ],
        "children_withheld": len(part["children"]) - len(listed),
    }


def _build_station_figures(station: Mapping[str, Any] | None) -> Part:
    """Build a station's figures: observed stages and confirmed violations.

    Null stands for what a release does not publish about a station.
    """
    unknown = ("precincts_observed", "precincts_denied", "observers", "reports", "reports_verified")
    coverage: Part = {"precincts": 1} | dict.fromkeys(unknown)
    stages: Part = {}
    by_type: Part = {}
    if station is not None:
        coverage["precincts_observed"] = 1
        stages = {code: {"reports": None, "commissions": 1, "questions": {}} for code in station["stages"]}
        by_type = {code: {"confirmed": n} for code, n in station["confirmed"].items()}
    violations = {"reports": None, "by_type": by_type, "by_severity": {}, "by_group": {}}
    words = {"coverage": coverage, "stages": stages, "violations": violations, "children": [], "children_withheld": 0}
    return words | {"replies": list(station["replies"]) if station else []}
