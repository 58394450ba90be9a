"""Files that a report says will come: awaited from the moment they are announced.

A file's identity is its uuid with its hash and size. The same announcement twice is one; another
hash under the same uuid is a conflict; a file announced by a refused body is kept with that body
and moves to the report once it is accepted.
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
from reports.services.intake.receipts import evidence_receipt
from reports.services.intake.submission import Announcement, EvidenceReceipt, Sender
from reports.services.review.superseding import observers_lock
from reports.services.storage.intake_sql import files_are_known, rows_insert


def evidence_announce(
    *, report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime
) -> list[EvidenceReceipt]:
    """Announces more files for a stored report; the receipts of all its files.

    Raises Rejected: `changed_content` where an id is taken by another file, `invalid_report` where
    they are too many. Then nothing is added.
    """
    try:
        return _announce(report, announcements, sender, now)
    except IntegrityError:  # somebody took one of the ids meanwhile; now it can be seen
        return _announce(report, announcements, sender, now)


def _announce(
    report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime
) -> list[EvidenceReceipt]:
    with transaction.atomic():
        observers_lock([report.observer_id])  # as every writer of this observer's reports
        attach(report=report, announcements=announcements, sender=sender, now=now)
        return [evidence_receipt(row) for row in report.evidence.order_by("pk")]


def attach(*, report: Report, announcements: Sequence[Announcement], sender: Sender, now: datetime) -> None:
    """Adds what is new to a stored report, inside the caller's transaction. Raises as `evidence_announce`."""
    if not announcements:
        return
    known = known_evidence(announcements)
    raise_on_conflict(announcements, known, sender=sender, report=report)
    fresh = {one.uuid for one in announcements if one.uuid not in known or known[one.uuid].report_id is None}
    if fresh:
        raise_on_too_many(report.evidence.count() + len(fresh))
    rows_insert(rows(announcements, known, sender=sender, now=now, report=report))
    adopt(announcements, known, report)


def known_evidence(announcements: Iterable[Announcement]) -> dict[UUID, Evidence]:
    """The rows that already have one of these ids, whoever's they are."""
    ids = {one.uuid for one in announcements}
    return {row.uuid: row for row in Evidence.objects.filter(uuid__in=ids)} if files_are_known(ids) else {}


def raise_on_conflict(
    announcements: Sequence[Announcement],
    known: Mapping[UUID, Evidence],
    *,
    sender: Sender,
    report: Report | None,
) -> None:
    """Raises Rejected `changed_content` naming each id that is taken by another file, report or observer.

    More files than a report may have are `invalid_report`.
    """
    raise_on_too_many(len({one.uuid for one in announcements}))
    errors = []
    seen: dict[UUID, Announcement] = {}
    for place, one in enumerate(announcements):
        row = known.get(one.uuid)
        twice = seen.setdefault(one.uuid, one)
        taken = row is not None and (
            row.observer_id != sender.observer.pk
            or (row.report_id is not None and (report is None or row.report_id != report.pk))
            or contradicts(row, one)
        )
        if taken or contradicts(twice, one):
            errors.append(
                FieldError(f"evidence.{place}.id", "changed_content", _("Another file was announced under this id."))
            )
    if errors:
        raise Rejected("changed_content", _("Another file was announced under this id."), errors=tuple(errors))


def raise_on_too_many(files: int) -> None:
    most = settings.FILES_PER_REPORT_MAX
    if files > most:
        raise Rejected("invalid_report", _("At most %(most)d files a report.") % {"most": most}, "evidence")


def contradicts(known: Evidence | Announcement, announced: Announcement) -> bool:
    """Two files by their hashes or sizes; what one side does not know contradicts nothing."""
    return bool(known.sha256 and announced.sha256 and known.sha256 != announced.sha256) or (
        known.size is not None and announced.size is not None and known.size != announced.size
    )


def rows(
    announcements: Iterable[Announcement],
    known: Mapping[UUID, Evidence],
    *,
    sender: Sender,
    now: datetime,
    report: Report | None = None,
    refusal: Refusal | None = None,
) -> list[Evidence]:
    """Unsaved rows for those announced that nobody has announced before; each id once."""
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
            lat=one.place.lat if one.place else None,
            lon=one.place.lon if one.place else None,
            accuracy=one.place.accuracy if one.place else None,
            publishable=one.publishable,
            preview_of=one.preview_of,
            announced_at=now,
        )
        for one in fresh.values()
    ]


def adopt(announcements: Iterable[Announcement], known: Mapping[UUID, Evidence], report: Report) -> None:
    """Files kept with a refused body belong to the report now that it is accepted.

    One that was looked at already is looked at again: only now is it known where and when it should
    have been taken.
    """
    waiting = [one.uuid for one in announcements if one.uuid in known and known[one.uuid].report_id is None]
    if not waiting:
        return
    files = Evidence.objects.filter(uuid__in=waiting, report__isnull=True)
    files.update(report=report, processed_at=None, claimed_at=None, attempts=0)
    wake_after_commit("reports.process_evidence")
