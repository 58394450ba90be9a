"""Computes when a legal deadline ends. Uses no database.

The day on which the deadline starts to run is not counted; a deadline of no days ends on that same day. It ends
at the closing hour of the forum (commission, court, prosecutor, police) where the pack gives one, otherwise at the
end of the day, in the time zone of the commission.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from observer.models import Election

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Deadline:
    """One legal deadline, as the country's pack declares it.

    `days` are working days where `in_working_days`, else calendar days. `closing_time` is the hour (HH:MM) at
    which the forum closes, or "". `names`, `forum`, `who_may_file`, `starts` and `if_near` are texts by language.
    """

    code: str
    days: int
    in_working_days: bool
    closing_time: str = ""
    article: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    forum: Mapping[str, str] = field(default_factory=dict)
    who_may_file: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    if_near: Mapping[str, str] = field(default_factory=dict)


def get_deadlines(election: Election) -> dict[str, Deadline]:
    """Returns the deadlines of the election's pack by code, in the pack's order."""
    return {row["code"]: _parse_deadline(row) for row in election.rules.get("deadlines") or []}


def compute_due_at(*, deadline: Deadline, starts_at: datetime, zone: str, holidays: Collection[str] = ()) -> datetime:
    """Computes by when (UTC) it must be done. `holidays` are ISO dates that are no working days."""
    starts_locally = starts_at.astimezone(ZoneInfo(zone))
    day, days_left = starts_locally.date(), deadline.days
    while days_left:
        day += timedelta(days=1)
        if not deadline.in_working_days or _is_working_day(day, holidays):
            days_left -= 1
    if deadline.closing_time:
        return _to_utc(day, time.fromisoformat(deadline.closing_time), zone)
    return _to_utc(day + timedelta(days=1), time(), zone)


def is_near_election_day(*, deadline: Deadline, starts_at: datetime, election_day: date, zone: str) -> bool:
    """Says whether a shorter deadline applies: it starts on election day or the day before."""
    day = starts_at.astimezone(ZoneInfo(zone)).date()
    return bool(any(deadline.if_near.values()) and election_day - timedelta(days=1) <= day <= election_day)


def get_holidays(election: Election) -> Sequence[str]:
    """Returns the public holidays of the election's pack as ISO dates."""
    holidays = election.rules.get("holidays") or []
    return [str(one) for one in holidays]


def _is_working_day(day: date, holidays: Collection[str]) -> bool:
    return day.weekday() < SATURDAY and day.isoformat() not in holidays


def _to_utc(day: date, hour: time, zone: str) -> datetime:
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)


def _parse_deadline(row: Mapping[str, Any]) -> Deadline:
    texts = {name: row.get(name) or {} for name in ("forum", "who_may_file", "starts", "if_near")}
    return Deadline(
        code=row["code"],
        days=row["days"],
        in_working_days=row.get("kind_of_days") == "working",
        closing_time=row.get("closing_time") or "",
        article=row.get("article") or "",
        names=row.get("name") or {},
        **texts,
    )
