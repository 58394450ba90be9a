"""Parts of releases, stored as rows and as files.

Rows and files have the same content; a missing file is written again from its row.

    RELEASES_DIR/<election>/objects/ab/<sha256>     one content, compressed as it is in its row
    RELEASES_DIR/<election>/<number>.json           what changed with this release: {"before", "parts": {key: sha256}}

Files are written for published releases only. A process caches the indexes it has read; they never change.
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


def encode_canonical_json(value: Any) -> bytes:
    """Encode a value as JSON: equal values give equal bytes.

    The JSON is compact and its keys are sorted.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def compress_content(raw: bytes) -> bytes:
    return zlib.compress(raw, 6)


def decompress_content(body: bytes | memoryview) -> bytes:
    return zlib.decompress(bytes(body))


def hash_content(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# ── reading ─────────────────────────────────────────────────────────────────────────────────
def read_part(*, slug: str, number: int, key: str) -> Any | None:
    """Read a part of a published release.

    None where it has no such part.

    Does not query the database while the files exist.
    """
    sha256 = find_part_hash(slug=slug, number=number, key=key)
    return json.loads(_read_content(slug, sha256)) if sha256 else None


def find_part_hash(*, slug: str, number: int, key: str) -> str | None:
    """Find the SHA-256 of a part's content.

    It is in the index of this release or of the last one before it that changed the part.
    """
    current: int | None = number
    while current:
        before, parts = _read_index(slug, current)
        if key in parts:
            return parts[key]
        current = before
    return None


def read_part_hashes(*, slug: str, number: int) -> dict[str, str]:
    """Read the hashes of a published release's parts, by key."""
    indexes = []
    current: int | None = number
    while current:
        before, parts = _read_index(slug, current)
        indexes.append(parts)
        current = before
    merged: Index = {}
    for parts in reversed(indexes):
        merged |= parts
    return {key: sha256 for key, sha256 in sorted(merged.items()) if sha256}


def read_parts(*, slug: str, number: int, prefix: str) -> Iterator[tuple[str, Any]]:
    """Read the parts whose keys start with `prefix`.

    Sorted by key, as (rest of the key, part).
    """
    for key, sha256 in read_part_hashes(slug=slug, number=number).items():
        if key.startswith(prefix):
            yield key.removeprefix(prefix), json.loads(_read_content(slug, sha256))


@lru_cache(maxsize=512)
def _read_index(slug: str, number: int) -> tuple[int | None, Index]:
    path = _get_index_path(slug, number)
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        release = Release.objects.get(election__slug=slug, number=number, state=Release.State.PUBLISHED)
        found = build_index(release)
        write_file(path, encode_canonical_json(found))
    return found["before"], found["parts"]


def _read_content(slug: str, sha256: str) -> bytes:
    path = _get_content_path(slug, sha256)
    try:
        return decompress_content(path.read_bytes())
    except (FileNotFoundError, zlib.error):
        body = bytes(ReleaseContent.objects.values_list("body", flat=True).get(pk=sha256))
        write_file(path, body)
    return decompress_content(body)


def clear_cache() -> None:
    """Empty this process's cache of indexes.

    For tests, where every test starts with release 1.
    """
    _read_index.cache_clear()


# ── drafts, from the rows ───────────────────────────────────────────────────────────────────
def load_draft_hashes(release: Release) -> dict[str, str]:
    """Load the hashes of a release's parts from the rows.

    The release may be published or not.
    """
    rows = ReleaseRow.objects.filter(release__election=release.election_id, release__number__lte=release.number)
    merged: Index = {}
    for key, sha256 in rows.order_by("release__number").values_list("key", "content_id").iterator(chunk_size=5000):
        merged[key] = sha256
    return {key: sha256 for key, sha256 in merged.items() if sha256}


def load_draft_part(release: Release, key: str) -> Any | None:
    """Load a part of a release from the rows.

    The release may be published or not: this is for the people who prepare it.
    """
    rows = ReleaseRow.objects.filter(
        release__election=release.election_id, release__number__lte=release.number, key=key
    )
    row = rows.order_by("-release__number").select_related("content").first()
    return json.loads(decompress_content(row.content.body)) if row and row.content else None


# ── writing ─────────────────────────────────────────────────────────────────────────────────
def build_index(release: Release) -> dict[str, Any]:
    """Build the index of a release.

    It has the parts that this release changed, and the number of the release before it.
    """
    rows = ReleaseRow.objects.filter(release=release).order_by("key").values_list("key", "content_id")
    return {"before": release.number - 1 or None, "parts": dict(rows)}


def write_release_files(release: Release) -> None:
    """Write the missing files of a published release.

    It may run twice, in parallel, and may be interrupted at any point. The index is written last: while it
    is missing, everything is read from the rows.
    """
    slug = release.election.slug
    rows = ReleaseRow.objects.filter(release=release, content__isnull=False).order_by().values_list("content_id")
    missing = [sha256 for (sha256,) in rows.iterator() if not _get_content_path(slug, sha256).exists()]
    for start in range(0, len(missing), 100):
        for content in ReleaseContent.objects.filter(pk__in=missing[start : start + 100]):
            write_file(_get_content_path(slug, content.pk), bytes(content.body))
    path, index = _get_index_path(slug, release.number), encode_canonical_json(build_index(release))
    if not path.exists() or path.read_bytes() != index:
        # An index of this number with other content is from before the database was restored from a backup.
        get_package_path(slug, release.number).unlink(missing_ok=True)
        write_file(path, index)
        _read_index.cache_clear()


def get_release_folder(slug: str) -> Path:
    folder: Path = settings.RELEASES_DIR / slug
    return folder


def get_package_path(slug: str, number: int) -> Path:
    """Get the path of the release's data package.

    The file may not exist yet.
    """
    return get_release_folder(slug) / f"{number}.zip"


def _get_content_path(slug: str, sha256: str) -> Path:
    return get_release_folder(slug) / "objects" / sha256[:2] / sha256


def _get_index_path(slug: str, number: int) -> Path:
    return get_release_folder(slug) / f"{number}.json"


def write_file(path: Path, body: bytes) -> None:
    """Write a file completely or not at all.

    A full or read-only disk raises no error, so that reading goes on.

    There is no fsync, because the rows are durable: a file that a power cut leaves broken is written again.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(body)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
