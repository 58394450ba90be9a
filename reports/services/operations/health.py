"""How the platform is: the few facts by which it is ready or not, and the numbers an operator watches."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Sum

from reports.models import Due, Evidence, Refusal, Report, Unkept
from reports.services.storage.disk import disk_free

FIGURES_LATE = 60.0  # seconds after which waiting figures are called late


@dataclass(frozen=True, slots=True)
class Readiness:
    """`checks`: name to true where it is well. `figures_late` is None where nobody could look."""

    checks: dict[str, bool]
    figures_late: bool | None

    @property
    def ready(self) -> bool:
        return all(self.checks.values())


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts since the beginning, by state or code; ages in seconds, 0 where nothing waits; bytes."""

    accepted: int
    states: dict[str, int]
    refused: dict[str, int]
    unkept: int
    evidence: dict[str, int]
    evidence_unprocessed: int
    evidence_unprocessed_oldest: float
    due_rows: int
    due_oldest: float
    disk_free: int


_migrated = False


def readiness(*, now: datetime) -> Readiness:
    """Whether a report could be stored now. Asks the database, so it may take as long as that does."""
    checks = {
        "database": _holds(_database_answers),
        "migrations": _holds(migrations_applied),
        "disk": _holds(lambda: disk_free() >= settings.DISK_FREE_MIN_REPORTS),
    }
    late = due_oldest(now=now) > FIGURES_LATE if checks["database"] and checks["migrations"] else None
    return Readiness(checks, late)


def numbers(*, now: datetime) -> Numbers:
    """A handful of grouped counts; on a million reports about a tenth of a second."""
    states = _grouped(Report.objects.order_by().values_list("state").annotate(Count("pk")))
    waiting = Evidence.objects.filter(state=Evidence.State.STORED, processed_at=None)
    unprocessed = waiting.aggregate(n=Count("pk"), oldest=Min("stored_at"))
    return Numbers(
        accepted=sum(states.values()),
        states=states,
        refused=_grouped(Refusal.objects.order_by().values_list("code").annotate(Count("pk"))),
        unkept=Unkept.objects.aggregate(n=Sum("bodies"))["n"] or 0,
        evidence=_grouped(Evidence.objects.order_by().values_list("state").annotate(Count("pk"))),
        evidence_unprocessed=unprocessed["n"],
        evidence_unprocessed_oldest=_age(unprocessed["oldest"], now),
        due_rows=Due.objects.count(),
        due_oldest=due_oldest(now=now),
        disk_free=disk_free(),
    )


def due_oldest(*, now: datetime) -> float:
    """Seconds for which the longest-waiting figure waits; 0 where none does."""
    return _age(Due.objects.aggregate(oldest=Min("created_at"))["oldest"], now)


def migrations_applied() -> bool:
    """Once true it stays so while this process lives: code and schema change by a restart."""
    global _migrated
    if not _migrated:
        _migrated = not migrations_missing()
    return _migrated


def migrations_missing() -> list[str]:
    """What `migrate` would still apply, as app.name."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def data_writable() -> bool:
    folder = Path(settings.DATA_DIR)
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OSError):
        return False


def _grouped(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(rows)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
