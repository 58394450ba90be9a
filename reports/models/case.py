"""Cases: what the desk does about a reported event, with comments, complaints, files and exports."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models import Commission, Observer
from observer.models.fields import EncryptedTextField
from observer.models.row_scope import Permission, RowScope

CASE_ROW_SCOPE = RowScope(commission_lookups=("case__commission",))


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> Self:
        """Cases that are not closed."""
        return self.filter(closed_at__isnull=True)


class Case(models.Model):
    """One event, told by one or more reports about one commission.

    `step` is one of the election's steps (`services/cases/workflow.py`). `revision` grows with every change; a
    change that was made on an older revision is refused.
    """

    row_scope = RowScope(commission_lookups=("commission",))

    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="cases")
    title = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    step = models.CharField(max_length=40, default="open", editable=False)
    severity = models.CharField(max_length=8, blank=True, editable=False, help_text="of its worst violation")
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="who has it",
    )
    due_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="by when it wants an answer")
    escalated_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="handed to the lawyers")
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    legal_hold = models.BooleanField(default=False, editable=False, help_text="kept whatever is purged")
    revision = models.PositiveIntegerField(default=0, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["due_at"], name="case_open", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return self.title or f"#{self.pk}"


class CaseComment(models.Model):
    """A comment of the desk about a case; it may name people."""

    row_scope = CASE_ROW_SCOPE
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="comments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    text = EncryptedTextField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.case_id} {self.at:%Y-%m-%d %H:%M}"


class CaseConsent(models.Model):
    """Whether an observer of a case agreed to be named in its documents; the latest answer counts."""

    row_scope = CASE_ROW_SCOPE
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="consents")
    observer = models.ForeignKey(Observer, on_delete=models.PROTECT, related_name="+")
    given = models.BooleanField()
    how = EncryptedTextField(blank=True, help_text="how it was asked: by phone, on paper")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.case_id} {self.observer_id} {self.given}"


class Complaint(models.Model):
    """A complaint to one forum: by when it must be filed, when it was, by when the forum must answer.

    `appeals` is the complaint whose answer this one appeals against. `term` and `answer_term` are codes of the pack's
    deadlines; the times computed from them are stored, because the law may change later.
    """

    row_scope = CASE_ROW_SCOPE

    class Outcome(models.TextChoices):
        NONE = "", "no answer yet"
        UPHELD = "upheld", "upheld"
        PARTLY = "partly", "upheld in part"
        DENIED = "denied", "denied"
        UNHEARD = "unheard", "not considered"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="complaints")
    appeals = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="appealed_by")
    term = models.CharField(max_length=40)
    starts_at = models.DateTimeField(help_text="what the term to file runs from")
    due_at = models.DateTimeField(help_text="by when it must be filed")
    forum = models.CharField(max_length=200, blank=True)
    text = EncryptedTextField(blank=True)
    filed_at = models.DateTimeField(null=True, blank=True)
    answer_term = models.CharField(max_length=40, blank=True)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default=Outcome.NONE)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class CaseFile(models.Model):
    """A file of a case, sealed under its SHA-256 like evidence."""

    row_scope = RowScope(commission_lookups=("case__commission",), view_permission=Permission.CASES)

    class Kind(models.TextChoices):
        FILED = "filed", "as filed"
        RECEIPT = "receipt", "receipt"
        ANSWER = "answer", "answer"
        OTHER = "other", "other"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="files")
    complaint = models.ForeignKey(Complaint, null=True, blank=True, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = EncryptedTextField(help_text="as it came: it may name people")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["case", "complaint", "kind", "sha256"], name="case_file_once")]

    def __str__(self) -> str:
        return self.sha256[:12]


class CaseExport(models.Model):
    """A request to export a case as one file; the rows are the queue of the writer."""

    row_scope = RowScope(commission_lookups=("case__commission",), view_permission=Permission.ORIGINAL)

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="exports")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    failed = models.BooleanField(default=False)
    name = models.CharField(max_length=80, blank=True, help_text="of its file, while there is one")
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["asked_at"], name="case_export_waits", condition=Q(done_at__isnull=True, failed=False))
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.asked_at:%Y-%m-%d %H:%M}"
