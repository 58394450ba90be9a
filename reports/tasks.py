"""Celery tasks.

Each may run twice, run in several processes at once, or be killed at any point, because the database rows are the
queue.
"""

from celery import shared_task
from django.utils import timezone

from reports.services.background.wakeups import mark_task_begun, wake_task
from reports.services.cases.case_export import write_case_exports
from reports.services.elections.imports import delete_expired_imports
from reports.services.evidence.crash_recovery import recover_uploads
from reports.services.evidence.processing import has_waiting_evidence, process_waiting_evidence
from reports.services.exports.exports import write_next_export
from reports.services.figures.refresh import recompute_due_summaries
from reports.services.storage.partial_uploads import delete_abandoned_parts

MAX_TASK_SECONDS = 1.5  # the beat starts a task every 2 s; the rest stays due for the next one
MAX_FILES_PER_TASK = 5  # a large picture takes about 0.5 s


@shared_task(name="reports.refresh_summaries")
def refresh_summaries() -> int:
    """Recomputes due summaries for MAX_TASK_SECONDS; returns how many."""
    mark_task_begun("reports.refresh_summaries")
    return recompute_due_summaries(max_seconds=MAX_TASK_SECONDS)


@shared_task(name="reports.process_evidence")
def process_evidence() -> int:
    """Processes uploaded files: checks them and makes public copies; returns how many."""
    mark_task_begun("reports.process_evidence")
    delete_abandoned_parts(now=timezone.now())
    recover_uploads(now=timezone.now())
    done = process_waiting_evidence(now=timezone.now(), max_files=MAX_FILES_PER_TASK, max_seconds=MAX_TASK_SECONDS)
    if done and has_waiting_evidence(now=timezone.now()):
        wake_task("reports.process_evidence")  # other tasks may use this worker in between
    return done


@shared_task(name="reports.write_exports")
def write_exports() -> int:
    """Deletes expired imports and writes the requested exports of cases; returns how many were written."""
    mark_task_begun("reports.write_exports")
    delete_expired_imports(now=timezone.now())
    return write_case_exports(now=timezone.now())


@shared_task(name="reports.write_lists")
def write_lists() -> int:
    """Writes the list export that waits longest; returns how many were written."""
    mark_task_begun("reports.write_lists")
    return write_next_export(now=timezone.now())
