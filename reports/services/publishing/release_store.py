"""Parts of releases as rows and as files: both say the same, and a missing file is made from its row.

    RELEASES_DIR/<election>/objects/ab/<sha256>     one content, compressed as it is in its row
    RELEASES_DIR/<election>/<number>.json           what changed with this release: {"before", "parts": {key: sha256}}

Files are only ever written for published releases. A process keeps the indexes it has read; they never change.
"""

import hashlib
import json
import secrets
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from reports.models import Release, ReleaseContent, ReleaseRow

Index = dict[str, str | None]


def content_bytes(part: Any) -> bytes:
    """The one way a part is written."""
    return json.dumps(part, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_pack(raw: bytes) -> bytes:
    return zlib.compress(raw, 6)


def content_unpack(body: bytes | memoryview) -> bytes:
    return zlib.decompress(bytes(body))


def content_sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# ── reading ─────────────────────────────────────────────────────────────────────────────────
def part_read(*, slug: str, number: int, key: str) -> Any | None:
    """The part of a published release, or None where it has no such part. Asks no database while the files are there."""
    name = part_name(slug=slug, number=number, key=key)
    return json.loads(_content(slug, name)) if name else None


def part_name(*, slug: str, number: int, key: str) -> str | None:
    """The hash of a part's content: what it is known by."""
    here: int | None = number
    while here:
        before, parts = _index(slug, here)
        if key in parts:
            return parts[key]
        here = before
    return None


def part_names(*, slug: str, number: int) -> dict[str, str]:
    """Every part of a published release."""
    layers = []
    here: int | None = number
    while here:
        before, parts = _index(slug, here)
        layers.append(parts)
        here = before
    whole: Index = {}
    for parts in reversed(layers):
        whole |= parts
    return {key: name for key, name in sorted(whole.items()) if name}


def parts_read(*, slug: str, number: int, prefix: str) -> Iterator[tuple[str, Any]]:
    """The parts whose key begins so, in order: (the rest of the key, content)."""
    for key, name in part_names(slug=slug, number=number).items():
        if key.startswith(prefix):
            yield key.removeprefix(prefix), json.loads(_content(slug, name))


@lru_cache(maxsize=512)
def _index(slug: str, number: int) -> tuple[int | None, Index]:
    path = _index_path(slug, number)
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        release = Release.objects.get(election__slug=slug, number=number, state=Release.State.PUBLISHED)
        found = index_of(release)
        write_file(path, content_bytes(found))
    return found["before"], found["parts"]


def _content(slug: str, name: str) -> bytes:
    path = _content_path(slug, name)
    try:
        return content_unpack(path.read_bytes())
    except (FileNotFoundError, zlib.error):
        body = bytes(ReleaseContent.objects.values_list("body", flat=True).get(pk=name))
        write_file(path, body)
    return content_unpack(body)


def forget() -> None:
    """Empties this process's memory; for tests, whose releases begin anew with the same numbers."""
    _index.cache_clear()


# ── drafts, from the rows ───────────────────────────────────────────────────────────────────
def draft_names(release: Release) -> dict[str, str]:
    """Every part of a release, published or not, from the rows."""
    rows = ReleaseRow.objects.filter(release__election=release.election_id, release__number__lte=release.number)
    whole: Index = {}
    for key, name in rows.order_by("release__number").values_list("key", "content_id").iterator(chunk_size=5000):
        whole[key] = name
    return {key: name for key, name in whole.items() if name}


def draft_part(release: Release, key: str) -> Any | None:
    """A part of a release that need not be published: for those who prepare it."""
    rows = ReleaseRow.objects.filter(
        release__election=release.election_id, release__number__lte=release.number, key=key
    )
    row = rows.order_by("-release__number").select_related("content").first()
    return json.loads(content_unpack(row.content.body)) if row and row.content else None


# ── writing ─────────────────────────────────────────────────────────────────────────────────
def index_of(release: Release) -> dict[str, Any]:
    """What changed with this release, and the number of the one before it."""
    rows = ReleaseRow.objects.filter(release=release).order_by("key").values_list("key", "content_id")
    return {"before": release.number - 1 or None, "parts": dict(rows)}


def release_files_write(release: Release) -> None:
    """Writes whatever files of a published release are missing; may run twice, at once, and be cut off anywhere.

    The index comes last: while it is missing, everything is read from the rows.
    """
    slug = release.election.slug
    rows = ReleaseRow.objects.filter(release=release, content__isnull=False).order_by().values_list("content_id")
    missing = [name for (name,) in rows.iterator() if not _content_path(slug, name).exists()]
    for start in range(0, len(missing), 100):
        for content in ReleaseContent.objects.filter(pk__in=missing[start : start + 100]):
            write_file(_content_path(slug, content.pk), bytes(content.body))
    path, index = _index_path(slug, release.number), content_bytes(index_of(release))
    if not path.exists() or path.read_bytes() != index:
        # A file of this number that says otherwise is of another life of the database, before a backup came back.
        package_file(slug, release.number).unlink(missing_ok=True)
        write_file(path, index)
        _index.cache_clear()


def folder_of(slug: str) -> Path:
    folder: Path = settings.RELEASES_DIR / slug
    return folder


def package_file(slug: str, number: int) -> Path:
    """Where the release's data package lies, once it was made."""
    return folder_of(slug) / f"{number}.zip"


def _content_path(slug: str, name: str) -> Path:
    return folder_of(slug) / "objects" / name[:2] / name


def _index_path(slug: str, number: int) -> Path:
    return folder_of(slug) / f"{number}.json"


def write_file(path: Path, body: bytes) -> None:
    """The whole file or none; a full or read-only disk is no error of the reader's.

    Not forced to the disk, for the rows are: what a power cut leaves broken is made anew.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(body)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
