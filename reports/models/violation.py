from django.conf import settings
from django.db import models

from observer.models import Election
from observer.models.row_scope import ELECTION_ROW_SCOPE, RowScope
from observer.words import get_translation
from reports.models.case import Case
from reports.models.report import Report


class ViolationGroup(models.Model):
    row_scope = ELECTION_ROW_SCOPE
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="violation_groups", db_index=False)
    code = models.CharField(max_length=40)
    order = models.PositiveSmallIntegerField(default=0)
    names = models.JSONField(default=dict)

    class Meta:
        ordering = ["election", "order"]
        constraints = [models.UniqueConstraint(fields=["election", "code"], name="violation_group_once")]

    def __str__(self) -> str:
        return get_translation(self.names) or self.code


class ViolationType(models.Model):
    """A kind of possible violation; its code is never a finding of guilt."""

    row_scope = ELECTION_ROW_SCOPE

    class Severity(models.TextChoices):
        CRITICAL = "critical", "critical"
        MAJOR = "major", "major"
        MINOR = "minor", "minor"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="violation_types", db_index=False)
    group = models.ForeignKey(ViolationGroup, on_delete=models.PROTECT, related_name="types")
    code = models.CharField(max_length=40)
    order = models.PositiveSmallIntegerField(default=0)
    names = models.JSONField(default=dict)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    legal_basis = models.TextField(blank=True, help_text="possible legal basis")
    audience = models.JSONField(
        default=list, blank=True, help_text="kinds of organisation it is offered to; empty: to all"
    )
    denies_access = models.BooleanField(default=False, help_text="the station counts as denied")

    class Meta:
        ordering = ["election", "order"]
        constraints = [models.UniqueConstraint(fields=["election", "code"], name="violation_type_once")]

    def __str__(self) -> str:
        return f"{self.code} {get_translation(self.names)}".strip()


class Violation(models.Model):
    """A violation that one report tells of, and what the desk found out about it."""

    row_scope = RowScope(
        commission_lookups=("report__commission",), organisation_lookup="report__observer__organisation"
    )

    class State(models.TextChoices):
        REPORTED = "reported", "reported"
        CONFIRMED = "confirmed", "confirmed"
        REFUTED = "refuted", "refuted"
        SOLVED = "solved", "solved on the spot"
        PASSED_ON = "passed_on", "passed on"

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="violations", db_index=False)
    # Refers to its type by code and without a constraint, because every insert would lock the type's row.
    code = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REPORTED)
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.PROTECT, related_name="violations")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "code"], name="violation_once_a_report")]

    def __str__(self) -> str:
        return f"{self.code} {self.state}"
