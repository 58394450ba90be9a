"""Sending reports in tests.

A payload is parsed as the REST channel would, and handed to intake.
"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from reports.models import Report
from reports.problems import Rejected
from reports.services.intake.intake import accept_submission, accept_submissions
from reports.services.intake.submission import Announcement, Location, Outcome, Sender, Submission
from tests.support.world import DAY, Phone


def build_submission(phone: Phone, body: dict[str, Any], **sender: Any) -> Submission:
    place = body.get("location")
    return Submission(
        sender=Sender(election=phone.device.election, observer=phone.observer, device=phone.device, **sender),
        body=json.dumps(body, ensure_ascii=False, default=str).encode(),
        uuid=UUID(body["id"]),
        checklist=body["checklist"]["code"],
        version=body["checklist"]["version"],
        commission=body["commission"],
        observed_at=datetime.fromisoformat(body["observed_at"]),
        contest=body.get("contest") or "",
        slot=body.get("slot") or "",
        sent_at=datetime.fromisoformat(body["sent_at"]) if body.get("sent_at") else None,
        answers=body.get("answers") or {},
        comment=body.get("comment") or "",
        location=Location(place["lat"], place["lon"], place.get("accuracy")) if place else None,
        outside=body.get("outside", False),
        rehearsal=body.get("rehearsal", False),
        supersedes=UUID(body["supersedes"]) if body.get("supersedes") else None,
        evidence=tuple(
            Announcement(
                uuid=UUID(one["id"]),
                sha256=one.get("sha256", ""),
                size=one.get("size"),
                type=one.get("type", ""),
                question=one.get("question") or "",
                publishable=one.get("publishable", False),
            )
            for one in body.get("evidence", [])
        ),
    )


def send_report(phone: Phone, body: dict[str, Any], now: datetime = DAY, **sender: Any) -> Outcome:
    return accept_submission(build_submission(phone, body, **sender), now=now)


def store_report(phone: Phone, body: dict[str, Any], now: datetime = DAY, **sender: Any) -> Report:
    outcome = send_report(phone, body, now, **sender)
    assert outcome.receipt is not None, outcome.problem and outcome.problem.as_dict()
    return Report.objects.get(uuid=outcome.receipt.uuid)


def send_reports(phone: Phone, bodies: list[dict[str, Any]], now: datetime = DAY) -> list[Outcome]:
    return accept_submissions([build_submission(phone, body) for body in bodies], now=now)


def build_unreadable_submission(
    phone: Phone, body: dict[str, Any], raw: bytes = b"", uuid: UUID | None = None
) -> Submission:
    """The submission of a body that cannot be read.

    Only its id could be read by the channel.
    """
    problem = Rejected("invalid_report", "It cannot be read.", "answers")
    return replace(build_submission(phone, body), uuid=uuid, problem=problem, **({"body": raw} if raw else {}))


def list_kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


def get_problem_code(outcome: Outcome) -> str:
    """The code of a refused report's problem."""
    assert outcome.problem is not None
    assert outcome.receipt is None
    return outcome.problem.code


def build_photo(**fields: Any) -> dict[str, Any]:
    """The announcement of a file."""
    return {"id": str(uuid4()), "sha256": "ab" * 32, "size": 1000, "type": "image/jpeg", "question": "X11"} | fields
