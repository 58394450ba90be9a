"""The elections and their published releases, cached from the database.

Every process keeps the rows for a second and writes them to a file when they have changed. While the
database does not answer, the last known rows are used, or those of the file. An embargo is a time in
the row, so it holds without the database too.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.models import OuterRef, Subquery

from observer.models import Commission, Election
from reports.models import Release
from reports.services.publishing.release_store import encode_canonical_json, write_file

log = logging.getLogger("baqylau.releases")
MAX_AGE_SECONDS = 1.0
MIN_REQUERY_SECONDS = 0.02  # anybody can request any slug: unknown ones cause at most fifty queries a second
FALLBACK_FILE_NAME = "shelf.json"


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """The row of a published release, without its parts."""

    number: int
    cutoff: datetime
    prepared_at: datetime
    published_at: datetime
    public_from: datetime | None
    finding: str
    texts: Mapping[str, str]
    remarks: Mapping[str, Mapping[str, str]]
    digest: str

    def is_public(self, now: datetime) -> bool:
        return self.public_from is None or self.public_from <= now

    @property
    def public_since(self) -> datetime:
        """When readers could first see it."""
        return max(self.published_at, self.public_from) if self.public_from else self.published_at


@dataclass(frozen=True, slots=True)
class PublishedElection:
    """One announced election with its published releases, the newest first.

    `publication` says what the public may see, `root` is the code of the topmost commission ("" where
    there is none), `zone` the election's time zone.
    """

    slug: str
    publication: str
    names: Mapping[str, str]
    date: str
    languages: tuple[str, ...]
    zone: str
    root: str
    releases: tuple[PublishedRelease, ...]

    def list_public_releases(self, now: datetime) -> tuple[PublishedRelease, ...]:
        """Releases whose embargo has ended, the newest first.

        None of a closed election.
        """
        if self.publication == Election.Publication.CLOSED:
            return ()
        return tuple(one for one in self.releases if one.is_public(now))

    def find_newest_release(self, now: datetime) -> PublishedRelease | None:
        return next(iter(self.list_public_releases(now)), None)

    def find_release(self, number: int, now: datetime) -> PublishedRelease | None:
        return next((one for one in self.list_public_releases(now) if one.number == number), None)

    def build_cache_stamp(self, now: datetime) -> str:
        """Build a text that changes whenever the public releases change.

        They change by a decision, or by the end of an embargo.
        """
        public = ",".join(f"{one.number}:{one.digest[:12]}" for one in self.list_public_releases(now))
        return f"{self.slug} {self.publication} {public}"


@dataclass(slots=True)
class _Cache:
    """What this process knows. `queried_at` is monotonic time in seconds."""

    queried_at: float = -1e9
    elections: dict[str, PublishedElection] = field(default_factory=dict)
    written_bytes: bytes = b""


_cache = _Cache()
_lock = Lock()


def get_published_elections() -> dict[str, PublishedElection]:
    """Get the announced elections by slug, at most a second old.

    Never raises: where the database does not answer, it returns the last known elections.
    """
    if time.monotonic() - _cache.queried_at < MAX_AGE_SECONDS:
        return _cache.elections
    # One thread queries; meanwhile the others use the elections that are known already.
    if not _lock.acquire(blocking=not _cache.elections):
        return _cache.elections
    try:
        if time.monotonic() - _cache.queried_at >= MAX_AGE_SECONDS:
            _refresh_cache()
            _cache.queried_at = time.monotonic()
        return _cache.elections
    finally:
        _lock.release()


def get_known_cache_stamp(slug: str, now: datetime) -> str:
    """Get the election's cache stamp without querying the database.

    "" where the cache is too old and no other thread is refreshing it, or where the election is not known.
    """
    if time.monotonic() - _cache.queried_at >= MAX_AGE_SECONDS and not _lock.locked():
        return ""
    election = _cache.elections.get(slug)
    return election.build_cache_stamp(now) if election else ""


def find_published_election(slug: str) -> PublishedElection | None:
    """Find the announced election of this slug.

    An unknown one is queried at once.
    """
    found = get_published_elections().get(slug)
    if found is None and time.monotonic() - _cache.queried_at >= MIN_REQUERY_SECONDS:
        _cache.queried_at = -1e9
        found = get_published_elections().get(slug)
    return found


def clear_cache() -> None:
    """Empty the cache, so that the next call queries the database."""
    _cache.queried_at, _cache.elections, _cache.written_bytes = -1e9, {}, b""


def _refresh_cache() -> None:
    try:
        rows = _query_elections()
    except Error:
        log.warning("the database does not answer; releases are served from their files")
        _cache.elections = _cache.elections or _read_fallback_file()
        return
    _cache.elections = {row["slug"]: _parse_election(row) for row in rows}
    _write_fallback_file(rows)


def _query_elections() -> list[dict[str, Any]]:
    """Query the announced elections with their published releases. Two small statements."""
    releases: dict[int, list[dict[str, Any]]] = {}
    for release in Release.objects.filter(state=Release.State.PUBLISHED).order_by("-number"):
        releases.setdefault(release.election_id, []).append(_build_release_row(release))
    root_code = (
        Commission.objects.filter(election=OuterRef("pk"), parent__isnull=True).order_by("path").values("code")[:1]
    )
    elections = Election.objects.announced().annotate(root=Subquery(root_code))
    return [
        {
            "slug": one.slug,
            "publication": one.publication,
            "names": one.names,
            "date": str(one.date),
            "languages": list(one.languages),
            "zone": one.timezone,
            "root": getattr(one, "root", None) or "",
            "editions": releases.get(one.pk, []),
        }
        for one in elections
    ]


def _build_release_row(release: Release) -> dict[str, Any]:
    times = ("cutoff", "prepared_at", "published_at", "public_from")
    values = {name: getattr(release, name) for name in times}
    return {name: value.isoformat() if value else None for name, value in values.items()} | {
        name: getattr(release, name) for name in ("number", "finding", "texts", "remarks", "digest")
    }


def _parse_election(row: Mapping[str, Any]) -> PublishedElection:
    def parse_release(release_row: Mapping[str, Any]) -> PublishedRelease:
        def parse_time(name: str) -> datetime:
            return datetime.fromisoformat(release_row[name])

        return PublishedRelease(
            number=release_row["number"],
            cutoff=parse_time("cutoff"),
            prepared_at=parse_time("prepared_at"),
            published_at=parse_time("published_at"),
            public_from=parse_time("public_from") if release_row["public_from"] else None,
            finding=release_row["finding"],
            texts=release_row["texts"],
            remarks=release_row["remarks"],
            digest=release_row["digest"],
        )

    return PublishedElection(
        slug=row["slug"],
        publication=row["publication"],
        names=row["names"],
        date=row["date"],
        languages=tuple(row["languages"]),
        zone=row["zone"],
        root=row["root"],
        releases=tuple(map(parse_release, row["editions"])),
    )


def _write_fallback_file(rows: list[dict[str, Any]]) -> None:
    body = encode_canonical_json(rows)
    if body != _cache.written_bytes and any(row["editions"] for row in rows):
        write_file(settings.RELEASES_DIR / FALLBACK_FILE_NAME, body)
        _cache.written_bytes = body


def _read_fallback_file() -> dict[str, PublishedElection]:
    try:
        rows = json.loads((settings.RELEASES_DIR / FALLBACK_FILE_NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return {row["slug"]: _parse_election(row) for row in rows}
