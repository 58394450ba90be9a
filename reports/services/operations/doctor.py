"""Checks of `manage.py doctor`: is this deployment ready for an election day?

Each check yields findings. An `error` may lose reports or expose people's names; a `warning` is something that an
operator should know. A check that fails to run is itself an error.
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
from reports.services.operations.health import get_oldest_due_seconds, is_data_writable, list_missing_migrations
from reports.services.storage.disk import get_free_disk_bytes

MAX_WAIT_SECONDS = 30.0  # seconds
MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that a check found, with a text for the operator."""

    level: str  # error or warning
    text: str


Check = Callable[[datetime], Iterator[Finding]]


def make_error(text: str) -> Finding:
    return Finding("error", text)


def make_warning(text: str) -> Finding:
    return Finding("warning", text)


def run_all_checks(*, now: datetime) -> Iterator[tuple[str, list[Finding]]]:
    """Yields name and findings of each check, in order; stops where the database is not usable."""
    for name, check in CHECKS:
        findings = _run_check(check, now)
        yield name, findings
        if name in ("database", "migrations") and any(finding.level == "error" for finding in findings):
            return


def run_checks(*, now: datetime, names: Collection[str]) -> dict[str, list[Finding]]:
    """Runs only the checks with these names; one that fails to run is itself an error."""
    return {name: _run_check(check, now) for name, check in CHECKS if name in names}


def _run_check(check: Check, now: datetime) -> list[Finding]:
    try:
        return list(check(now))
    except Exception as problem:
        return [make_error(f"could not be checked: {type(problem).__name__}: {problem}".strip())]


def _check_database(now: datetime) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            if cursor.fetchone()[0] < 2:
                yield make_error("SQLite does not sync every commit: a receipt would not survive a power cut")
            return
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            if (value := cursor.fetchone()[0]) != "on":
                yield make_error(f"PostgreSQL has {name}={value}: a receipt would not survive a power cut")
        cursor.execute("SHOW server_encoding")
        if cursor.fetchone()[0] != "UTF8":
            yield make_error("the database is not UTF-8")


def _check_migrations(now: datetime) -> Iterator[Finding]:
    if missing := list_missing_migrations():
        yield make_error(f"not applied: {', '.join(missing[:5])}; run `manage.py migrate`")


def _check_keys(now: datetime) -> Iterator[Finding]:
    for key in settings.FIELD_KEYS:
        Fernet(key)
    try:
        Observer.objects.order_by("-pk").first()
        if token := Report.objects.order_by("-pk").values_list("body", flat=True).first():
            crypto.decrypt_body(bytes(token))
    except crypto.DecryptionError:
        yield make_error("FIELD_KEYS do not open what is stored: these are other keys than it was written with")
        return
    observer = Observer.objects.exclude(phone_lookup="").order_by("-pk").first()
    if observer and observer.phone_lookup != crypto.compute_lookup("phone", observer.phone):
        yield make_error("LOOKUP_KEY is another than observers were indexed with; run `manage.py rotate_keys`")
    folder = Path(settings.KEYS_DIR)
    if folder.is_relative_to(settings.DATA_DIR):
        yield make_error("KEYS_DIR lies in DATA_DIR: whoever takes the data takes the keys")
    for path in [folder, *folder.glob("*")] if settings.EMBEDDED and folder.is_dir() else []:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield make_error(f"{path} is open to other users of this machine: chmod go= it")
    if len(settings.FIELD_KEYS) > 1:
        yield make_warning("FIELD_KEYS holds older keys too: after `manage.py rotate_keys` they may go")


def _check_disk(now: datetime) -> Iterator[Finding]:
    if not is_data_writable():
        yield make_error(f"{settings.DATA_DIR} cannot be written to")
    elif Path(settings.DATA_DIR).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        # Not changed automatically: others may be meant to read this folder.
        yield make_warning(f"{settings.DATA_DIR} is open to other users of this machine: chmod go= it")
    free = get_free_disk_bytes()
    if free < settings.DISK_FREE_MIN_REPORTS:
        yield make_error(f"{free / 1e9:.1f} GB free: reports are refused")
    elif free < settings.DISK_FREE_MIN_EVIDENCE:
        yield make_error(f"{free / 1e9:.1f} GB free: photos are refused, reports are still taken")
    elif free < 5 * settings.DISK_FREE_MIN_EVIDENCE:
        yield make_warning(f"{free / 1e9:.1f} GB free; docs/operations.md says how much a day takes")


