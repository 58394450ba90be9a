"""What Celery runs. Both may run twice, at once, or be killed anywhere: the rows are the queue."""

from celery import shared_task
from django.utils import timezone

from reports.services.evidence import evidence_process_due
from reports.services.summaries import summaries_refresh

SECONDS = 1.5  # a beat comes every two; what is left stays due for the next
FILES = 5  # a large picture takes about half a second


@shared_task(name="reports.refresh_summaries")
def refresh_summaries() -> int:
    """Recomputes due summaries for a moment; how many."""
    return summaries_refresh(seconds=SECONDS)


@shared_task(name="reports.process_evidence")
def process_evidence() -> int:
    """Checks and derives what was uploaded; how many files."""
    return evidence_process_due(at=timezone.now(), most=FILES)
