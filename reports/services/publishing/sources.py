"""The figures a page or an answer is about: live ones from the database, or a release's from its files.

Both give the same parts (`place_parts.py`), so whoever shows them need not ask which they are.
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
from observer.words import in_language
from reports.models import Reply, Report, Summary
from reports.services.figures.serialize import tally_words
from reports.services.figures.tally import observers_unpacked
from reports.services.publishing.codebook import Book, book_of, shared_codes
from reports.services.publishing.maps import map_of
from reports.services.publishing.photos import public_evidence
from reports.services.publishing.place_parts import (
    Part,
    child_part,
    facts,
    finding_answers,
    findings_of,
    place_part,
    station_line,
    station_part,
)
from reports.services.publishing.published_releases import Edition, Stand
from reports.services.publishing.release_store import part_name, part_read, parts_read

HOURS_SECONDS = 60
PHOTOS_MAX = 24


class Figures(Protocol):
    """What pages ask for. `number`: the release's, None of live figures. `as_of`: when they were computed."""

    slug: str

    @property
    def number(self) -> int | None: ...
    def book(self) -> Book: ...
    def shapes(self) -> Part | None: ...
    def place(self, code: str) -> Part | None: ...
    def findings(self, code: str) -> Part: ...
    def types(self, code: str) -> Part: ...
    def as_of(self, code: str) -> datetime | None: ...
    def root(self) -> str: ...


class Released:
    """A public release, read from its files. Nothing in it changes, so what is read often is kept parsed."""

    def __init__(self, stand: Stand, edition: Edition) -> None:
        self.slug, self.number, self.edition, self.stand = stand.slug, edition.number, edition, stand

    def book(self) -> Book:
        found: Book = self._kept("book")
        return found

    def root(self) -> str:
        return str(self.book()["root"])

    def shapes(self) -> Part | None:
        found: Part | None = self._kept("map")
        return found

    def search_lines(self) -> list[Any]:
        found: list[Any] = self._kept("search")
        return found

    def place(self, code: str) -> Part | None:
        return self._read(f"place:{code}")

    def findings(self, code: str) -> Part:
        return self._read(f"findings:{code}") or {}

    def types(self, code: str) -> Part:
        return self._read(f"types:{code}") or {}

    def rows(self) -> Any:
        """The open-data rows of every territory, one after another."""
        return parts_read(slug=self.slug, number=self.number, prefix="rows:")

    def places(self) -> Any:
        """Every commission's part, one after another."""
        return parts_read(slug=self.slug, number=self.number, prefix="place:")

    def as_of(self, code: str) -> datetime | None:
        return self.edition.prepared_at

    def _read(self, key: str) -> Part | None:
        return part_read(slug=self.slug, number=self.number, key=key)

    def name_of(self, key: str) -> str:
        """What the part's content is known by; "" where there is none."""
        return part_name(slug=self.slug, number=self.number, key=key) or ""

    def _kept(self, key: str) -> Any:
        name = self.name_of(key)
        return _parsed(name, self.slug, self.number, key) if name else None


@lru_cache(maxsize=24)
def _parsed(name: str, slug: str, number: int, key: str) -> Any:
    """By its content's name, which says all there is to say of it."""
    return part_read(slug=slug, number=number, key=key)


def forget() -> None:
    """Empties this process's memory, for tests."""
    _parsed.cache_clear()


