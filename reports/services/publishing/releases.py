"""Releasing: prepared by an analyst, agreed to by a second person, published by a publisher.

Each act is one transaction and a line in the trail. What is published never changes: triggers see to it.
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
from observer.services.trail import trail_add
from reports.models import Due, Release, ReleaseContent, ReleaseRow
from reports.problems import Rejected
from reports.services.publishing import published_releases
from reports.services.publishing.packages import package_path
from reports.services.publishing.release_store import (
    content_bytes,
    content_pack,
    content_sha256,
    content_unpack,
    draft_names,
    release_files_write,
)
from reports.services.publishing.snapshot_figures import release_parts
from reports.services.publishing.sources import Released
from reports.services.storage.snapshot import database_moment


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a preparation found: the changed parts, and every part's hash."""

    contents: Mapping[str, bytes]
    changed: Mapping[str, str | None]
    digest: str


def release_prepare(*, election: Election, cutoff: datetime, user: User | None, now: datetime) -> Release:
    """Freezes the figures of what was received by `cutoff`, as a draft that nobody outside can see.

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
    with database_moment():
        before = draft_names(last) if last else {}
        draft = _draft(before, release_parts(election=election, cutoff=cutoff, known=stations_known(election)))
    try:
        with transaction.atomic():
            release = Release.objects.create(
                election=election,
                number=last.number + 1 if last else 1,
                cutoff=cutoff,
                prepared_at=now,
                prepared_by=user,
                digest=draft.digest,
                notes=_notes(election),
            )
            _store(release, draft)
            detail = {"number": release.number, "cutoff": cutoff.isoformat(), "digest": draft.digest}
            trail_add(action="release.prepare", subject=release, now=now, user=user, detail=detail)
    except IntegrityError as error:
        raise Rejected("release_waits", _("There is a release in preparation. Publish or discard it first.")) from error
    return release


def release_describe(
    *,
    release: Release,
    texts: Mapping[str, str],
    remarks: Mapping[str, Any],
    finding: str,
    public_from: datetime | None,
    user: User | None,
    now: datetime,
) -> None:
    """Words and embargo of a draft. Whoever said yes said it to other words: their yes is taken back."""
    with transaction.atomic():
        row = _locked(release)
        _refuse_published(row)
        row.texts, row.remarks, row.finding, row.public_from = dict(texts), dict(remarks), finding, public_from
        row.state, row.approved_by, row.approved_at = Release.State.PREPARED, None, None
        row.save()
        trail_add(action="release.describe", subject=row, now=now, user=user)
    release.refresh_from_db()


def release_approve(*, release: Release, user: User | None, now: datetime) -> None:
    """The second person's yes. Raises Rejected `same_person` for whoever prepared it."""
    with transaction.atomic():
        row = _locked(release)
        _refuse_published(row)
        if user is None or row.prepared_by_id == user.pk:
            raise Rejected("same_person", _("Another person than the one who prepared the release has to agree."))
        row.state, row.approved_by, row.approved_at = Release.State.APPROVED, user, now
        row.save()
        trail_add(action="release.approve", subject=row, now=now, user=user, detail={"digest": row.digest})
    release.refresh_from_db()


def release_publish(*, release: Release, user: User | None, now: datetime) -> None:
    """Makes it public, for ever, from now or from the end of its embargo.

    Raises Rejected `not_approved` where a second person's yes is wanted and missing, `same_person`
    where that person would publish it too, `published` where it is already.
    """
    with transaction.atomic():
        row = _locked(release)
        _refuse_published(row)
        if settings.RELEASE_SECOND_YES:
            if row.state != Release.State.APPROVED:
                raise Rejected("not_approved", _("A second person has to agree first."))
            if user is None or row.approved_by_id == user.pk:
                raise Rejected("same_person", _("Whoever agreed to the release cannot publish it too."))
        row.state, row.published_by, row.published_at = Release.State.PUBLISHED, user, now
        row.save()
        detail = {"digest": row.digest, "from": row.public_from.isoformat() if row.public_from else None}
        trail_add(action="release.publish", subject=row, now=now, user=user, detail=detail)
        transaction.on_commit(lambda: _published(row), robust=True)
    release.refresh_from_db()


def release_discard(*, release: Release, user: User | None, now: datetime) -> None:
    """Throws a draft away. Its number is given to the next."""
    with transaction.atomic():
        row = _locked(release)
        _refuse_published(row)
        trail_add(action="release.discard", subject=row, now=now, user=user, detail={"number": row.number})
        row.delete()
        ReleaseContent.objects.filter(rows__isnull=True).delete()


def _published(release: Release) -> None:
    """Makes the files at once, so that no reader waits for them. Whatever is missing is made when it is asked for."""
    release_files_write(release)
    published_releases.forget()
    stand = published_releases.stand_of(release.election.slug)
    for edition in stand.editions if stand else ():
        if stand and edition.number == release.number:
            package_path(Released(stand, edition))


def stations_known(election: Election) -> frozenset[str]:
    """Stations that a published release shows by themselves."""
    rows = ReleaseRow.objects.filter(
        release__election=election, release__state=Release.State.PUBLISHED, key__startswith="place:"
    )
    found: set[str] = set()
    for (body,) in rows.filter(content__isnull=False).order_by().values_list("content__body").iterator(chunk_size=200):
        if b'"children"' in (raw := content_unpack(body)):
            found.update(child["code"] for child in json.loads(raw)["children"] if child.get("shown"))
    return frozenset(found)


def _draft(before: Mapping[str, str], parts: Iterable[tuple[str, Any]]) -> _Draft:
    contents: dict[str, bytes] = {}
    names: dict[str, str] = {}
    changed: dict[str, str | None] = {}
    for key, part in parts:
        raw = content_bytes(part)
        names[key] = name = content_sha256(raw)
        if before.get(key) != name:
            changed[key] = name
            contents.setdefault(name, content_pack(raw))
    changed |= dict.fromkeys(before.keys() - names.keys())
    listed = "".join(f"{key} {name}\n" for key, name in sorted(names.items()))
    return _Draft(contents, changed, hashlib.sha256(listed.encode()).hexdigest())


def _store(release: Release, draft: _Draft) -> None:
    ReleaseContent.objects.bulk_create(
        [ReleaseContent(pk=name, body=body) for name, body in sorted(draft.contents.items())],
        ignore_conflicts=True,
        batch_size=500,
    )
    ReleaseRow.objects.bulk_create(
        [ReleaseRow(release=release, key=key, content_id=name) for key, name in sorted(draft.changed.items())],
        batch_size=500,
    )


def _notes(election: Election) -> list[str]:
    """What the analyst should know: codes, worded where they are shown."""
    return ["due"] if Due.objects.filter(commission__election=election).exists() else []


def _locked(release: Release) -> Release:
    return Release.objects.select_for_update(of=("self",)).select_related("election").get(pk=release.pk)


def _refuse_published(release: Release) -> None:
    if release.state == Release.State.PUBLISHED:
        raise Rejected("published", _("It is published, and stays as it is."))
