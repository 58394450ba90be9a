"""Times the desk's pages and queries on the server: `python -m benchmarks --only desk`.

Besides the stored reports there are some thousand incidents that nobody has decided. Each line has the number of
queries, and the fastest and the median of some runs with an empty cache.
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
from observer.services.accounts.access import TerritoryScope
from reports.models import Report, ViolationType
from reports.services.intake.intake import accept_submissions
from reports.services.intake.submission import Sender, Submission
from reports.services.schedule.board import get_board
from reports.services.schedule.expectations import load_expectations

INCIDENTS, RUNS = 5_000, 7
EVENING_TIME = NOON + timedelta(hours=10)


def measure_desk(country: Country, print_line: Callable[[str, str], None]) -> None:
    send_incidents(country)
    create_checks(country)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for name, call in _make_calls(country).items():
        _measure_call(name, call, print_line)


def send_incidents(country: Country) -> None:
    """Sends incidents through the intake, each from the observer assigned to the station."""
    codes = list(ViolationType.objects.filter(election=country.election).values_list("code", flat=True))
    existing = Report.objects.filter(version__checklist__code="incident").count()
    rows = (
        Assignment.objects.filter(election=country.election).prefetch_related("observers").select_related("commission")
    )
    submissions: list[Submission] = []
    for number, one in enumerate(rows.order_by("pk")[: INCIDENTS - existing]):
        answers, uuid = {"I01": codes[number % len(codes)]}, uuid4()
        sender = Sender(election=country.election, observer=one.observers.all()[0], device=None)
        submissions.append(_make_incident(sender, uuid, one.commission.code, answers))
    for start in range(0, len(submissions), 200):
        accept_submissions(submissions[start : start + 200], now=NOON)


def create_checks(country: Country) -> None:
    """Puts one in seven of the copied reports into the review queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_check (report_id, election_id, why) SELECT r.sequence, %s, 1 + r.sequence %% 2 "
            "FROM reports_report r WHERE r.sequence %% 7 = 0 ON CONFLICT DO NOTHING",
            [country.election.pk],
        )


def _make_incident(sender: Sender, uuid: UUID, station: str, answers: dict[str, str]) -> Submission:
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


def _make_calls(country: Country) -> dict[str, Callable[[], object]]:
    election = country.election
    root, region, district = (
        Commission.objects.get(election=election, code=code) for code in ("KZ", "KZ-00", "KZ-00-00")
    )
    rows = Assignment.objects.filter(election=election, commission__path__startswith=district.path)
    rows = rows.select_related("commission__level").prefetch_related("observers")
    national, local = _sign_in_coordinator("national", root), _sign_in_coordinator("territorial", district)
    station = Commission.objects.filter(path__startswith=district.path, level__kind="precinct").order_by("path")[0]
    observer = station.assignments.all()[0].observers.all()[0]

    def page(client: Client, name: str, *args: object, **parameters: str) -> Callable[[], object]:
        return lambda: _require_ok(client.get(reverse(f"desk:{name}", args=[election.slug, *args]), parameters))

    return {
        "board of the country": lambda: get_board(election=election, scope=TerritoryScope(root), now=EVENING_TIME),
        "board of a region": lambda: get_board(election=election, scope=TerritoryScope(region), now=EVENING_TIME),
        "board of a district": lambda: get_board(election=election, scope=TerritoryScope(district), now=EVENING_TIME),
        "what a district owes": lambda: load_expectations(election=election, assignments=list(rows)),
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


def _sign_in_coordinator(role: str, place: Commission) -> Client:
    user, _new = User.objects.get_or_create(username=f"bench-{role}", defaults={"is_staff": True})
    Grant.objects.get_or_create(user=user, role=role, commission=place)
    settings.TWO_FACTOR = ["none"]  # the sign-in is not timed
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def _require_ok(answer: HttpResponse) -> HttpResponse:
    if answer.status_code != 200:
        raise RuntimeError(f"answered {answer.status_code}")
    return answer


def _measure_call(name: str, call: Callable[[], object], print_line: Callable[[str, str], None]) -> None:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        call()
    queries = len(captured)  # read now, because the next request clears them
    times = []
    for _ in range(RUNS):
        cache.clear()
        started = perf_counter()
        call()
        times.append(1000 * (perf_counter() - started))
    print_line(name, f"{queries:3} queries   best {min(times):6.0f} ms   median {statistics.median(times):6.0f} ms")
