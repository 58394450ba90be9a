"""Creates a country of real size for benchmarks.

10,101 precincts, 10,000 observers with phones; stored reports are added by COPY.
"""

import hashlib
import json
import random
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection

from observer import crypto
from observer.models import Assignment, Commission, Device, Election, Level, Observer, Organisation
from reports.models import Due, Report
from reports.services.checklists.answer_reading import find_raised_violations
from reports.services.checklists.compiled import Form, find_form
from reports.services.elections.packs import create_election

NOON = datetime(2022, 11, 20, 6, tzinfo=UTC)
REGIONS, DISTRICTS, PRECINCTS, OBSERVERS = 20, 11, 10_101, 10_000


@dataclass
class Country:
    election: Election
    stations: list[str]  # codes
    tokens: list[str]


def create_country() -> Country:
    election = create_election(
        slug="bench",
        name="Benchmark",
        date=date(2022, 11, 20),
        pack_dir=settings.PACKS_DIR / "kz",
        publication="live",
        now=NOON,
    )
    levels = list(Level.objects.filter(election=election).order_by("order"))
    rows: dict[str, Commission] = {}

    def add_commission(code: str, parent: str | None, depth: int) -> None:
        above = rows[parent] if parent else None
        rows[code] = Commission(
            election=election,
            level=levels[depth],
            code=code,
            depth=depth,
            parent=above,
            path=(above.path if above else "") + code + "/",
            names={"en": code},
            lat=48.0,
            lon=67.0,
        )

    add_commission("KZ", None, 0)
    for region in range(REGIONS):
        add_commission(f"KZ-{region:02}", "KZ", 1)
        for district in range(DISTRICTS):
            add_commission(f"KZ-{region:02}-{district:02}", f"KZ-{region:02}", 2)
    for number in range(PRECINCTS):
        region, district = number % REGIONS, number // REGIONS % DISTRICTS
        add_commission(f"KZ-{region:02}-{district:02}-{number:05}", f"KZ-{region:02}-{district:02}", 3)
    for depth in range(4):
        Commission.objects.bulk_create([row for row in rows.values() if row.depth == depth], batch_size=2000)
    stations = [code for code, row in rows.items() if row.depth == 3]
    return Country(election, stations, _create_observers(election, [rows[code] for code in stations]))


def _create_observers(election: Election, stations: list[Commission]) -> list[str]:
    organisation = Organisation.objects.create(code="bench", names={"en": "Benchmark"})
    observers = Observer.objects.bulk_create(
        [Observer(code=f"BN-{number:05}", organisation=organisation) for number in range(OBSERVERS)], batch_size=2000
    )
    tokens = [secrets.token_urlsafe(32) for _ in observers]
    Device.objects.bulk_create(
        [
            Device(
                observer=observer,
                election=election,
                created_at=NOON,
                last_used_at=datetime.now(UTC),
                token_hash=hashlib.sha256(token.encode()).hexdigest(),
            )
            for observer, token in zip(observers, tokens, strict=True)
        ],
        batch_size=2000,
    )
    assignments = Assignment.objects.bulk_create(
        [Assignment(election=election, commission=stations[n % len(stations)]) for n in range(OBSERVERS)],
        batch_size=2000,
    )
    Assignment.observers.through.objects.bulk_create(
        [
            Assignment.observers.through(assignment_id=assignment.pk, observer_id=observer.pk)
            for assignment, observer in zip(assignments, observers, strict=True)
        ],
        batch_size=2000,
    )
    return tokens


def make_answers(form: Form, rnd: random.Random) -> dict[str, object]:
    """Returns plausible answers: most without a finding, some with one."""
    answers: dict[str, object] = {}
    for field in form.fields.values():
        if field.type == "yes_no":
            good = "no" if "yes" in field.findings else "yes"
            bad = "yes" if good == "no" else "no"
            answers[field.code] = rnd.choices([good, bad, "not_observed"], [90, 5, 5])[0]
        elif field.type == "rating":
            answers[field.code] = rnd.choices(field.choices, [40, 50, 7, 3])[0]
        elif field.type == "choice":
            answers[field.code] = rnd.choice(field.choices)
    return answers


def copy_reports(country: Country, count: int) -> None:
    """Adds `count` stored reports with their violations by COPY.

    The rows are as the intake would have written them.
    """
    rnd = random.Random(count)
    forms = [find_form(country.election.pk, code, 1) for code in ("opening", "voting", "voting", "counting")]
    variants = [(form, make_answers(form, rnd)) for form in forms if form for _ in range(500)]
    ready = [(form, json.dumps(answers), tuple(find_raised_violations(form, answers))) for form, answers in variants]
    stations = list(Commission.objects.filter(election=country.election, depth=3).values_list("pk", flat=True))
    devices = list(Device.objects.filter(election=country.election).values_list("pk", "observer_id"))
    body = crypto.encrypt_body(json.dumps(ready[0][1]).encode() * 2)
    first = (Report.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0) + 1
    with connection.cursor() as cursor:
        columns = (
            "sequence, uuid, commission_id, version_id, slot, observer_id, device_id, channel, source, observed_at, received_at, "
            "answers, comment, outside, content_sha256, canonical_version, body, flags, rehearsal, state, state_reason, "
            "quarantined, superseded, changed_at"
        )
        with cursor.copy(f"COPY reports_report ({columns}) FROM STDIN") as copy:
            for number in range(count):
                form, answers, _codes = ready[rnd.randrange(len(ready))]
                device, observer = devices[number % len(devices)]
                now = NOON + timedelta(seconds=number % 40_000)
                copy.write_row(
                    (
                        first + number,
                        _make_uuid(rnd),
                        stations[number % len(stations)],
                        form.version_id,
                        "",
                        observer,
                        device,
                        "rest",
                        "observer",
                        now,
                        now,
                        answers,
                        "",
                        False,
                        "0" * 64,
                        1,
                        body,
                        "[]",
                        False,
                        "received",
                        "",
                        False,
                        False,
                        now,
                    )
                )
        rnd = random.Random(count)
        with cursor.copy("COPY reports_violation (report_id, code, state, note) FROM STDIN") as copy:
            for number in range(count):
                _form, _said, codes = ready[rnd.randrange(len(ready))]
                _make_uuid(rnd)
                for code in codes:
                    copy.write_row((first + number, code, "reported", ""))
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('reports_report', 'sequence'), (SELECT max(sequence) FROM reports_report))"
        )
        cursor.execute("VACUUM ANALYZE reports_report, reports_violation, observer_commission, observer_assignment")


def mark_all_due() -> None:
    Due.objects.bulk_create(
        [Due(commission_id=key, created_at=NOON) for key in Commission.objects.values_list("pk", flat=True)],
        batch_size=5000,
    )


def _make_uuid(rnd: random.Random) -> UUID:
    return UUID(int=rnd.getrandbits(128), version=4)


def make_report(country: Country, number: int, form: Form, answers: dict[str, object]) -> dict[str, object]:
    """Returns the JSON of one report, from an observer about that observer's station."""
    return {
        "id": str(uuid4()),
        "checklist": {"code": form.code, "version": form.number},
        "commission": country.stations[number % OBSERVERS % len(country.stations)],
        "observed_at": "2022-11-20T12:00:00+06:00",
        "answers": answers,
    }
