"""Bodies that could not be stored as reports, kept with their bytes: nothing received is lost."""

import hashlib
import json
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from observer import crypto
from reports.models import Evidence, Refusal
from reports.problems import Rejected
from reports.services import announcements
from reports.services.receipts import evidence_receipt
from reports.services.submission import Outcome, Submission


def body_keep(*, submission: Submission, problem: Rejected, kind: str, at: datetime) -> Outcome:
    """Keeps a refused body and the files it announced; the outcome that tells so.

    The same body again is not kept twice. A device that has filled its quota is told so with the
    problem `too_many_refused`, and nothing of that body is kept.
    """
    sender = submission.sender
    digest = hashlib.sha256(submission.body).hexdigest()
    refusal = Refusal.objects.filter(device=sender.device, body_sha256=digest).first() if sender.device else None
    if refusal is None:
        if sender.device and _is_full(sender.device.pk, len(submission.body)):
            detail = _("This phone has sent too much that could not be read. Tell your coordinator.")
            return Outcome(kind, problem=Rejected("too_many_refused", detail))
        refusal = Refusal.objects.create(
            uuid=submission.uuid,
            observer=sender.observer,
            device=sender.device,
            channel=sender.channel,
            received_at=at,
            code=problem.code,
            problem=json.loads(json.dumps(problem.as_dict(), default=str)),
            body=crypto.encrypt_body(submission.body),
            body_sha256=digest,
            size=len(submission.body),
        )
    known = announcements.known_evidence(submission.evidence)
    Evidence.objects.bulk_create(announcements.rows(submission.evidence, known, sender=sender, at=at, refusal=refusal))
    kept = refusal.evidence.order_by("pk")
    return Outcome(kind, problem=problem, kept_evidence=tuple(evidence_receipt(row) for row in kept))


def _is_full(device: int, more: int) -> bool:
    held = Refusal.objects.filter(device=device).aggregate(bodies=Count("pk"), size=Sum("size"))
    return (
        held["bodies"] >= settings.QUARANTINE_BODIES_PER_DEVICE
        or (held["size"] or 0) + more > settings.QUARANTINE_BYTES_PER_DEVICE
    )
