from django.core.management.base import BaseCommand
from django.utils import timezone

from reports.services.evidence.crash_recovery import uploads_mend, uploads_mend_lost
from reports.services.evidence.processing import evidence_process_due
from reports.services.figures.refresh import summaries_refresh


class Command(BaseCommand):
    help = "Finishes due evidence, also what another process has claimed, then summaries, until nothing waits."

    def handle(self, *args: object, **options: object) -> None:
        uploads_mend(now=timezone.now())
        uploads_mend_lost(now=timezone.now())
        files = 0
        while processed := evidence_process_due(now=timezone.now(), steal=True):
            files += processed
        commissions = summaries_refresh(patient=True)
        self.stdout.write(f"{files} files processed, {commissions} summaries recomputed.")
