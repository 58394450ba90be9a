"""Public copies of photos: which may be shown, and where they lie."""

import re
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet

from observer.models import Commission
from reports.models import Evidence, Report
from reports.services.evidence.processing import approved_evidence
from reports.services.publishing.visibility import photo_published

_NAME = re.compile(r"[0-9a-f]{2}/([0-9]{1,18})-[0-9a-f]{32}\.jpg", re.ASCII)


def public_evidence(*, commission: Commission, now: datetime) -> QuerySet[Evidence]:
    """What the public may see of this commission's own files, oldest first: approved copies of counted reports."""
    rows = approved_evidence().filter(report__in=Report.objects.counted().filter(commission=commission))
    shown = [row.pk for row in rows if photo_published(commission=commission, copy=row.copy, now=now)]
    return Evidence.objects.filter(pk__in=shown).order_by("stored_at", "pk")


def evidence_is_public(*, evidence: Evidence, now: datetime) -> bool:
    """Whether the public may see this file's copy at this moment."""
    report = Report.objects.select_related("commission__election", "commission__level").filter(evidence=evidence.pk)
    shown = report.counted().first() if approved_evidence().filter(pk=evidence.pk).exists() else None
    return shown is not None and photo_published(commission=shown.commission, copy=evidence.copy, now=now)


def evidence_copy(*, name: str, now: datetime) -> Path | None:
    """The public file of this name (`Evidence.copy` or `.thumbnail`), where the public may see it."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    evidence = Evidence.objects.filter(Q(copy=name) | Q(thumbnail=name), pk=int(match[1])).first()
    if evidence is None or not evidence_is_public(evidence=evidence, now=now):
        return None
    folder: Path = settings.PUBLIC_DIR
    return folder / name
