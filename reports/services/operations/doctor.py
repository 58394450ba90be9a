"""What `doctor` looks at: everything that stands between this deployment and a quiet election day.

Each check gives findings: `error` is what loses reports or people's names, `warning` what an operator
should know. A check that cannot be made is itself an error.
"""

import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from celery import current_app
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Max, Min

from observer import crypto
from observer.models import Commission, Election, Observer, User
from reports.models import ChecklistVersion, Evidence, Report
from reports.services.operations.health import data_writable, due_oldest, migrations_missing
from reports.services.storage.disk import disk_free

LATE = 30.0  # seconds
CLOCK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    level: str  # error or warning
    text: str


Check = Callable[[datetime], Iterator[Finding]]


def error(text: str) -> Finding:
    return Finding("error", text)


def warning(text: str) -> Finding:
    return Finding("warning", text)


def examine(*, now: datetime) -> Iterator[tuple[str, list[Finding]]]:
    """Name and findings of each check, in order. Later ones are left out where the database is not usable."""
    for name, check in CHECKS:
        findings = _made(check, now)
        yield name, findings
        if name in ("database", "migrations") and any(finding.level == "error" for finding in findings):
            return


def examined(*, now: datetime, names: Collection[str]) -> dict[str, list[Finding]]:
    """Only these checks; one that cannot be made is itself an error, as in `examine`."""
    return {name: _made(check, now) for name, check in CHECKS if name in names}


def _made(check: Check, now: datetime) -> list[Finding]:
    try:
        return list(check(now))
    except Exception as problem:
        return [error(f"could not be checked: {type(problem).__name__}: {problem}".strip())]


def _database(now: datetime) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            if cursor.fetchone()[0] < 2:
                yield error("SQLite does not sync every commit: a receipt would not survive a power cut")
            return
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            if (value := cursor.fetchone()[0]) != "on":
                yield error(f"PostgreSQL has {name}={value}: a receipt would not survive a power cut")
        cursor.execute("SHOW server_encoding")
        if cursor.fetchone()[0] != "UTF8":
            yield error("the database is not UTF-8")


def _migrations(now: datetime) -> Iterator[Finding]:
    if missing := migrations_missing():
        yield error(f"not applied: {', '.join(missing[:5])}; run `manage.py migrate`")


def _keys(now: datetime) -> Iterator[Finding]:
    for key in settings.FIELD_KEYS:
        Fernet(key)
    try:
        Observer.objects.order_by("-pk").first()
        if token := Report.objects.order_by("-pk").values_list("body", flat=True).first():
            crypto.decrypt_body(bytes(token))
    except crypto.Unreadable:
        yield error("FIELD_KEYS do not open what is stored: these are other keys than it was written with")
        return
    known = Observer.objects.exclude(phone_lookup="").order_by("-pk").first()
    if known and known.phone_lookup != crypto.lookup("phone", known.phone):
        yield error("LOOKUP_KEY is another than observers were indexed with; run `manage.py rotate_keys`")
    folder = Path(settings.KEYS_DIR)
    if folder.is_relative_to(settings.DATA_DIR):
        yield error("KEYS_DIR lies in DATA_DIR: whoever takes the data takes the keys")
    for path in [folder, *folder.glob("*")] if settings.EMBEDDED and folder.is_dir() else []:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield error(f"{path} is open to other users of this machine: chmod go= it")
    if len(settings.FIELD_KEYS) > 1:
        yield warning("FIELD_KEYS holds older keys too: after `manage.py rotate_keys` they may go")


def _disk(now: datetime) -> Iterator[Finding]:
    if not data_writable():
        yield error(f"{settings.DATA_DIR} cannot be written to")
    elif Path(settings.DATA_DIR).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        # Not tightened by itself: it may be a folder that others were meant to reach.
        yield warning(f"{settings.DATA_DIR} is open to other users of this machine: chmod go= it")
    free = disk_free()
    if free < settings.DISK_FREE_MIN_REPORTS:
        yield error(f"{free / 1e9:.1f} GB free: reports are refused")
    elif free < settings.DISK_FREE_MIN_EVIDENCE:
        yield error(f"{free / 1e9:.1f} GB free: photos are refused, reports are still taken")
    elif free < 5 * settings.DISK_FREE_MIN_EVIDENCE:
        yield warning(f"{free / 1e9:.1f} GB free; docs/operations.md says how much a day takes")


