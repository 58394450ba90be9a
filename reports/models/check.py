from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models import Election
from observer.models.row_scope import RowScope
from reports.models.report import Report


class Check(models.Model):
    """A report that the desk must check, and who is checking it at present.

    Intake creates the row together with the report, so that waiting reports are found without a search.
    """

    row_scope = RowScope(
        commission_lookups=("report__commission",), organisation_lookup="report__observer__organisation"
    )

    class Why(models.IntegerChoices):
        """Reasons for a check, the most serious first."""

        CRITICAL = 0, "tells of a critical violation"
        FLAGGED = 1, "flagged"
        RANDOM = 2, "drawn at random"

    report = models.OneToOneField(Report, primary_key=True, on_delete=models.PROTECT, related_name="check_row")
    # Without a constraint, because every insert would lock the election's row.
    election = models.ForeignKey(
        Election, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    why = models.PositiveSmallIntegerField(choices=Why.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="has it before them",
    )
    until = models.DateTimeField(null=True, blank=True, help_text="then another may take it")
    done_at = models.DateTimeField(null=True, blank=True, help_text="when the report was decided")

    class Meta:
        indexes = [
            models.Index(fields=["election", "why", "report"], name="check_waits", condition=Q(done_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.why}"