def _check_queue(now: datetime) -> Iterator[Finding]:
    if settings.EMBEDDED:
        return
    key = "doctor"
    cache.set(key, now.isoformat(), 10)
    if cache.get(key) != now.isoformat():
        yield make_error("Redis does not answer: no throttling, and figures come by the sweep only")
        return
    if not current_app.control.ping(timeout=2):
        yield make_error("no worker answers: reports are taken, figures and photos wait")


def _check_figures(now: datetime) -> Iterator[Finding]:
    if (waited_seconds := get_oldest_due_seconds(now=now)) > MAX_WAIT_SECONDS:
        yield make_error(f"figures have been waiting for {waited_seconds:.0f} s: is the worker alive?")
    stuck = Evidence.objects.filter(state=Evidence.State.STORED, processed_at=None)
    oldest = stuck.aggregate(oldest=Min("stored_at"))["oldest"]
    if oldest and (now - oldest).total_seconds() > 10 * MAX_WAIT_SECONDS:
        yield make_warning(
            f"{stuck.count()} stored files are not looked at yet, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
        )


def _check_clock(now: datetime) -> Iterator[Finding]:
    newest = Report.objects.aggregate(newest=Max("received_at"))["newest"]
    if newest and newest > now + MAX_CLOCK_DIFFERENCE:
        yield make_error(f"the clock is behind the newest report ({newest:%Y-%m-%d %H:%M:%S} UTC): receipts would lie")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp() - %s", [now])
            (difference,) = cursor.fetchone()
        # `now` was read before the first check, so the database's clock may be later by the duration of the checks.
        if not -MAX_CLOCK_DIFFERENCE <= difference <= MAX_CLOCK_DIFFERENCE + timedelta(seconds=30):
            yield make_error(f"this clock and the database's are {abs(difference.total_seconds()):.0f} s apart")


def _check_web(now: datetime) -> Iterator[Finding]:
    if settings.EMBEDDED:
        return
    if not settings.SECURE_SSL_REDIRECT:
        yield make_warning("SSL_REDIRECT is off: names and tokens may travel in the clear")
    if not settings.TRUSTED_PROXIES:
        yield make_warning("TRUSTED_PROXIES is empty: behind a proxy, every phone seems to have one address")
    if not settings.STATIC_COLLECTED:
        yield make_warning(
            "static files are not collected: run `COLLECT_STATIC=yes manage.py collectstatic`, as the image does"
        )
    if all(host in ("localhost", "127.0.0.1", "[::1]") for host in settings.ALLOWED_HOSTS):
        yield make_warning("ALLOWED_HOSTS names this machine only")


def _check_people(now: datetime) -> Iterator[Finding]:
    if not User.objects.filter(is_active=True, is_superuser=True).exists():
        yield make_warning("nobody can administer; run `manage.py createsuperuser`")


def _check_elections(now: datetime) -> Iterator[Finding]:
    if not Election.objects.exists():
        yield make_warning("there is no election; `manage.py create_election` makes one")
    for election in Election.objects.exclude(state=Election.State.CLOSED):
        stations = Commission.objects.filter(election=election)
        if not ChecklistVersion.objects.filter(checklist__election=election, published_at__isnull=False).exists():
            yield make_error(f"{election.slug}: no checklist is published, so no report can be taken")
        if not stations.exists():
            yield make_error(f"{election.slug}: it has no commissions")
        elif not stations.precincts().exists():
            yield make_warning(f"{election.slug}: none of its commissions is a precinct")
        if not election.assignments.exists():
            yield make_warning(f"{election.slug}: no observer has a station")
        if not election.relay_key:
            yield make_warning(
                f"{election.slug}: phones cannot save sealed files; `manage.py relay --keys` makes a key"
            )
        if not election.emergency_contact:
            yield make_warning(f"{election.slug}: observers have no emergency contact")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("database", _check_database),
    ("migrations", _check_migrations),
    ("keys", _check_keys),
    ("disk", _check_disk),
    ("queue", _check_queue),
    ("figures", _check_figures),
    ("clock", _check_clock),
    ("web", _check_web),
    ("people", _check_people),
    ("elections", _check_elections),
)
