"""Bodies that could not be stored as reports, kept with their bytes: nothing received is lost."""

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
from reports.services.intake.receipts import evidence_receipt
from reports.services.intake.submission import EvidenceReceipt, Outcome, Submission


def body_keep(*, submission: Submission, problem: Rejected, kind: str, now: datetime) -> Outcome:
    """Keeps a refused body and the files it announced; the outcome that tells so.

    The same body again is not kept twice. Of a device that has filled its quota nothing more is
    kept, which the problem's detail tells the phone, and an Unkept row the operator.
    """
    sender = submission.sender
    digest = hashlib.sha256(submission.body).hexdigest()
    refusal = Refusal.objects.filter(device=sender.device, body_sha256=digest).first() if sender.device else None
    if refusal is None:
        if sender.device and _is_full(sender.device.pk, len(submission.body)):
            return Outcome(kind, problem=_unkept(sender.device, len(submission.body), problem, now))
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
    return Outcome(kind, problem=problem, kept_evidence=_files_keep(submission, refusal, now))


def _unkept(device: Device, size: int, problem: Rejected, now: datetime) -> Rejected:
    """Counts a body that is not kept; the same problem with words that say so."""
    Unkept.objects.get_or_create(device=device, defaults={"first_at": now, "last_at": now})
    Unkept.objects.filter(device=device).update(bodies=F("bodies") + 1, size=F("size") + size, last_at=now)
    words = _("No copy was kept here: this phone has sent too much that could not be taken. Tell your coordinator.")
    return Rejected(problem.code, f"{problem.detail} {words}", errors=problem.errors)


def _files_keep(submission: Submission, refusal: Refusal, now: datetime) -> tuple[EvidenceReceipt, ...]:
    """Rows for the files this body announces; receipts of all of them that are this observer's own."""
    sender = submission.sender
    files = {one.uuid: one for one in submission.evidence[: settings.FILES_PER_REPORT_MAX]}
    if not files:
        return ()
    known = announcements.known_evidence(files.values())
    Evidence.objects.bulk_create(announcements.rows(files.values(), known, sender=sender, now=now, refusal=refusal))
    return tuple(
        evidence_receipt(row)
        for row in Evidence.objects.filter(uuid__in=files, observer=sender.observer).order_by("pk")
        if not announcements.contradicts(row, files[row.uuid])
    )


def _is_full(device: int, more: int) -> bool:
    held = Refusal.objects.filter(device=device).aggregate(bodies=Count("pk"), size=Sum("size"))
    return (
        held["bodies"] >= settings.QUARANTINE_BODIES_PER_DEVICE
        or (held["size"] or 0) + more > settings.QUARANTINE_BYTES_PER_DEVICE
    )
