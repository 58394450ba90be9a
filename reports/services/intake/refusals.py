"""Refused bodies: what could not be stored as a report.

They are kept with their bytes.
"""

import hashlib
import json
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Sum
from django.utils.translation import gettext as _

from observer import crypto
from observer.models import Device
from reports.models import Evidence, Refusal, Unkept
from reports.problems import Rejected
from reports.services.intake import announcements
from reports.services.intake.receipts import build_evidence_receipt
from reports.services.intake.submission import EvidenceReceipt, Outcome, Submission


def store_refused_body(*, submission: Submission, problem: Rejected, kind: str, now: datetime) -> Outcome:
    """Keeps a refused body and its files; returns the outcome.

    The outcome is for the sender. The same body from a device is kept once. From a device that has used up its
    quota nothing more is kept: the problem's detail tells it to the phone, and an Unkept row tells it to the
    operator.
    """
    sender = submission.sender
    digest = hashlib.sha256(submission.body).hexdigest()
    refusal = Refusal.objects.filter(device=sender.device, body_sha256=digest).first() if sender.device else None
    if refusal is None:
        if sender.device and _is_over_quota(sender.device.pk, len(submission.body)):
            return Outcome(kind, problem=_count_unkept_body(sender.device, len(submission.body), problem, now))
        refusal = Refusal.objects.create(
            uuid=submission.uuid,
            observer=sender.observer,
            device=sender.device,
            channel=sender.channel,
            received_at=now,
            code=problem.code,
            problem=json.loads(json.dumps(problem.as_dict(), default=str)),
            body=crypto.encrypt_body(submission.body),
            body_sha256=digest,
            size=len(submission.body),
        )
    return Outcome(kind, problem=problem, kept_evidence=_store_announced_files(submission, refusal, now))


def _count_unkept_body(device: Device, size: int, problem: Rejected, now: datetime) -> Rejected:
    """Counts a body that is not kept; returns a clearer problem.

    It is the same problem with a detail that says so.
    """
    Unkept.objects.get_or_create(device=device, defaults={"first_at": now, "last_at": now})
    Unkept.objects.filter(device=device).update(bodies=F("bodies") + 1, size=F("size") + size, last_at=now)
    notice = _("No copy was kept here: this phone has sent too much that could not be taken. Tell your coordinator.")
    return Rejected(problem.code, f"{problem.detail} {notice}", errors=problem.errors)


def _store_announced_files(submission: Submission, refusal: Refusal, now: datetime) -> tuple[EvidenceReceipt, ...]:
    """Stores rows for the files that a body announces.

    Returns receipts of those that are this observer's.
    """
    sender = submission.sender
    files = {one.uuid: one for one in submission.evidence[: settings.FILES_PER_REPORT_MAX]}
    if not files:
        return ()
    known = announcements.load_known_evidence(files.values())
    Evidence.objects.bulk_create(
        announcements.build_evidence_rows(files.values(), known, sender=sender, now=now, refusal=refusal)
    )
    return tuple(
        build_evidence_receipt(row)
        for row in Evidence.objects.filter(uuid__in=files, observer=sender.observer).order_by("pk")
        if not announcements.is_different_file(row, files[row.uuid])
    )


def _is_over_quota(device: int, size: int) -> bool:
    kept = Refusal.objects.filter(device=device).aggregate(bodies=Count("pk"), size=Sum("size"))
    return (
        kept["bodies"] >= settings.QUARANTINE_BODIES_PER_DEVICE
        or (kept["size"] or 0) + size > settings.QUARANTINE_BYTES_PER_DEVICE
    )
