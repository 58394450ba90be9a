"""The day: about four thousand reports, from a rehearsal the day before to phones that came back late."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from observer.models import Assignment, Commission, Election, Observer
from reports.management.demo.answers import answers_draw
from reports.management.demo.chance import chance, named
from reports.management.demo.people import People, Team
from reports.services.checklists.compiled import Form
from reports.services.intake.intake import accept_many
from reports.services.intake.submission import Announcement, Outcome, Place, Sender, Submission

BATCH = 200
MINUTE = timedelta(minutes=1)
STATIONARY_HOURS = (8, 9, 11, 12, 14, 15, 17, 18, 19)
MOBILE_VISITS = 16


@dataclass(frozen=True)
class Told:
    """One report as it will be sent: content, and when the platform gets it."""

    uuid: UUID
    checklist: str
    commission: Commission
    observer: Observer
    observed_at: datetime
    received_at: datetime
    answers: dict[str, Any]
    comment: str = ""
    place: Place | None = None
    outside: bool = False
    rehearsal: bool = False
    supersedes: UUID | None = None
    files: tuple[Announcement, ...] = field(default=())


class Day:
    """Draws the reports of one day; each team's in the order of its hours."""

    def __init__(self, election: Election, people: People, forms: dict[str, Form]) -> None:
        self.election, self.people, self.forms = election, people, forms
        self.numbers = count(1)

    def told(self) -> list[Told]:
        """All reports, in the order in which they arrive."""
        reports = [report for number, team in enumerate(self.people.teams) for report in self._team(number, team)]
        reports += list(self._corrections(reports))
        return sorted(reports, key=lambda one: (one.received_at, one.uuid))

    def _team(self, number: int, team: Team) -> Iterator[Told]:
        luck = chance("team", number)
        stations = luck.sample(team.stations, min(len(team.stations), MOBILE_VISITS))
        if number % 4 == 0:
            yield self._one("voting", stations[0], team, luck, hour=9, day=-1, rehearsal=True)
        yield self._one("opening", stations[0], team, luck, hour=7)
        for hour, station in self._visits(team, stations):
            if luck.random() < 0.97:
                yield self._one("voting", station, team, luck, hour=hour)
        if luck.random() < 0.9:
            yield self._one("counting", stations[-1], team, luck, hour=21)
        district = stations[-1].parent
        if team.role == Assignment.Role.MOBILE and district is not None and luck.random() < 0.55:
            yield self._one("tabulation", district, team, luck, hour=24)
        for _ in range(luck.choices((0, 1, 2, 3), (20, 40, 25, 15))[0]):
            yield self._one(
                "incident", luck.choice(stations), team, luck, hour=luck.choice((8, 10, 12, 16, 19, 21, 22))
            )
        if number % 24 == 7:
            # A clock that is two days ahead, on a phone that was offline until the day after.
            yield self._one("voting", stations[0], team, luck, hour=10, day=2, late=timedelta(hours=6))

    def _visits(self, team: Team, stations: Sequence[Commission]) -> Iterator[tuple[float, Commission]]:
        if team.role == Assignment.Role.STATIONARY:
            yield from ((hour, stations[0]) for hour in STATIONARY_HOURS)
            return
        for visit in range(MOBILE_VISITS):
            yield 8 + visit * 11.5 / MOBILE_VISITS, stations[visit % len(stations)]

    def _one(
        self,
        checklist: str,
        place: Commission,
        team: Team,
        luck: Random,
        *,
        hour: float,
        day: int = 0,
        late: timedelta | None = None,
        rehearsal: bool = False,
    ) -> Told:
        observer = team.observers[luck.randrange(len(team.observers))]
        zone = ZoneInfo(place.timezone or self.election.timezone)
        midnight = datetime.combine(self.election.date, datetime.min.time(), zone) + timedelta(days=day)
        observed = (midnight + hour * 60 * MINUTE + luck.uniform(0, 35) * MINUTE).replace(microsecond=0)
        # Most are sent at once; some wait for a network, a few until the next day.
        waited = late or timedelta(minutes=luck.choices((1, 12, 90, 700), (80, 12, 6, 2))[0] * luck.uniform(0.5, 1.5))
        return Told(
            uuid=named("report", next(self.numbers)),
            checklist=checklist,
            commission=place,
            observer=observer,
            observed_at=observed,
            received_at=observed + waited,
            rehearsal=rehearsal,
            answers=answers_draw(self.forms[checklist], place.code, observer.language, luck),
            comment=COMMENTS[observer.language] if luck.random() < 0.06 else "",
            place=self._place(place, luck),
            outside=checklist == "voting" and luck.random() < 0.02,
        )

    def _place(self, commission: Commission, luck: Random) -> Place | None:
        if commission.lat is None or commission.lon is None or luck.random() < 0.35:
            return None
        away = 0.05 if luck.random() < 0.015 else 0.001  # degrees: one in seventy is kilometres off
        lat, lon = luck.uniform(-away, away), luck.uniform(-away, away)
        return Place(round(commission.lat + lat, 5), round(commission.lon + lon, 5), round(luck.uniform(5, 60), 1))

    def _corrections(self, reports: Sequence[Told]) -> Iterator[Told]:
        """Some look again at what they sent, and correct one answer; one names a report nobody has."""
        luck = chance("corrections")
        voting = [one for one in reports if one.checklist == "voting" and not one.rehearsal]
        for number, wrong in enumerate(luck.sample(voting, 45)):
            answers = dict(wrong.answers) | {"V17": "yes" if wrong.answers.get("V17") != "yes" else "no"}
            yield replace(
                wrong,
                uuid=named("correction", number),
                answers=answers,
                supersedes=named("lost") if number == 44 else wrong.uuid,
                observed_at=wrong.observed_at + 3 * MINUTE,
                received_at=wrong.received_at + 9 * MINUTE,
            )


