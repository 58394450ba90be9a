"""The content of a report and its canonical form.

The form defines when two reports are the same. Retries may differ in what does not matter: the time of sending,
the order of keys, `3` or `3.0`, the Unicode normal form. The canonical form removes exactly these differences.
The version of its algorithm is stored with each report. `tests/payloads/canonical/` holds golden vectors, which
must never change.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from reports.problems import Errors, Rejected
from reports.services.checklists.answer_reading import normalize_text, read_answers
from reports.services.checklists.compiled import Form
from reports.services.intake.submission import Location, Submission

CANONICAL_VERSION = 1
MIN_TIME, MAX_TIME = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
MAX_ACCURACY_METRES = 100_000_000  # a larger circle does not fit on Earth
MAX_SLOT_CHARACTERS = 32
_encode_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Content:
    """What an observer reports, in clean values.

    Without how or when it was delivered.
    """

    observer: str
    checklist: str
    version: int
    commission: str
    contest: str
    slot: str
    observed_at: datetime
    answers: dict[str, Any]
    comment: str
    location: Location | None
    outside: bool
    supersedes: UUID | None


def read_content(submission: Submission, form: Form, violation_codes: frozenset[str] = frozenset()) -> Content:
    """Reads a submission's content. Raises Rejected `invalid_report` or `invalid_answers`."""
    observed_at, location = submission.observed_at, submission.location
    if observed_at is None:
        raise Rejected("invalid_report", _("The time of the observation is missing."), "observed_at")
    slot = normalize_text(submission.slot)
    if not (
        is_storable_time(observed_at)
        and is_storable_time(submission.sent_at)
        and is_valid_location(location)
        and len(slot) <= MAX_SLOT_CHARACTERS
    ):
        raise _build_range_problem(submission, slot)
    return Content(
        observer=submission.sender.observer.code,
        checklist=form.code,
        version=form.number,
        commission=normalize_text(submission.commission),
        contest=normalize_text(submission.contest),
        slot=slot,
        observed_at=observed_at.astimezone(UTC),
        answers=read_answers(form, submission.answers, violation_codes),
        comment=normalize_text(submission.comment),
        location=location and Location(round(float(location.lat), 5), round(float(location.lon), 5), location.accuracy),
        outside=submission.outside,
        supersedes=submission.supersedes,
    )


def is_storable_time(time: datetime | None) -> bool:
    """Whether both databases can hold this time in UTC.

    A phone may send any year.
    """
    return time is None or MIN_TIME <= time <= MAX_TIME


def is_valid_location(location: Location | None) -> bool:
    """Whether the degrees and the accuracy are possible.

    The accuracy is from 0 to MAX_ACCURACY_METRES.
    """
    return location is None or (
        abs(location.lat) <= 90
        and abs(location.lon) <= 180
        and (location.accuracy is None or 0 <= location.accuracy <= MAX_ACCURACY_METRES)
    )


def _build_range_problem(submission: Submission, slot: str) -> Rejected:
    errors = Errors()
    for name, moment in (("observed_at", submission.observed_at), ("sent_at", submission.sent_at)):
        if not is_storable_time(moment):
            errors.add(name, "out_of_range", _("There is no such time."))
    location = submission.location
    if location and not is_valid_location(Location(location.lat, location.lon)):
        errors.add("location", "out_of_range", _("There is no such place on Earth."))
    elif not is_valid_location(location):
        errors.add("location.accuracy", "out_of_range", _("An accuracy in metres is expected."))
    if len(slot) > MAX_SLOT_CHARACTERS:
        errors.add("slot", "too_long", _("At most %(most)d characters.") % {"most": MAX_SLOT_CHARACTERS})
    return Rejected("invalid_report", _("The report cannot be read."), errors=tuple(errors.field_errors))


def encode_canonical(content: Content) -> bytes:
    """The canonical form, version 1: compact UTF-8 JSON with sorted keys.

    Empty values are left out. Whole numbers are JSON numbers, other numbers are texts in plain decimal
    notation; times are in UTC, to the second; coordinates have 5 decimal places and the accuracy has 1.
    """
    values: dict[str, Any] = {
        "observer": content.observer,
        "checklist": content.checklist,
        "version": content.version,
        "commission": content.commission,
        "contest": content.contest,
        "slot": content.slot,
        "observed_at": content.observed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "answers": {
            code: _format_location(value) if isinstance(value, dict) else value
            for code, value in content.answers.items()
        },
        "comment": content.comment,
        "outside": content.outside,
        "supersedes": str(content.supersedes) if content.supersedes else "",
    }
    if content.location:
        location = content.location
        values["location"] = _format_location({"lat": location.lat, "lon": location.lon, "accuracy": location.accuracy})
    present = {key: value for key, value in values.items() if value not in ("", False, {})}
    return _encode_json(present).encode()


def hash_content(content: Content) -> str:
    return hashlib.sha256(encode_canonical(content)).hexdigest()


def _format_location(location: dict[str, float | None]) -> dict[str, str]:
    decimals = {"lat": 5, "lon": 5, "accuracy": 1}
    return {key: _format_decimal(value, decimals[key]) for key, value in location.items() if value is not None}


def _format_decimal(value: float, decimals: int) -> str:
    number = round(Decimal(str(value)), decimals).normalize() + 0
    return format(number, "f")
