"""Reports of the demonstration's election day: about four thousand, some rehearsals, some late."""

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
from reports.management.demo.answers import draw_answers
from reports.management.demo.people import People, Team
from reports.management.demo.seeded_random import make_random, make_uuid
from reports.services.checklists.compiled import Form
from reports.services.intake.intake import accept_submissions
from reports.services.intake.submission import Announcement, Location, Outcome, Sender, Submission

BATCH_REPORTS = 200
MINUTE = timedelta(minutes=1)
STATIONARY_HOURS = (8, 9, 11, 12, 14, 15, 17, 18, 19)
MOBILE_VISITS = 16


@dataclass(frozen=True)
class DemoReport:
    """One report as it will be sent: its content, and when the platform receives it."""

    uuid: UUID
    checklist: str
    commission: Commission
    observer: Observer
    observed_at: datetime
    received_at: datetime
    answers: dict[str, Any]
    comment: str = ""
    location: Location | None = None
    outside: bool = False
    rehearsal: bool = False
    supersedes: UUID | None = None
    files: tuple[Announcement, ...] = field(default=())


class ElectionDay:
    """Draws the reports of one day, team by team in the order of time."""

    def __init__(self, election: Election, people: People, forms: dict[str, Form]) -> None:
        self.election, self.people, self.forms = election, people, forms
        self.numbers = count(1)

    def draw_reports(self) -> list[DemoReport]:
        """Draws all reports, in the order in which they arrive."""
        reports = [
            report for number, team in enumerate(self.people.teams) for report in self._draw_team_reports(number, team)
        ]
        reports += list(self._draw_corrections(reports))
        return sorted(reports, key=lambda one: (one.received_at, one.uuid))

    def _draw_team_reports(self, number: int, team: Team) -> Iterator[DemoReport]:
        rng = make_random("team", number)
        stations = rng.sample(team.stations, min(len(team.stations), MOBILE_VISITS))
        if number % 4 == 0:
            yield self._draw_report("voting", stations[0], team, rng, hour=9, day=-1, rehearsal=True)
        yield self._draw_report("opening", stations[0], team, rng, hour=7)
        for hour, station in self._list_visits(team, stations):
            if rng.random() < 0.97:
                yield self._draw_report("voting", station, team, rng, hour=hour)
        if rng.random() < 0.9:
            yield self._draw_report("counting", stations[-1], team, rng, hour=21)
        district = stations[-1].parent
        if team.role == Assignment.Role.MOBILE and district is not None and rng.random() < 0.55:
            yield self._draw_report("tabulation", district, team, rng, hour=24)
        for _ in range(rng.choices((0, 1, 2, 3), (20, 40, 25, 15))[0]):
            yield self._draw_report(
                "incident", rng.choice(stations), team, rng, hour=rng.choice((8, 10, 12, 16, 19, 21, 22))
            )
        if number % 24 == 7:
            # A phone whose clock is two days ahead, and that was offline until the next day.
            yield self._draw_report("voting", stations[0], team, rng, hour=10, day=2, late=timedelta(hours=6))

    def _list_visits(self, team: Team, stations: Sequence[Commission]) -> Iterator[tuple[float, Commission]]:
        if team.role == Assignment.Role.STATIONARY:
            yield from ((hour, stations[0]) for hour in STATIONARY_HOURS)
            return
        for visit in range(MOBILE_VISITS):
            yield 8 + visit * 11.5 / MOBILE_VISITS, stations[visit % len(stations)]

    def _draw_report(
        self,
        checklist: str,
        place: Commission,
        team: Team,
        rng: Random,
        *,
        hour: float,
        day: int = 0,
        late: timedelta | None = None,
        rehearsal: bool = False,
    ) -> DemoReport:
        observer = team.observers[rng.randrange(len(team.observers))]
        zone = ZoneInfo(place.timezone or self.election.timezone)
        midnight = datetime.combine(self.election.date, datetime.min.time(), zone) + timedelta(days=day)
        observed = (midnight + hour * 60 * MINUTE + rng.uniform(0, 35) * MINUTE).replace(microsecond=0)
        # Most reports are sent at once; some wait for a network, a few until the next day.
        waited = late or timedelta(minutes=rng.choices((1, 12, 90, 700), (80, 12, 6, 2))[0] * rng.uniform(0.5, 1.5))
        return DemoReport(
            uuid=make_uuid("report", next(self.numbers)),
            checklist=checklist,
            commission=place,
            observer=observer,
            observed_at=observed,
            received_at=observed + waited,
            rehearsal=rehearsal,
            answers=draw_answers(self.forms[checklist], place.code, observer.language, rng),
            comment=COMMENTS[observer.language] if rng.random() < 0.06 else "",
            location=self._draw_location(place, rng),
            outside=checklist == "voting" and rng.random() < 0.02,
        )

    def _draw_location(self, commission: Commission, rng: Random) -> Location | None:
        if commission.lat is None or commission.lon is None or rng.random() < 0.35:
            return None
        max_degrees = 0.05 if rng.random() < 0.015 else 0.001  # degrees: one in seventy is kilometres off
        lat, lon = rng.uniform(-max_degrees, max_degrees), rng.uniform(-max_degrees, max_degrees)
        return Location(round(commission.lat + lat, 5), round(commission.lon + lon, 5), round(rng.uniform(5, 60), 1))

    def _draw_corrections(self, reports: Sequence[DemoReport]) -> Iterator[DemoReport]:
        """Draws reports that correct one answer of an earlier one; one corrects a report that does not exist."""
        rng = make_random("corrections")
        voting = [one for one in reports if one.checklist == "voting" and not one.rehearsal]
        for number, original in enumerate(rng.sample(voting, 45)):
            answers = dict(original.answers) | {"V17": "yes" if original.answers.get("V17") != "yes" else "no"}
            yield replace(
                original,
                uuid=make_uuid("correction", number),
                answers=answers,
                supersedes=make_uuid("lost") if number == 44 else original.uuid,
                observed_at=original.observed_at + 3 * MINUTE,
                received_at=original.received_at + 9 * MINUTE,
            )


