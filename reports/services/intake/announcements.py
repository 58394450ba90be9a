"""Files that a report announces before they are uploaded.

A file's identity is its uuid with its hash and size. Announcing the same file twice is the same as once.
Another hash under the same uuid is a conflict. A file that a refused body announces is kept with that body
and moves to the report once this is accepted.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from reports.models import Evidence, Refusal, Report
from reports.problems import FieldError, Rejected
from reports.services.background.wakeups import wake_after_commit
from reports.services.intake.receipts import build_evidence_receipt
from reports.services.intake.submission import Announcement, EvidenceReceipt, Sender
from reports.services.review.superseding import lock_observers
from reports.services.storage.intake_sql import insert_rows, is_any_file_known


def announce_evidence(
    *, report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime
) -> list[EvidenceReceipt]:
    """Announces more files for a stored report.

    Returns the receipts of all its files. Raises Rejected: `changed_content` where an id belongs to another
    file, `invalid_report` where there would be too many files. Then nothing is added.
    """
    try:
        return _announce(report, announcements, sender, now)
    except IntegrityError:  # another process inserted one of the ids meanwhile; the second try finds it
        return _announce(report, announcements, sender, now)


def _announce(
    report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime
) -> list[EvidenceReceipt]:
    with transaction.atomic():
        lock_observers([report.observer_id])  # every writer of this observer's reports takes this lock
        attach_files(report=report, announcements=announcements, sender=sender, now=now)
        return [build_evidence_receipt(row) for row in report.evidence.order_by("pk")]


def attach_files(*, report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime) -> None:
    """Adds new files to a stored report.

    In the caller's transaction. Raises as `announce_evidence`.
    """
    if not announcements:
        return
    known = load_known_evidence(announcements)
    raise_on_conflict(announcements, known, sender=sender, report=report)
    new_ids = {one.uuid for one in announcements if one.uuid not in known or known[one.uuid].report_id is None}
    if new_ids:
        raise_on_too_many(report.evidence.count() + len(new_ids))
    insert_rows(build_evidence_rows(announcements, known, sender=sender, now=now, report=report))
    move_refused_files(announcements, known, report)


def load_known_evidence(announcements: Iterable[Announcement]) -> dict[UUID, Evidence]:
    """The rows that have one of these ids already, of any observer."""
    ids = {one.uuid for one in announcements}
    return {row.uuid: row for row in Evidence.objects.filter(uuid__in=ids)} if is_any_file_known(ids) else {}


def raise_on_conflict(
    announcements: Sequence[Announcement],
    known: Mapping[UUID, Evidence],
    *,
    sender: Sender,
    report: Report | None,
) -> None:
    """Raises Rejected `changed_content` for ids that are taken.

    An id is taken by another file, report or observer. The error names each of these ids. Raises
    `invalid_report` for more files than a report may have.
    """
    raise_on_too_many(len({one.uuid for one in announcements}))
    errors = []
    seen: dict[UUID, Announcement] = {}
    for place, one in enumerate(announcements):
        row = known.get(one.uuid)
        first = seen.setdefault(one.uuid, one)
        is_taken = row is not None and (
            row.observer_id != sender.observer.pk
            or (row.report_id is not None and (report is None or row.report_id != report.pk))
            or is_different_file(row, one)
        )
        if is_taken or is_different_file(first, one):
            errors.append(
                FieldError(f"evidence.{place}.id", "changed_content", _("Another file was announced under this id."))
            )
    if errors:
        raise Rejected("changed_content", _("Another file was announced under this id."), errors=tuple(errors))


def raise_on_too_many(files: int) -> None:
    max_files = settings.FILES_PER_REPORT_MAX
    if files > max_files:
        raise Rejected("invalid_report", _("At most %(most)d files a report.") % {"most": max_files}, "evidence")


def is_different_file(known: Evidence | Announcement, announced: Announcement) -> bool:
    """Whether two files differ in hash or size.

    What one side does not know is no difference.
    """
    return bool(known.sha256 and announced.sha256 and known.sha256 != announced.sha256) or (
        known.size is not None and announced.size is not None and known.size != announced.size
    )


def build_evidence_rows(
    announcements: Iterable[Announcement],
    known: Mapping[UUID, Evidence],
    *,
    sender: Sender,
    now: datetime,
    report: Report | None = None,
    refusal: Refusal | None = None,
) -> list[Evidence]:
    """Unsaved rows for announced files that are not in `known`.

    Each id once.
    """
    fresh = {one.uuid: one for one in announcements if one.uuid not in known}
    return [
        Evidence(
            uuid=one.uuid,
            report=report,
            refusal=refusal,
            observer=sender.observer,
            device=sender.device,
            sha256=one.sha256,
            size=one.size,
            type=one.type,
            question=one.question,
            violation=one.violation,
            captured_at=one.captured_at,
            source=one.source,
            lat=one.location.lat if one.location else None,
            lon=one.location.lon if one.location else None,
            accuracy=one.location.accuracy if one.location else None,
            publishable=one.publishable,
            preview_of=one.preview_of,
            announced_at=now,
        )
        for one in fresh.values()
    ]


def move_refused_files(announcements: Iterable[Announcement], known: Mapping[UUID, Evidence], report: Report) -> None:
    """Moves files of a refused body to the accepted report.

    A file that was processed already is processed again, because only now it is known where and when it
    should have been taken.
    """
    refused_uuids = [one.uuid for one in announcements if one.uuid in known and known[one.uuid].report_id is None]
    if not refused_uuids:
        return
    files = Evidence.objects.filter(uuid__in=refused_uuids, report__isnull=True)
    files.update(report=report, processed_at=None, claimed_at=None, attempts=0)
    wake_after_commit("reports.process_evidence")
