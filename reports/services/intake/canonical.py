"""The content of a report, and its one canonical form: what "the same report" means.

Retries differ in what does not matter: the time of sending, the order of keys, `3` or `3.0`, the
Unicode form a keyboard makes. The canonical form removes exactly that. Its algorithm is versioned
with each report; `tests/payloads/canonical/` holds golden vectors that no change may move.
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
from reports.services.checklists.answer_reading import answers_read, text_clean
from reports.services.checklists.compiled import Form
from reports.services.intake.submission import Place, Submission

VERSION = 1
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
ACCURACY_MAX = 100_000_000  # metres; more is no circle on Earth
SLOT_MAX = 32
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Content:
    """What an observer says, in clean values; nothing of how or when it was delivered."""

    observer: str
    checklist: str
    version: int
    commission: str
    contest: str
    slot: str
    observed_at: datetime
    answers: dict[str, Any]
    comment: str
    place: Place | None
    outside: bool
    supersedes: UUID | None


def content_read(submission: Submission, form: Form, violation_codes: frozenset[str] = frozenset()) -> Content:
    """The submission's content, or Rejected (`invalid_report`, `invalid_answers`)."""
    observed_at, place = submission.observed_at, submission.place
    if observed_at is None:
        raise Rejected("invalid_report", _("The time of the observation is missing."), "observed_at")
    slot = text_clean(submission.slot)
    if not (
        is_storable(observed_at) and is_storable(submission.sent_at) and is_on_earth(place) and len(slot) <= SLOT_MAX
    ):
        raise _unfit(submission, slot)
    return Content(
        observer=submission.sender.observer.code,
        checklist=form.code,
        version=form.number,
        commission=text_clean(submission.commission),
        contest=text_clean(submission.contest),
        slot=slot,
        observed_at=observed_at.astimezone(UTC),
        answers=answers_read(form, submission.answers, violation_codes),
        comment=text_clean(submission.comment),
        place=place and Place(round(float(place.lat), 5), round(float(place.lon), 5), place.accuracy),
        outside=submission.outside,
        supersedes=submission.supersedes,
    )


def is_storable(moment: datetime | None) -> bool:
    """Whether both databases can hold it in UTC: a phone may say any year."""
    return moment is None or EARLIEST <= moment <= LATEST


def is_on_earth(place: Place | None) -> bool:
    """Whether the degrees are possible, and the accuracy a number of metres that means something."""
    return place is None or (
        abs(place.lat) <= 90
        and abs(place.lon) <= 180
        and (place.accuracy is None or 0 <= place.accuracy <= ACCURACY_MAX)
    )


def _unfit(submission: Submission, slot: str) -> Rejected:
    errors = Errors()
    for name, moment in (("observed_at", submission.observed_at), ("sent_at", submission.sent_at)):
        if not is_storable(moment):
            errors.add(name, "out_of_range", _("There is no such time."))
    place = submission.place
    if place and not is_on_earth(Place(place.lat, place.lon)):
        errors.add("location", "out_of_range", _("There is no such place on Earth."))
    elif not is_on_earth(place):
        errors.add("location.accuracy", "out_of_range", _("An accuracy in metres is expected."))
    if len(slot) > SLOT_MAX:
        errors.add("slot", "too_long", _("At most %(most)d characters.") % {"most": SLOT_MAX})
    return Rejected("invalid_report", _("The report cannot be read."), errors=tuple(errors.found))


def canonical(content: Content) -> bytes:
    """Version 1: compact UTF-8 JSON with sorted keys; empty is absent.

    Whole numbers are JSON numbers, other numbers their plain decimals as text; times are UTC to
    the second; coordinates and accuracy are plain decimals to 5 places and 1.
    """
    said: dict[str, Any] = {
        "observer": content.observer,
        "checklist": content.checklist,
        "version": content.version,
        "commission": content.commission,
        "contest": content.contest,
        "slot": content.slot,
        "observed_at": content.observed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "answers": {
            code: _place(value) if isinstance(value, dict) else value for code, value in content.answers.items()
        },
        "comment": content.comment,
        "outside": content.outside,
        "supersedes": str(content.supersedes) if content.supersedes else "",
    }
    if content.place:
        place = content.place
        said["location"] = _place({"lat": place.lat, "lon": place.lon, "accuracy": place.accuracy})
    present = {key: value for key, value in said.items() if value not in ("", False, {})}
    return _encode(present).encode()


def content_sha256(content: Content) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _place(place: dict[str, float | None]) -> dict[str, str]:
    places = {"lat": 5, "lon": 5, "accuracy": 1}
    return {key: _plain(value, places[key]) for key, value in place.items() if value is not None}


def _plain(value: float, places: int) -> str:
    number = round(Decimal(str(value)), places).normalize() + 0
    return format(number, "f")