COMMENTS = {
    "kk": "Көрсетілім үшін жазылған түсініктеме.",
    "ru": "Замечание для демонстрации.",
    "en": "A remark for the demonstration.",
}


def day_send(*, election: Election, people: People, reports: Sequence[Told]) -> list[Outcome]:
    """Hands the reports to the door as they would come, in batches of a few minutes each."""
    outcomes: list[Outcome] = []
    for start in range(0, len(reports), BATCH):
        part = reports[start : start + BATCH]
        now = part[-1].received_at
        outcomes += accept_many([_submission(election, people, one, now) for one in part], now=now)
    return outcomes


def _submission(election: Election, people: People, told: Told, now: datetime) -> Submission:
    sent_at = now - timedelta(hours=2) if told.uuid.int % 97 == 0 else now - timedelta(seconds=told.uuid.int % 40)
    return Submission(
        sender=Sender(election=election, observer=told.observer, device=people.devices[told.observer.pk]),
        body=json.dumps(_body(told, sent_at), ensure_ascii=False).encode(),
        uuid=told.uuid,
        checklist=told.checklist,
        version=1,
        commission=told.commission.code,
        observed_at=told.observed_at,
        sent_at=sent_at,
        answers=told.answers,
        comment=told.comment,
        place=told.place,
        outside=told.outside,
        rehearsal=told.rehearsal,
        supersedes=told.supersedes,
        evidence=told.files,
    )


def _body(told: Told, sent_at: datetime) -> dict[str, Any]:
    """What a phone would have sent."""
    place = told.place
    return {
        "id": str(told.uuid),
        "checklist": {"code": told.checklist, "version": 1},
        "commission": told.commission.code,
        "contest": None,
        "slot": None,
        "observed_at": told.observed_at.isoformat(),
        "sent_at": sent_at.isoformat(),
        "answers": told.answers,
        "comment": told.comment or None,
        "outside": told.outside,
        "rehearsal": told.rehearsal,
        "location": {"lat": place.lat, "lon": place.lon, "accuracy": place.accuracy} if place else None,
        "supersedes": str(told.supersedes) if told.supersedes else None,
        "evidence": [
            {
                "id": str(one.uuid),
                "sha256": one.sha256,
                "size": one.size,
                "type": one.type,
                "question": one.question or None,
                "publishable": one.publishable,
                "source": one.source,
            }
            for one in told.files
        ],
    }
