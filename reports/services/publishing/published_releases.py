"""Which releases are public now: what the database says, at most a second old, or what it last said.

Every process keeps the answer for a second and writes it to a file when it has changed. While the
database does not answer, the file stands in: an embargo is a time, so it holds there too.
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
from reports.services.publishing.release_store import content_bytes, write_file

log = logging.getLogger("baqylau.releases")
SECONDS = 1.0
HASTE = 0.02  # strangers can ask for any name: at most fifty questions a second come of it
FILE = "shelf.json"


@dataclass(frozen=True, slots=True)
class Edition:
    """A published release, as far as a reader may know of it before opening it."""

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
    def since(self) -> datetime:
        """When readers first had it."""
        return max(self.published_at, self.public_from) if self.public_from else self.published_at


@dataclass(frozen=True, slots=True)
class Stand:
    """One election: what its mission lets strangers see, and what it has released, the newest first."""

    slug: str
    publication: str
    names: Mapping[str, str]
    date: str
    languages: tuple[str, ...]
    zone: str
    root: str
    editions: tuple[Edition, ...]

    def public(self, now: datetime) -> tuple[Edition, ...]:
        if self.publication == Election.Publication.CLOSED:
            return ()
        return tuple(one for one in self.editions if one.is_public(now))

    def newest(self, now: datetime) -> Edition | None:
        return next(iter(self.public(now)), None)

    def edition(self, number: int, now: datetime) -> Edition | None:
        return next((one for one in self.public(now) if one.number == number), None)

    def stamp(self, now: datetime) -> str:
        """Changes whenever what is public of the releases changes: by a decision, or by the end of an embargo."""
        public = ",".join(f"{one.number}:{one.digest[:12]}" for one in self.public(now))
        return f"{self.slug} {self.publication} {public}"


@dataclass(slots=True)
class _Memory:
    asked_at: float = -1e9
    stands: dict[str, Stand] = field(default_factory=dict)
    written: bytes = b""


_memory = _Memory()
_lock = Lock()


def stands() -> dict[str, Stand]:
    """Elections that are announced, by slug. Never fails: it knows at worst what it knew before."""
    if time.monotonic() - _memory.asked_at < SECONDS:
        return _memory.stands
    # One asks; while it waits for an answer the others go by what is known.
    if not _lock.acquire(blocking=not _memory.stands):
        return _memory.stands
    try:
        if time.monotonic() - _memory.asked_at >= SECONDS:
            _ask()
            _memory.asked_at = time.monotonic()
        return _memory.stands
    finally:
        _lock.release()


def stamp_known(slug: str, now: datetime) -> str:
    """The election's stamp where nothing has to be asked for it, or somebody is asking already; else ""."""
    if time.monotonic() - _memory.asked_at >= SECONDS and not _lock.locked():
        return ""
    stand = _memory.stands.get(slug)
    return stand.stamp(now) if stand else ""


def stand_of(slug: str) -> Stand | None:
    """The election of this slug, if it is announced; one that is not known is asked for at once."""
    found = stands().get(slug)
    if found is None and time.monotonic() - _memory.asked_at >= HASTE:
        _memory.asked_at = -1e9
        found = stands().get(slug)
    return found


def forget() -> None:
    """What was published a moment ago is asked for anew."""
    _memory.asked_at, _memory.stands, _memory.written = -1e9, {}, b""


def _ask() -> None:
    try:
        rows = _asked()
    except Error:
        log.warning("the database does not answer; releases are served from their files")
        _memory.stands = _memory.stands or _from_file()
        return
    _memory.stands = {row["slug"]: _stand(row) for row in rows}
    _keep(rows)


def _asked() -> list[dict[str, Any]]:
    """Two small statements."""
    editions: dict[int, list[dict[str, Any]]] = {}
    for release in Release.objects.filter(state=Release.State.PUBLISHED).order_by("-number"):
        editions.setdefault(release.election_id, []).append(_edition_row(release))
    top = Commission.objects.filter(election=OuterRef("pk"), parent__isnull=True).order_by("path").values("code")[:1]
    elections = Election.objects.announced().annotate(root=Subquery(top))
    return [
        {
            "slug": one.slug,
            "publication": one.publication,
            "names": one.names,
            "date": str(one.date),
            "languages": list(one.languages),
            "zone": one.timezone,
            "root": getattr(one, "root", None) or "",
            "editions": editions.get(one.pk, []),
        }
        for one in elections
    ]


def _edition_row(release: Release) -> dict[str, Any]:
    times = ("cutoff", "prepared_at", "published_at", "public_from")
    said = {name: getattr(release, name) for name in times}
    return {name: value.isoformat() if value else None for name, value in said.items()} | {
        name: getattr(release, name) for name in ("number", "finding", "texts", "remarks", "digest")
    }


def _stand(row: Mapping[str, Any]) -> Stand:
    def edition(one: Mapping[str, Any]) -> Edition:
        def moment(name: str) -> datetime:
            return datetime.fromisoformat(one[name])

        return Edition(
            number=one["number"],
            cutoff=moment("cutoff"),
            prepared_at=moment("prepared_at"),
            published_at=moment("published_at"),
            public_from=moment("public_from") if one["public_from"] else None,
            finding=one["finding"],
            texts=one["texts"],
            remarks=one["remarks"],
            digest=one["digest"],
        )

    return Stand(
        slug=row["slug"],
        publication=row["publication"],
        names=row["names"],
        date=row["date"],
        languages=tuple(row["languages"]),
        zone=row["zone"],
        root=row["root"],
        editions=tuple(map(edition, row["editions"])),
    )


def _keep(rows: list[dict[str, Any]]) -> None:
    body = content_bytes(rows)
    if body != _memory.written and any(row["editions"] for row in rows):
        write_file(settings.RELEASES_DIR / FILE, body)
        _memory.written = body


def _from_file() -> dict[str, Stand]:
    try:
        rows = json.loads((settings.RELEASES_DIR / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {row["slug"]: _stand(row) for row in rows}
