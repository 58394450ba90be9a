"""Receipts and outcomes of reports as JSON."""

import functools
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from api.rest.json_encoding import build_json_response, format_time
from api.rest.problems import build_problem_body, build_rejected_response
from reports.problems import Rejected
from reports.services.intake.submission import EvidenceReceipt, Outcome, Receipt

_PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"


@functools.cache
def _get_evidence_path() -> str:
    return reverse("api:evidence", args=[_PLACEHOLDER_ID]).removesuffix(_PLACEHOLDER_ID)


def build_evidence_base_url(request: HttpRequest | Request) -> str:
    """Returns the absolute URL to which a file's id is added."""
    return f"{request.scheme}://{request.get_host()}{_get_evidence_path()}"


def serialize_evidence(files: Iterable[EvidenceReceipt], base_url: str) -> list[dict[str, Any]]:
    return [
        {"id": str(one.uuid), "state": one.state, "offset": one.offset, "url": f"{base_url}{one.uuid}"} for one in files
    ]


def serialize_receipt(receipt: Receipt, base_url: str) -> dict[str, Any]:
    return {
        "id": str(receipt.uuid),
        "received_at": format_time(receipt.received_at),
        "sequence": receipt.sequence,
        "content_sha256": receipt.content_sha256,
        "flags": receipt.flags,
        "state": receipt.state,
        "evidence": serialize_evidence(receipt.evidence, base_url),
    }


def build_outcome_response(outcome: Outcome, request: Request) -> HttpResponse:
    """Answers 201 or 200 with the receipt, else with the problem.

    A problem lists the addresses of files that were kept.
    """
    base_url = build_evidence_base_url(request)
    if outcome.receipt is not None:
        return build_json_response(
            serialize_receipt(outcome.receipt, base_url), 201 if outcome.kind == "stored" else 200
        )
    assert outcome.problem is not None
    return build_rejected_response(outcome.problem, **_serialize_kept_evidence(outcome, base_url))


def _serialize_kept_evidence(outcome: Outcome, base_url: str) -> dict[str, Any]:
    return {"evidence": serialize_evidence(outcome.kept_evidence, base_url)} if outcome.kept_evidence else {}


_OUTCOME_BY_PROBLEM = {
    "changed_content": "conflict",
    "unknown_commission": "unknown",
    "unknown_checklist": "unknown",
    "forbidden": "forbidden",
    "too_large": "too_large",
}


def get_outcome_word(outcome: Outcome) -> str:
    """Returns stored, duplicate, conflict, invalid, unknown, forbidden or too_large."""
    if outcome.receipt is not None:
        return outcome.kind
    assert outcome.problem is not None
    return _OUTCOME_BY_PROBLEM.get(outcome.problem.code, "invalid")


def serialize_outcome(outcome: Outcome, identifier: str | None, base_url: str) -> dict[str, Any]:
    """Returns one row of a batch's answer.

    `identifier` is the report's id as it was sent, where it could be read.
    """
    row: dict[str, Any] = {"id": identifier}
    if outcome.receipt is not None:
        return row | {"outcome": outcome.kind, "receipt": serialize_receipt(outcome.receipt, base_url)}
    assert outcome.problem is not None
    return row | {
        "outcome": get_outcome_word(outcome),
        "problem": serialize_problem(outcome.problem) | _serialize_kept_evidence(outcome, base_url),
    }


def serialize_problem(problem: Rejected) -> dict[str, Any]:
    return build_problem_body(problem.code, problem.detail, [one.as_dict() for one in problem.errors])
