"""What Celery runs. Each may run twice, at once, or be killed anywhere: the rows are the queue."""

from celery import shared_task
from django.utils import timezone

from reports.services.background.wakeups import begun, wake
from reports.services.cases.case_export import exports_write
from reports.services.elections.imports import imports_expire
from reports.services.evidence.crash_recovery import uploads_mend
from reports.services.evidence.processing import evidence_process_due, evidence_waits
from reports.services.exports.exports import lists_write
from reports.services.figures.refresh import summaries_refresh
from reports.services.storage.partial_uploads import parts_sweep

SECONDS = 1.5  # a beat comes every two; what is left stays due for the next
FILES = 5  # a large picture takes about half a second


@shared_task(name="reports.refresh_summaries")
def refresh_summaries() -> int:
    """Recomputes due summaries for a moment; how many."""
    begun("reports.refresh_summaries")
    return summaries_refresh(seconds=SECONDS)


@shared_task(name="reports.process_evidence")
def process_evidence() -> int:
    """Checks and derives what was uploaded; how many files."""
    begun("reports.process_evidence")
    parts_sweep(now=timezone.now())
    uploads_mend(now=timezone.now())
    done = evidence_process_due(now=timezone.now(), most=FILES, seconds=SECONDS)
    if done and evidence_waits(now=timezone.now()):
        wake("reports.process_evidence")  # others may use this worker in between
    return done


@shared_task(name="reports.write_exports")
def write_exports() -> int:
    """Writes the cases that were asked for as files; how many. Takes away lists that waited for a yes too long."""
    begun("reports.write_exports")
    imports_expire(now=timezone.now())
    return exports_write(now=timezone.now())


@shared_task(name="reports.write_lists")
def write_lists() -> int:
    """Writes the list that waits longest as a file; how many."""
    begun("reports.write_lists")
    return lists_write(now=timezone.now())
