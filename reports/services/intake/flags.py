"""Flags of a report: what is unusual but no error.

They are in the receipt and at the desk.
"""

from datetime import datetime, timedelta

from django.conf import settings

from observer.geo import compute_distance_metres
from observer.models import Election, Level
from reports.models import Checklist
from reports.services.checklists.answer_reading import find_answers_out_of_limits, find_missing_answers
from reports.services.checklists.compiled import Form
from reports.services.intake.canonical import Content
from reports.services.intake.submission import Submission
from reports.services.storage.intake_sql import IntakeCommission


def compute_flags(
    *,
    submission: Submission,
    content: Content,
    form: Form,
    commission: IntakeCommission,
    now: datetime,
) -> list[str]:
    """The flags of a report about `commission` that is received at `now`.

    `held` means that the report waits for a coordinator. The flags of a report's link to another one are
    set by `services/review/superseding.py`.
    """
    election = submission.sender.election
    questions_with_photo = {one.question for one in submission.evidence if one.question}
    in_window = [_is_in_window(election, form, time) for time in (content.observed_at, now)]
    raised_by_flag = {
        "missing_answers": bool(find_missing_answers(form, content.answers, questions_with_photo)),
        "out_of_limits": bool(find_answers_out_of_limits(form, content.answers)),
        "not_assigned": not commission.is_assigned,
        "other_place": _is_other_place(form, commission),
        "clock_off": _clock_is_off(submission, content, now),
        "far_from_station": _is_far(content, commission),
        "outside_window": not all(in_window),
        "held": not any(in_window),
        "rehearsal": submission.rehearsal or election.state == Election.State.REHEARSAL,
    }
    return [flag for flag, is_raised in raised_by_flag.items() if is_raised]


def _is_in_window(election: Election, form: Form, time: datetime) -> bool:
    opens, closes = election.get_window(form.code)
    return opens <= time <= closes


def _is_other_place(form: Form, commission: IntakeCommission) -> bool:
    if form.place == Checklist.Place.ANY:
        return False
    return (form.place == Checklist.Place.PRECINCT) != (commission.kind == Level.Kind.PRECINCT)


def _clock_is_off(submission: Submission, content: Content, now: datetime) -> bool:
    tolerance = timedelta(seconds=settings.CLOCK_TOLERANCE_SECONDS)
    if submission.sent_at is not None and abs(submission.sent_at - now) > tolerance:
        return True
    return content.observed_at > now + tolerance


def _is_far(content: Content, commission: IntakeCommission) -> bool:
    location = content.location
    if location is None or content.outside or commission.lat is None or commission.lon is None:
        return False
    if commission.kind != Level.Kind.PRECINCT:
        return False
    distance = compute_distance_metres(location.lat, location.lon, commission.lat, commission.lon)
    return distance - (location.accuracy or 0) > settings.STATION_RADIUS_METRES
