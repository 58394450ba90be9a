from django.core.management.base import BaseCommand, CommandError

from reports.services.figures.recount import check_summaries


class Command(BaseCommand):
    help = "Recomputes every figure from the reports and compares; exit 1 if any differs."

    def handle(self, *args: object, **options: object) -> None:
        checked = check_summaries()
        for code, lines in checked.different.items():
            self.stdout.write(f"{code} differs:")
            for line in lines:
                self.stdout.write(f"  {line}")
        if checked.waiting:
            self.stdout.write(f"{checked.waiting} commissions wait for recomputation; they were not compared.")
        if checked.different:
            raise CommandError(f"{len(checked.different)} of {checked.commissions} summaries differ.")
        self.stdout.write(f"{checked.commissions - checked.waiting} summaries are what the reports say.")
