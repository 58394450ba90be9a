"""Receipts: what the platform promises to have, read from the rows that prove it."""

from collections.abc import Iterable

from reports.models import Evidence, Report
from reports.services.intake.submission import EvidenceReceipt, Receipt


def evidence_receipt(evidence: Evidence) -> EvidenceReceipt:
    return EvidenceReceipt(uuid=evidence.uuid, state=evidence.state, offset=evidence.offset)


def receipt_of(report: Report, evidence: Iterable[Evidence] | None = None) -> Receipt:
    """The receipt of a stored report; `evidence` where the caller has its rows already."""
    rows = report.evidence.order_by("pk") if evidence is None else evidence
    return Receipt(
        uuid=report.uuid,
        received_at=report.received_at,
        sequence=report.sequence,
        content_sha256=report.content_sha256,
        flags=tuple(report.flags),
        state=report.standing,
        evidence=tuple(evidence_receipt(row) for row in rows),
    )