class Live:
    """The figures as they come. Never a station's."""

    number = None

    def __init__(self, election: Election, now: datetime) -> None:
        self.election, self.slug, self.at = election, election.slug, now
        self._book: Book | None = None
        self._known: dict[str, Commission] = {}

    def book(self) -> Book:
        if self._book is None:
            self._book = book_of(self.election)
        return self._book

    def root(self) -> str:
        top = self.election.commissions.filter(parent__isnull=True).order_by("path").values_list("code", flat=True)
        return str(top.first() or "")

    def shapes(self) -> Part | None:
        return map_of(self.election)

    def place(self, code: str) -> Part | None:
        place = self._commission(code)
        if place is None:
            return None
        above = self._above(place)
        if place.level.kind == Level.Kind.PRECINCT:
            return station_part(known=facts(place, above), tally=None)
        row = self._summary(place)
        children = list(place.children.select_related("level").order_by("path"))
        merged = {one["commission"]: one for one in row.children}
        stations = any(child.level.kind == Level.Kind.PRECINCT for child in children)
        tally = row.tally or {"precincts": Commission.objects.under(place).precincts().count()}
        return place_part(
            known=facts(place, above),
            tally=tally,
            observers=len(observers_unpacked(row.observers)),
            children=[_child(child, merged.get(child.pk)) for child in children],
            contests=self._contests(),
            shared=shared_codes(self.election),
            hours=None if stations else hours_of(place),
            replies=[{"date": str(one.date), "texts": one.texts} for one in Reply.objects.filter(commission=place)],
            photos=[[one.copy, one.thumbnail] for one in public_evidence(commission=place, now=self.at)[:PHOTOS_MAX]],
        )

    def findings(self, code: str) -> Part:
        place = self._commission(code)
        if place is None:
            return {}
        answers, shared, contests = (
            finding_answers(self.book()["stages"]),
            shared_codes(self.election),
            self._contests(),
        )
        rows = Summary.objects.filter(commission__parent=place, revision__gt=0).exclude(
            commission__level__kind=Level.Kind.PRECINCT
        )
        return {
            child: findings_of(tally_words(tally, contests=contests, shared=shared)["stages"], answers)
            for child, tally in rows.values_list("commission__code", "tally")
        }

    def types(self, code: str) -> Part:
        return {}  # counted in releases

    def as_of(self, code: str) -> datetime | None:
        place = self._commission(code)
        return self._summary(place).as_of if place else None

    def _commission(self, code: str) -> Commission | None:
        if code not in self._known:
            place = self.election.commissions.select_related("level").filter(code=code).first()
            if place is None:
                return None
            place.election = self.election
            self._known[code] = place
        return self._known[code]

    def _summary(self, place: Commission) -> Summary:
        return Summary.objects.filter(pk=place.pk, revision__gt=0).first() or Summary(commission=place)

    def _above(self, place: Commission) -> list[Commission]:
        codes = place.path.rstrip("/").split("/")[:-1]
        return list(self.election.commissions.filter(code__in=codes).order_by("depth")) if codes else []

    def _contests(self) -> Mapping[int, str]:
        return dict(self.election.contests.values_list("pk", "code"))


def _child(place: Commission, merged: Mapping[str, Any] | None) -> Part:
    """As it was merged into the figures above it, so that the table adds up to them."""
    if place.level.kind == Level.Kind.PRECINCT:
        return station_line(place, shown=False)
    if merged is None:
        return child_part(place, {}, 0)
    own = child_part(place, {}, 0)
    return own | {"coverage": merged["coverage"], "violations": merged["violations"]}


def hours_of(place: Commission) -> dict[str, int]:
    """Counted reports by the hour of their observation, in the election's zone; at most a minute old."""
    key = f"hours:{place.pk}"
    found: dict[str, int] | None = cache.get(key)
    if found is None:
        zone = ZoneInfo(place.election.timezone)
        counted = Report.objects.counted().filter(
            commission__election=place.election_id, commission__path__startswith=place.path
        )
        hours = counted.order_by().annotate(hour=TruncHour("observed_at", tzinfo=zone)).values("hour")
        found = {f"{row['hour']:%Y-%m-%dT%H}": row["n"] for row in hours.annotate(n=Count("pk"))}
        cache.set(key, found, HOURS_SECONDS)
    return found


# ── as the public API words it ──────────────────────────────────────────────────────────────
def released_document(*, figures: Released, part: Part, language: str) -> Part:
    """The summary's JSON (the API's contract) of a commission in a release."""
    known, edition, order = part["facts"], figures.edition, figures.stand.languages
    header = {
        "election": figures.slug,
        "commission": {
            "code": known["code"],
            "name": in_language(known["names"], language, order),
            "level": known["level"],
        },
        "revision": edition.number,
        "release": str(edition.number),
        "as_of": edition.prepared_at.isoformat().replace("+00:00", "Z"),
        "cutoff": edition.cutoff.isoformat().replace("+00:00", "Z"),
    }
    if "station" in part:
        return header | _station_words(part["station"])
    listed = [one for one in part["children"] if one["kind"] != Level.Kind.PRECINCT]
    return header | {
        "coverage": part["coverage"],
        "stages": part["stages"],
        "violations": part["violations"],
        "children": [
            {
                "code": one["code"],
                "name": in_language(one["names"], language, order),
                "coverage": one["coverage"],
                "violations": one["violations"],
            }
            for one in listed
        ],
        "children_withheld": len(part["children"]) - len(listed),
    }


def _station_words(station: Mapping[str, Any] | None) -> Part:
    """A station says which stages were observed and what was confirmed; null where a release does not say."""
    unsaid = ("precincts_observed", "precincts_denied", "observers", "reports", "reports_verified")
    coverage: Part = {"precincts": 1} | dict.fromkeys(unsaid)
    stages: Part = {}
    by_type: Part = {}
    if station is not None:
        coverage["precincts_observed"] = 1
        stages = {code: {"reports": None, "commissions": 1, "questions": {}} for code in station["stages"]}
        by_type = {code: {"confirmed": n} for code, n in station["confirmed"].items()}
    violations = {"reports": None, "by_type": by_type, "by_severity": {}, "by_group": {}}
    words = {"coverage": coverage, "stages": stages, "violations": violations, "children": [], "children_withheld": 0}
    return words | {"replies": list(station["replies"]) if station else []}
