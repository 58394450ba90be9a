"""Public photo copies: which may be shown, and their files."""

import re
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet

from observer.models import Commission
from reports.models import Evidence, Report
from reports.services.evidence.processing import filter_approved_evidence
from reports.services.publishing.visibility import is_photo_public

_COPY_NAME = re.compile(r"[0-9a-f]{2}/([0-9]{1,18})-[0-9a-f]{32}\.jpg", re.ASCII)


def load_public_evidence(*, commission: Commission, now: datetime) -> QuerySet[Evidence]:
    """Load the commission's evidence that the public may see, oldest first.

    That is approved copies of counted reports about this commission itself.
    """
    rows = filter_approved_evidence().filter(report__in=Report.objects.counted().filter(commission=commission))
    shown = [row.pk for row in rows if is_photo_public(commission=commission, copy=row.copy, now=now)]
    return Evidence.objects.filter(pk__in=shown).order_by("stored_at", "pk")


def is_evidence_public(*, evidence: Evidence, now: datetime) -> bool:
    """Whether the public may see this evidence's copy at `now`."""
    report = Report.objects.select_related("commission__election", "commission__level").filter(evidence=evidence.pk)
    shown = report.counted().first() if filter_approved_evidence().filter(pk=evidence.pk).exists() else None
    return shown is not None and is_photo_public(commission=shown.commission, copy=evidence.copy, now=now)


def find_public_copy(*, name: str, now: datetime) -> Path | None:
    """Find the file of this name (`Evidence.copy` or `.thumbnail`).

    None where the public may not see it.
    """
    match = _COPY_NAME.fullmatch(name)
    if match is None:
        return None
    evidence = Evidence.objects.filter(Q(copy=name) | Q(thumbnail=name), pk=int(match[1])).first()
    if evidence is None or not is_evidence_public(evidence=evidence, now=now):
        return None
    folder: Path = settings.PUBLIC_DIR
    return folder / name
