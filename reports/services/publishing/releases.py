"""Preparing, approving and publishing releases.

An analyst prepares a release, a second person approves it, a publisher publishes it. Each step is one
transaction with one trail entry. Database triggers keep a published release from changing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from observer.models import Election, User
from observer.services.trail import add_trail_entry
from reports.models import Due, Release, ReleaseContent, ReleaseRow
from reports.problems import Rejected
from reports.services.publishing import published_releases
from reports.services.publishing.packages import ensure_package
from reports.services.publishing.release_store import (
    compress_content,
    decompress_content,
    encode_canonical_json,
    hash_content,
    load_draft_hashes,
    write_release_files,
)
from reports.services.publishing.snapshot_figures import build_release_parts
from reports.services.publishing.sources import ReleaseFigures
from reports.services.storage.snapshot import database_snapshot


@dataclass(frozen=True, slots=True)
class _Draft:
    """The parts of a release that differ from the release before.

    `contents`: compressed content by hash. `changed`: hash by part key, None for a part that is gone.
    `digest`: the hash over the keys and hashes of all parts.
    """

    contents: Mapping[str, bytes]
    changed: Mapping[str, str | None]
    digest: str


def prepare_release(*, election: Election, cutoff: datetime, user: User | None, now: datetime) -> Release:
    """Prepare a draft release of the reports received by `cutoff`.

    The public cannot see a draft.

    Raises Rejected `cutoff_ahead` for a cut-off that has not come, `cutoff_back` for one before the
    last release's, `release_waits` where there is a draft already.
    """
    if cutoff > now:
        raise Rejected("cutoff_ahead", _("Reports received by then have not all come yet."), "cutoff")
    last = Release.objects.filter(election=election).order_by("-number").first()
    if last is not None and last.state != Release.State.PUBLISHED:
        raise Rejected("release_waits", _("There is a release in preparation. Publish or discard it first."))
    if last is not None and cutoff < last.cutoff:
        raise Rejected("cutoff_back", _("The last release counts later reports already."), "cutoff")
    with database_snapshot():
        previous_hashes = load_draft_hashes(last) if last else {}
        draft = _build_draft(
            previous_hashes,
            build_release_parts(election=election, cutoff=cutoff, shown_before=load_shown_stations(election)),
        )
    try:
        with transaction.atomic():
            release = Release.objects.create(
                election=election,
                number=last.number + 1 if last else 1,
                cutoff=cutoff,
                prepared_at=now,
                prepared_by=user,
                digest=draft.digest,
                notes=_build_notes(election),
            )
            _store_draft(release, draft)
            detail = {"number": release.number, "cutoff": cutoff.isoformat(), "digest": draft.digest}
            add_trail_entry(action="release.prepare", subject=release, now=now, user=user, detail=detail)
    except IntegrityError as error:
        raise Rejected("release_waits", _("There is a release in preparation. Publish or discard it first.")) from error
    return release


def describe_release(
    *,
    release: Release,
    texts: Mapping[str, str],
    remarks: Mapping[str, Any],
    finding: str,
    public_from: datetime | None,
    user: User | None,
    now: datetime,
) -> None:
    """Set texts, remarks, headline finding and embargo of a draft.

    An approval given before is withdrawn, because it was given to other texts.
    """
    with transaction.atomic():
        row = _lock_release(release)
        _reject_published(row)
        row.texts, row.remarks, row.finding, row.public_from = dict(texts), dict(remarks), finding, public_from
        row.state, row.approved_by, row.approved_at = Release.State.PREPARED, None, None
        row.save()
        add_trail_entry(action="release.describe", subject=row, now=now, user=user)
    release.refresh_from_db()


def approve_release(*, release: Release, user: User | None, now: datetime) -> None:
    """Approve a draft as the second person.

    Raises Rejected `same_person` for the person who prepared it.
    """
    with transaction.atomic():
        row = _lock_release(release)
        _reject_published(row)
        if user is None or row.prepared_by_id == user.pk:
            raise Rejected("same_person", _("Another person than the one who prepared the release has to agree."))
        row.state, row.approved_by, row.approved_at = Release.State.APPROVED, user, now
        row.save()
        add_trail_entry(action="release.approve", subject=row, now=now, user=user, detail={"digest": row.digest})
    release.refresh_from_db()


def publish_release(*, release: Release, user: User | None, now: datetime) -> None:
    """Publish a release permanently.

    It is public from now, or from the end of its embargo.

    Raises Rejected `not_approved` where the setting demands a second person's approval and it is missing,
    `same_person` where the approver would also publish, `published` where it is published already.
    """
    with transaction.atomic():
        row = _lock_release(release)
        _reject_published(row)
        if settings.RELEASE_SECOND_YES:
            if row.state != Release.State.APPROVED:
                raise Rejected("not_approved", _("A second person has to agree first."))
            if user is None or row.approved_by_id == user.pk:
                raise Rejected("same_person", _("Whoever agreed to the release cannot publish it too."))
        row.state, row.published_by, row.published_at = Release.State.PUBLISHED, user, now
        row.save()
        detail = {"digest": row.digest, "from": row.public_from.isoformat() if row.public_from else None}
        add_trail_entry(action="release.publish", subject=row, now=now, user=user, detail=detail)
        transaction.on_commit(lambda: _write_public_files(row), robust=True)
    release.refresh_from_db()


def discard_release(*, release: Release, user: User | None, now: datetime) -> None:
    """Delete a draft. The next release gets its number."""
    with transaction.atomic():
        row = _lock_release(release)
        _reject_published(row)
        add_trail_entry(action="release.discard", subject=row, now=now, user=user, detail={"number": row.number})
        row.delete()
        ReleaseContent.objects.filter(rows__isnull=True).delete()


def _write_public_files(release: Release) -> None:
    """Write the files of a published release.

    They are written at once, so that no reader waits for them.

    A file that is missing later is written when it is requested.
    """
    write_release_files(release)
    published_releases.clear_cache()
    election = published_releases.find_published_election(release.election.slug)
    for published in election.releases if election else ():
        if election and published.number == release.number:
            ensure_package(ReleaseFigures(election, published))


def load_shown_stations(election: Election) -> frozenset[str]:
    """Load the codes of the stations that any published release shows."""
    rows = ReleaseRow.objects.filter(
        release__election=election, release__state=Release.State.PUBLISHED, key__startswith="place:"
    )
    found: set[str] = set()
    for (body,) in rows.filter(content__isnull=False).order_by().values_list("content__body").iterator(chunk_size=200):
        if b'"children"' in (raw := decompress_content(body)):
            found.update(child["code"] for child in json.loads(raw)["children"] if child.get("shown"))
    return frozenset(found)


def _build_draft(previous_hashes: Mapping[str, str], parts: Iterable[tuple[str, Any]]) -> _Draft:
    contents: dict[str, bytes] = {}
    hashes: dict[str, str] = {}
    changed: dict[str, str | None] = {}
    for key, part in parts:
        raw = encode_canonical_json(part)
        hashes[key] = sha256 = hash_content(raw)
        if previous_hashes.get(key) != sha256:
            changed[key] = sha256
            contents.setdefault(sha256, compress_content(raw))
    changed |= dict.fromkeys(previous_hashes.keys() - hashes.keys())
    listed = "".join(f"{key} {sha256}\n" for key, sha256 in sorted(hashes.items()))
    return _Draft(contents, changed, hashlib.sha256(listed.encode()).hexdigest())


def _store_draft(release: Release, draft: _Draft) -> None:
    ReleaseContent.objects.bulk_create(
        [ReleaseContent(pk=sha256, body=body) for sha256, body in sorted(draft.contents.items())],
        ignore_conflicts=True,
        batch_size=500,
    )
    ReleaseRow.objects.bulk_create(
        [ReleaseRow(release=release, key=key, content_id=sha256) for key, sha256 in sorted(draft.changed.items())],
        batch_size=500,
    )


def _build_notes(election: Election) -> list[str]:
    """Build the codes of notes for the analyst.

    The page that shows them has their texts.
    """
    return ["due"] if Due.objects.filter(commission__election=election).exists() else []


def _lock_release(release: Release) -> Release:
    return Release.objects.select_for_update(of=("self",)).select_related("election").get(pk=release.pk)


def _reject_published(release: Release) -> None:
    if release.state == Release.State.PUBLISHED:
        raise Rejected("published", _("It is published, and stays as it is."))
