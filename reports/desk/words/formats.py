"""Labels, place names and local times for the desk pages.

They are in the reader's language.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.models import Assignment, Call, Commission
from observer.words import get_translation
from reports.models import ViolationType
from reports.services.schedule.expectations import COMPLETE, CONFLICTING, MISSING, PARTIAL, Expectation

SEVERITY_LABELS: dict[str, str | Promise] = {
    ViolationType.Severity.CRITICAL: _("critical"),
    ViolationType.Severity.MAJOR: _("major"),
    ViolationType.Severity.MINOR: _("minor"),
}
ROLE_LABELS: dict[str, str | Promise] = {
    Assignment.Role.STATIONARY: _("all day in one station"),
    Assignment.Role.MOBILE: _("visits several stations"),
    Assignment.Role.LONG_TERM: _("watches a region for weeks"),
}
CALL_OUTCOME_LABELS: dict[str, str | Promise] = {
    Call.Outcome.REACHED: _("reached"),
    Call.Outcome.NOT_REACHED: _("not reached"),
    Call.Outcome.WRONG: _("wrong number"),
}
STANDING_LABELS: dict[str, str | Promise] = {
    "received": _("received"),
    "read": _("read at the desk"),
    "verified": _("verified"),
    "held": _("held"),
    "rejected": _("rejected"),
    "quarantined": _("quarantined"),
    "superseded": _("superseded"),
}
EXPECTATION_STATE_LABELS: dict[str, str | Promise] = {
    PARTIAL: _("incomplete"),
    COMPLETE: _("complete"),
    CONFLICTING: _("contradictory"),
}


def describe_expectation(expectation: Expectation, now: datetime) -> tuple[str, str | Promise]:
    """The state of one expected report: its CSS class and its label."""
    if expectation.is_late(now):
        return ("late", _("late, incomplete") if expectation.state == PARTIAL else _("late"))
    if expectation.state == MISSING:
        return ("due", _("due")) if expectation.is_due(now) else ("later", _("not due yet"))
    return expectation.state, EXPECTATION_STATE_LABELS[expectation.state]


def get_place_name(place: Commission) -> str:
    """The commission's name, or its code without a name."""
    return get_translation(place.names, order=place.election.languages) or place.code


def to_local_time(moment: datetime, zone: str) -> datetime:
    """The moment as a naive datetime in a time zone.

    `zone` is the zone's name; "" means UTC. It has no tzinfo, because a template would convert an aware datetime to
    the server's time zone.
    """
    return moment.astimezone(ZoneInfo(zone) if zone else UTC).replace(tzinfo=None)