def _queue(now: datetime) -> Iterator[Finding]:
    if settings.EMBEDDED:
        return
    key = "doctor"
    cache.set(key, now.isoformat(), 10)
    if cache.get(key) != now.isoformat():
        yield error("Redis does not answer: no throttling, and figures come by the sweep only")
        return
    if not current_app.control.ping(timeout=2):
        yield error("no worker answers: reports are taken, figures and photos wait")


def _figures(now: datetime) -> Iterator[Finding]:
    if (waits := due_oldest(now=now)) > LATE:
        yield error(f"figures have been waiting for {waits:.0f} s: is the worker alive?")
    stuck = Evidence.objects.filter(state=Evidence.State.STORED, processed_at=None)
    oldest = stuck.aggregate(oldest=Min("stored_at"))["oldest"]
    if oldest and (now - oldest).total_seconds() > 10 * LATE:
        yield warning(
            f"{stuck.count()} stored files are not looked at yet, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
        )


def _clock(now: datetime) -> Iterator[Finding]:
    newest = Report.objects.aggregate(newest=Max("received_at"))["newest"]
    if newest and newest > now + CLOCK:
        yield error(f"the clock is behind the newest report ({newest:%Y-%m-%d %H:%M:%S} UTC): receipts would lie")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp() - %s", [now])
            (apart,) = cursor.fetchone()
        if not -CLOCK <= apart <= CLOCK + timedelta(seconds=30):  # `now` was taken when the examination began
            yield error(f"this clock and the database's are {abs(apart.total_seconds()):.0f} s apart")


def _web(now: datetime) -> Iterator[Finding]:
    if settings.EMBEDDED:
        return
    if not settings.SECURE_SSL_REDIRECT:
        yield warning("SSL_REDIRECT is off: names and tokens may travel in the clear")
    if not settings.TRUSTED_PROXIES:
        yield warning("TRUSTED_PROXIES is empty: behind a proxy, every phone seems to have one address")
    if not settings.STATIC_COLLECTED:
        yield warning(
            "static files are not collected: run `COLLECT_STATIC=yes manage.py collectstatic`, as the image does"
        )
    if all(host in ("localhost", "127.0.0.1", "[::1]") for host in settings.ALLOWED_HOSTS):
        yield warning("ALLOWED_HOSTS names this machine only")


def _people(now: datetime) -> Iterator[Finding]:
    if not User.objects.filter(is_active=True, is_superuser=True).exists():
        yield warning("nobody can administer; run `manage.py createsuperuser`")


def _elections(now: datetime) -> Iterator[Finding]:
    if not Election.objects.exists():
        yield warning("there is no election; `manage.py create_election` makes one")
    for election in Election.objects.exclude(state=Election.State.CLOSED):
        stations = Commission.objects.filter(election=election)
        if not ChecklistVersion.objects.filter(checklist__election=election, published_at__isnull=False).exists():
            yield error(f"{election.slug}: no checklist is published, so no report can be taken")
        if not stations.exists():
            yield error(f"{election.slug}: it has no commissions")
        elif not stations.precincts().exists():
            yield warning(f"{election.slug}: none of its commissions is a precinct")
        if not election.assignments.exists():
            yield warning(f"{election.slug}: no observer has a station")
        if not election.relay_key:
            yield warning(f"{election.slug}: phones cannot save sealed files; `manage.py relay --keys` makes a key")
        if not election.emergency_contact:
            yield warning(f"{election.slug}: observers have no emergency contact")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("database", _database),
    ("migrations", _migrations),
    ("keys", _keys),
    ("disk", _disk),
    ("queue", _queue),
    ("figures", _figures),
    ("clock", _clock),
    ("web", _web),
    ("people", _people),
    ("elections", _elections),
)
