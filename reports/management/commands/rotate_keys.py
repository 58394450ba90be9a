from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.services.operations.key_rotation import rotate_keys


class Command(BaseCommand):
    help = (
        "Re-encrypts everything under the first of FIELD_KEYS and re-indexes under LOOKUP_KEY. Put the new key "
        "before the old one in FIELD_KEYS, restart, run this, then drop the old one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_keys(now=timezone.now())
        self.stdout.write(f"{done.values} values re-encrypted, {done.lookups} observers re-indexed.")
        if done.lookups and done.outstanding_codes:
            self.stdout.write(
                f"If LOOKUP_KEY has changed, the {done.outstanding_codes} enrolment codes not yet used are void: "
                "make new ones."
            )
        if done.unreadable:
            listed = ", ".join(done.unreadable[:20])
            raise CommandError(
                f"{len(done.unreadable)} values open with none of FIELD_KEYS and stay as they are: {listed}"
            )
