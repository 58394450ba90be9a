from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.services.operations.doctor import run_all_checks


class Command(BaseCommand):
    help = "Says what is not ready. Ends with 1 where something would lose reports or open people's names."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        errors = 0
        for name, findings in run_all_checks(now=timezone.now()):
            self.stdout.write(f"{name:<12}{'well' if not findings else ''}".rstrip())
            for finding in findings:
                self.stdout.write(f"  {finding.level}: {finding.text}")
            errors += sum(finding.level == "error" for finding in findings)
        if errors:
            raise CommandError(f"{errors} {'thing is' if errors == 1 else 'things are'} not ready.")
        self.stdout.write("Ready.")
