"""Receipts of reports and files, built from the stored rows."""

from collections.abc import Iterable

from reports.models import Evidence, Report
from reports.services.intake.submission import EvidenceReceipt, Receipt


def build_evidence_receipt(evidence: Evidence) -> EvidenceReceipt:
    return EvidenceReceipt(uuid=evidence.uuid, state=evidence.state, offset=evidence.offset)


def build_receipt(report: Report, evidence: Iterable[Evidence] | None = None) -> Receipt:
    """The receipt of a stored report.

    `evidence`: its rows, where the caller has loaded them.
    """
    rows = report.evidence.order_by("pk") if evidence is None else evidence
    return Receipt(
        uuid=report.uuid,
        received_at=report.received_at,
        sequence=report.sequence,
        content_sha256=report.content_sha256,
        flags=tuple(report.flags),
        state=report.receipt_state,
        evidence=tuple(build_evidence_receipt(row) for row in rows),
    )
