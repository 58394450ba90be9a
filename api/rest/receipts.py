"""Receipts and outcomes as JSON."""

import functools
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from api.rest.problems import problem_body, refused
from api.rest.wire import json_answer, moment
from reports.problems import Rejected
from reports.services.intake.submission import EvidenceReceipt, Outcome, Receipt

_NOWHERE = "00000000-0000-0000-0000-000000000000"


@functools.cache
def _evidence_path() -> str:
    return reverse("api:evidence", args=[_NOWHERE]).removesuffix(_NOWHERE)


def base_of(request: HttpRequest | Request) -> str:
    """What a file's id is added to for its absolute address."""
    return f"{request.scheme}://{request.get_host()}{_evidence_path()}"


def evidence_json(files: Iterable[EvidenceReceipt], base: str) -> list[dict[str, Any]]:
    return [
        {"id": str(one.uuid), "state": one.state, "offset": one.offset, "url": f"{base}{one.uuid}"} for one in files
    ]


def receipt_json(receipt: Receipt, base: str) -> dict[str, Any]:
    return {
        "id": str(receipt.uuid),
        "received_at": moment(receipt.received_at),
        "sequence": receipt.sequence,
        "content_sha256": receipt.content_sha256,
        "flags": receipt.flags,
        "state": receipt.state,
        "evidence": evidence_json(receipt.evidence, base),
    }


def outcome_answer(outcome: Outcome, request: Request) -> HttpResponse:
    """201 or 200 with the receipt, else the problem, with the addresses of files that were kept."""
    base = base_of(request)
    if outcome.receipt is not None:
        return json_answer(receipt_json(outcome.receipt, base), 201 if outcome.kind == "stored" else 200)
    assert outcome.problem is not None
    return refused(outcome.problem, **_kept(outcome, base))


def _kept(outcome: Outcome, base: str) -> dict[str, Any]:
    return {"evidence": evidence_json(outcome.kept_evidence, base)} if outcome.kept_evidence else {}


_KINDS = {
    "changed_content": "conflict",
    "unknown_commission": "unknown",
    "unknown_checklist": "unknown",
    "forbidden": "forbidden",
    "too_large": "too_large",
}


def outcome_word(outcome: Outcome) -> str:
    """stored, duplicate, conflict, invalid, unknown, forbidden or too_large."""
    if outcome.receipt is not None:
        return outcome.kind
    assert outcome.problem is not None
    return _KINDS.get(outcome.problem.code, "invalid")


def outcome_json(outcome: Outcome, identifier: str | None, base: str) -> dict[str, Any]:
    """One row of a batch's answer; `identifier` as it was given, where it could be read."""
    row: dict[str, Any] = {"id": identifier}
    if outcome.receipt is not None:
        return row | {"outcome": outcome.kind, "receipt": receipt_json(outcome.receipt, base)}
    assert outcome.problem is not None
    return row | {
        "outcome": outcome_word(outcome),
        "problem": problem_json(outcome.problem) | _kept(outcome, base),
    }


def problem_json(problem: Rejected) -> dict[str, Any]:
    return problem_body(problem.code, problem.detail, [one.as_dict() for one in problem.errors])
