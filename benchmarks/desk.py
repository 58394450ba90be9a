"""How long what the desk needs on the day takes at the server: `python -m benchmarks --only desk`.

Beside the stored reports there are some thousand incidents nobody has decided. Each line: queries,
the fastest and the median of some runs with nothing kept.
"""

import json
import statistics
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from uuid import UUID, uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.country import NOON, Country
from observer.models import Assignment, Commission, Grant, User
from observer.services.accounts.access import Scope
from reports.models import Report, ViolationType
from reports.services.intake.intake import accept_many
from reports.services.intake.submission import Sender, Submission
from reports.services.schedule.board import board_of
from reports.services.schedule.expectations import expectations

INCIDENTS, RUNS = 5_000, 7
EVENING = NOON + timedelta(hours=10)


def desk_times(place: Country, say: Callable[[str, str], None]) -> None:
    incidents_send(place)
    checks_make(place)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for name, call in _calls(place).items():
        _run(name, call, say)


def incidents_send(place: Country) -> None:
    """Through the door, each by the observer who is there."""
    codes = list(ViolationType.objects.filter(election=place.election).values_list("code", flat=True))
    have = Report.objects.filter(version__checklist__code="incident").count()
    rows = Assignment.objects.filter(election=place.election).prefetch_related("observers").select_related("commission")
    said: list[Submission] = []
    for number, one in enumerate(rows.order_by("pk")[: INCIDENTS - have]):
        answers, uuid = {"I01": codes[number % len(codes)]}, uuid4()
        sender = Sender(election=place.election, observer=one.observers.all()[0], device=None)
        said.append(_incident(sender, uuid, one.commission.code, answers))
    for start in range(0, len(said), 200):
        accept_many(said[start : start + 200], now=NOON)


def checks_make(place: Country) -> None:
    """Of the reports that did not come by the door, one in seven waits to be looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_check (report_id, election_id, why) SELECT r.sequence, %s, 1 + r.sequence %% 2 "
            "FROM reports_report r WHERE r.sequence %% 7 = 0 ON CONFLICT DO NOTHING",
            [place.election.pk],
        )


def _incident(sender: Sender, uuid: UUID, station: str, answers: dict[str, str]) -> Submission:
    return Submission(
        sender=sender,
        body=json.dumps(answers).encode(),
        uuid=uuid,
        checklist="incident",
        version=1,
        commission=station,
        observed_at=NOON,
        answers=answers,
    )


def _calls(place: Country) -> dict[str, Callable[[], object]]:
    election = place.election
    root, region, district = (
        Commission.objects.get(election=election, code=code) for code in ("KZ", "KZ-00", "KZ-00-00")
    )
    rows = Assignment.objects.filter(election=election, commission__path__startswith=district.path)
    rows = rows.select_related("commission__level").prefetch_related("observers")
    national, local = _coordinator("national", root), _coordinator("territorial", district)
    station = Commission.objects.filter(path__startswith=district.path, level__kind="precinct").order_by("path")[0]
    observer = station.assignments.all()[0].observers.all()[0]

    def page(client: Client, name: str, *args: object, **asked: str) -> Callable[[], object]:
        return lambda: _answered(client.get(reverse(f"desk:{name}", args=[election.slug, *args]), asked))

    return {
        "board of the country": lambda: board_of(election=election, scope=Scope(root), now=EVENING),
        "board of a region": lambda: board_of(election=election, scope=Scope(region), now=EVENING),
        "board of a district": lambda: board_of(election=election, scope=Scope(district), now=EVENING),
        "what a district owes": lambda: expectations(election=election, assignments=list(rows)),
        "page: board of the country": page(national, "board"),
        "page: board with districts": page(national, "board", districts="1"),
        "page: silent in the country": page(national, "stations", show="silent"),
        "page: stations of the country": page(national, "stations"),
        "page: stations of a district": page(local, "stations"),
        "page: a station": page(local, "station", station.pk),
        "page: dictation": page(local, "dictate", station.pk, observer.pk, checklist="voting"),
        "page: to call again": page(national, "calls"),
        "page: rehearsal on the day": page(national, "rehearsals"),
        "page: messages": page(national, "messages"),
        "page: to be verified": page(national, "checks"),
        "page: to be verified in a district": page(local, "checks"),
        "the next to verify": lambda: national.post(reverse("desk:checks", args=[election.slug]), {"do": "next"}),
        "page: a report": page(national, "report", Report.objects.filter(commission=station).order_by("pk")[0].pk),
        "page: cases": page(national, "cases"),
        "page: an observer's reports aside": page(national, "quarantine", observer.pk),
    }


def _coordinator(role: str, place: Commission) -> Client:
    user, _new = User.objects.get_or_create(username=f"bench-{role}", defaults={"is_staff": True})
    Grant.objects.get_or_create(user=user, role=role, commission=place)
    settings.TWO_FACTOR = ["none"]  # what is timed comes after the sign-in
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def _answered(answer: HttpResponse) -> HttpResponse:
    if answer.status_code != 200:
        raise RuntimeError(f"answered {answer.status_code}")
    return answer


def _run(name: str, call: Callable[[], object], say: Callable[[str, str], None]) -> None:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        call()
    queries = len(captured)  # now: the next request forgets them
    times = []
    for _ in range(RUNS):
        cache.clear()
        began = perf_counter()
        call()
        times.append(1000 * (perf_counter() - began))
    say(name, f"{queries:3} queries   best {min(times):6.0f} ms   median {statistics.median(times):6.0f} ms")
