"""What is remarkable about a report without being wrong: told in the receipt, seen at the desk."""

from datetime import datetime, timedelta

from django.conf import settings

from observer.geo import metres_between
from observer.models import Election, Level
from reports.models import Checklist
from reports.services.checklists.answer_reading import answers_missing, answers_out_of_limits
from reports.services.checklists.compiled import Form
from reports.services.intake.canonical import Content
from reports.services.intake.submission import Submission
from reports.services.storage.intake_sql import Found


def flags_of(
    *,
    submission: Submission,
    content: Content,
    form: Form,
    place: Found,
    now: datetime,
) -> list[str]:
    """The flags of a report about `place`, received at `now`.

    `held` says that it waits for a coordinator. Links are `services/superseding.py`'s affair.
    """
    election = submission.sender.election
    photographed = {one.question for one in submission.evidence if one.question}
    found = {
        "missing_answers": bool(answers_missing(form, content.answers, photographed)),
        "out_of_limits": bool(answers_out_of_limits(form, content.answers)),
        "not_assigned": not place.assigned,
        "other_place": _is_other_place(form, place),
        "clock_off": _clock_is_off(submission, content, now),
        "far_from_station": _is_far(content, place),
        "outside_window": not _in_window(election, form, content.observed_at) or not _in_window(election, form, now),
        "held": not _in_window(election, form, content.observed_at) and not _in_window(election, form, now),
        "rehearsal": submission.rehearsal or election.state == Election.State.REHEARSAL,
    }
    return [flag for flag, raised in found.items() if raised]


def _in_window(election: Election, form: Form, moment: datetime) -> bool:
    opens, closes = election.window(form.code)
    return opens <= moment <= closes


def _is_other_place(form: Form, station: Found) -> bool:
    if form.place == Checklist.Place.ANY:
        return False
    return (form.place == Checklist.Place.PRECINCT) != (station.kind == Level.Kind.PRECINCT)


def _clock_is_off(submission: Submission, content: Content, now: datetime) -> bool:
    tolerance = timedelta(seconds=settings.CLOCK_TOLERANCE_SECONDS)
    if submission.sent_at is not None and abs(submission.sent_at - now) > tolerance:
        return True
    return content.observed_at > now + tolerance


def _is_far(content: Content, station: Found) -> bool:
    place = content.place
    if place is None or content.outside or station.lat is None or station.lon is None:
        return False
    if station.kind != Level.Kind.PRECINCT:
        return False
    distance = metres_between(place.lat, place.lon, station.lat, station.lon)
    return distance - (place.accuracy or 0) > settings.STATION_RADIUS_METRES
