from django.core.management.base import BaseCommand
from django.utils import timezone

from reports.services.evidence.crash_recovery import recover_lost_parts, recover_uploads
from reports.services.evidence.processing import process_waiting_evidence
from reports.services.figures.refresh import recompute_due_summaries


class Command(BaseCommand):
    help = "Finishes due evidence, also what another process has claimed, then summaries, until nothing waits."

    def handle(self, *args: object, **options: object) -> None:
        recover_uploads(now=timezone.now())
        recover_lost_parts(now=timezone.now())
        files = 0
        while processed := process_waiting_evidence(now=timezone.now(), include_claimed=True):
            files += processed
        commissions = recompute_due_summaries(wait_for_others=True)
        self.stdout.write(f"{files} files processed, {commissions} summaries recomputed.")