COMMENTS = {
    "kk": "Көрсетілім үшін жазылған түсініктеме.",
    "ru": "Замечание для демонстрации.",
    "en": "A remark for the demonstration.",
}


def send_reports(*, election: Election, people: People, reports: Sequence[DemoReport]) -> list[Outcome]:
    """Submits the reports to intake in the order of arrival, in batches of a few minutes each."""
    outcomes: list[Outcome] = []
    for start in range(0, len(reports), BATCH_REPORTS):
        batch = reports[start : start + BATCH_REPORTS]
        now = batch[-1].received_at
        outcomes += accept_submissions([_make_submission(election, people, one, now) for one in batch], now=now)
    return outcomes


def _make_submission(election: Election, people: People, report: DemoReport, now: datetime) -> Submission:
    sent_at = now - timedelta(hours=2) if report.uuid.int % 97 == 0 else now - timedelta(seconds=report.uuid.int % 40)
    return Submission(
        sender=Sender(election=election, observer=report.observer, device=people.devices[report.observer.pk]),
        body=json.dumps(_make_body(report, sent_at), ensure_ascii=False).encode(),
        uuid=report.uuid,
        checklist=report.checklist,
        version=1,
        commission=report.commission.code,
        observed_at=report.observed_at,
        sent_at=sent_at,
        answers=report.answers,
        comment=report.comment,
        location=report.location,
        outside=report.outside,
        rehearsal=report.rehearsal,
        supersedes=report.supersedes,
        evidence=report.files,
    )


def _make_body(report: DemoReport, sent_at: datetime) -> dict[str, Any]:
    """Makes the body that a phone would have sent."""
    location = report.location
    return {
        "id": str(report.uuid),
        "checklist": {"code": report.checklist, "version": 1},
        "commission": report.commission.code,
        "contest": None,
        "slot": None,
        "observed_at": report.observed_at.isoformat(),
        "sent_at": sent_at.isoformat(),
        "answers": report.answers,
        "comment": report.comment or None,
        "outside": report.outside,
        "rehearsal": report.rehearsal,
        "location": {"lat": location.lat, "lon": location.lon, "accuracy": location.accuracy} if location else None,
        "supersedes": str(report.supersedes) if report.supersedes else None,
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
            for one in report.files
        ],
    }
