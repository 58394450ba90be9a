"""When a legal term ends. Pure.

The day on which a term begins does not count; a term of no days ends on that day. It ends at the forum's
closing hour where one is known, else with the day, in the zone of the place.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from observer.models import Election

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Term:
    """One deadline of a pack."""

    code: str
    days: int
    working: bool
    closing: str = ""
    article: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    forum: Mapping[str, str] = field(default_factory=dict)
    who_may_file: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    if_near: Mapping[str, str] = field(default_factory=dict)


def terms_of(election: Election) -> dict[str, Term]:
    """The deadlines that the pack brought, in its order."""
    return {one["code"]: _term(one) for one in election.rules.get("deadlines") or []}


def term_ends(*, term: Term, starts_at: datetime, zone: str, holidays: Collection[str] = ()) -> datetime:
    """The moment (UTC) by which it must be done. `holidays`: ISO dates on which nobody works."""
    local = starts_at.astimezone(ZoneInfo(zone))
    day, left = local.date(), term.days
    while left:
        day += timedelta(days=1)
        if not term.working or _works(day, holidays):
            left -= 1
    if term.closing:
        return _on(day, time.fromisoformat(term.closing), zone)
    return _on(day + timedelta(days=1), time(), zone)


def is_near(*, term: Term, starts_at: datetime, election_day: date, zone: str) -> bool:
    """Whether the law wants it faster, because it began on election day or the day before."""
    day = starts_at.astimezone(ZoneInfo(zone)).date()
    return bool(any(term.if_near.values()) and election_day - timedelta(days=1) <= day <= election_day)


def holidays_of(election: Election) -> Sequence[str]:
    found = election.rules.get("holidays") or []
    return [str(one) for one in found]


def _works(day: date, holidays: Collection[str]) -> bool:
    return day.weekday() < SATURDAY and day.isoformat() not in holidays


def _on(day: date, hour: time, zone: str) -> datetime:
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)


def _term(one: Mapping[str, Any]) -> Term:
    words = {name: one.get(name) or {} for name in ("forum", "who_may_file", "starts", "if_near")}
    return Term(
        code=one["code"],
        days=one["days"],
        working=one.get("kind_of_days") == "working",
        closing=one.get("closing_time") or "",
        article=one.get("article") or "",
        names=one.get("name") or {},
        **words,
    )
