"""Words and times of the pages of the day, in the reader's language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from observer.models import Assignment, Call, Commission
from observer.words import in_language
from reports.models import ViolationType
from reports.services.schedule.expectations import COMPLETE, CONFLICTING, MISSING, PARTIAL, Expectation

SEVERITIES: dict[str, str | Promise] = {
    ViolationType.Severity.CRITICAL: _("critical"),
    ViolationType.Severity.MAJOR: _("major"),
    ViolationType.Severity.MINOR: _("minor"),
}
ROLES: dict[str, str | Promise] = {
    Assignment.Role.STATIONARY: _("all day in one station"),
    Assignment.Role.MOBILE: _("visits several stations"),
    Assignment.Role.LONG_TERM: _("watches a region for weeks"),
}
OUTCOMES: dict[str, str | Promise] = {
    Call.Outcome.REACHED: _("reached"),
    Call.Outcome.NOT_REACHED: _("not reached"),
    Call.Outcome.WRONG: _("wrong number"),
}
STANDINGS: dict[str, str | Promise] = {
    "received": _("received"),
    "read": _("read at the desk"),
    "verified": _("verified"),
    "held": _("held"),
    "rejected": _("rejected"),
    "quarantined": _("quarantined"),
    "superseded": _("superseded"),
}
STATES: dict[str, str | Promise] = {
    PARTIAL: _("incomplete"),
    COMPLETE: _("complete"),
    CONFLICTING: _("contradictory"),
}


def state_words(one: Expectation, now: datetime) -> tuple[str, str | Promise]:
    """How one expected report stands: a class for its shape, and a word."""
    if one.is_late(now):
        return ("late", _("late, incomplete") if one.state == PARTIAL else _("late"))
    if one.state == MISSING:
        return ("due", _("due")) if one.is_due(now) else ("later", _("not due yet"))
    return one.state, STATES[one.state]


def name_of(place: Commission) -> str:
    return in_language(place.names, order=place.election.languages) or place.code


def clock(moment: datetime, zone: str) -> datetime:
    """The moment by the clock of a place; without a zone, for a template would turn it back into the server's."""
    return moment.astimezone(ZoneInfo(zone) if zone else UTC).replace(tzinfo=None)
