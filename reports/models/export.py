"""Requests to export a list as a file. The rows are the queue of the writer."""

from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import models

from observer.models import Election
from observer.models.row_scope import Permission, RowScope


class Export(models.Model):
    """One exported file of one user.

    `filters` are filters of the list that `services/exports/filters.py` declares. `scopes` are the user's permissions
    with which the rows were read; the file cannot be downloaded while one of them is missing.
    """

    row_scope = RowScope(election_lookup="election", view_permission=Permission.STAFF)

    class Kind(models.TextChoices):
        REPORTS = "reports", "reports"
        VIOLATIONS = "violations", "violations"
        EVIDENCE = "evidence", "files"
        COVERAGE = "coverage", "coverage"

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    class Labels(models.TextChoices):
        CODES = "codes", "codes"
        LABELS = "labels", "words"
        BOTH = "both", "both"

    class Problem(models.TextChoices):
        RIGHTS = "rights", "no longer allowed"
        DISK = "disk", "no room on the disk"
        LIST = "list", "the list is no longer there"
        BROKEN = "broken", "could not be written"

    uuid = models.UUIDField(unique=True, default=uuid4, help_text="the form's own name: two presses are one export")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exports")
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="exports", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    format = models.CharField(max_length=4, choices=Format.choices)
    labels = models.CharField(max_length=8, choices=Labels.choices, default=Labels.CODES)
    language = models.CharField(max_length=12)
    words = models.BooleanField(default=False, help_text="with free words and places of phones")
    filters = models.JSONField(default=dict, blank=True)
    asked_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0, help_text="one that a killed worker began is begun again")
    total = models.PositiveIntegerField(null=True, blank=True, help_text="rows")
    done_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=8, choices=Problem.choices, blank=True)
    scopes = models.JSONField(default=list, blank=True, editable=False)
    name = models.CharField(max_length=80, blank=True, editable=False, help_text="of its file, while there is one")
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # An empty `name` means that there is no file.
            models.UniqueConstraint(fields=["name"], name="export_file_once", condition=~models.Q(name="")),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], name="export_waits", condition=models.Q(done_at__isnull=True, problem="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_waiting(self) -> bool:
        """Whether the file is still to be written."""
        return self.done_at is None and not self.problem

    def is_available(self, now: datetime) -> bool:
        """Says whether the file can still be downloaded."""
        return bool(self.name) and self.expires_at is not None and now < self.expires_at
