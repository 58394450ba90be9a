from django.conf import settings
from django.db import models

from observer.models import Device, Observer
from observer.models.row_scope import RowScope
from reports.models.report import Refusal, Report


class Evidence(models.Model):
    """A file that a report announced; it is received in parts and then sealed.

    Its identity is (uuid, sha256, size). `offset` is the number of bytes received so far. The sealed file is stored
    under its sha256; several rows may share it.
    """

    row_scope = RowScope(commission_lookups=("report__commission",), organisation_lookup="observer__organisation")

    class State(models.TextChoices):
        AWAITED = "awaited", "awaited"
        PARTIAL = "partial", "partial"
        STORED = "stored", "stored"

    class Source(models.TextChoices):
        CAMERA = "camera", "camera"
        GALLERY = "gallery", "gallery"
        FILE = "file", "file"
        UNKNOWN = "", "unknown"

    uuid = models.UUIDField(unique=True)
    report = models.ForeignKey(Report, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence")
    refusal = models.ForeignKey(Refusal, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence")
    observer = models.ForeignKey(Observer, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    sha256 = models.CharField(max_length=64, blank=True, help_text="announced, or taken on receipt")
    size = models.PositiveBigIntegerField(null=True, blank=True)
    type = models.CharField(max_length=100, blank=True, help_text="media type as announced")
    question = models.CharField(max_length=40, blank=True)
    violation = models.CharField(max_length=40, blank=True)
    captured_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices, blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    accuracy = models.FloatField(null=True, blank=True)
    publishable = models.BooleanField(default=False, help_text="the observer says it may be published")
    preview_of = models.UUIDField(null=True, blank=True)
    announced_at = models.DateTimeField()

    state = models.CharField(max_length=8, choices=State.choices, default=State.AWAITED)
    offset = models.PositiveBigIntegerField(default=0)
    part = models.CharField(max_length=80, blank=True, editable=False, help_text="name of the part file in use")
    stored_at = models.DateTimeField(null=True, blank=True)

    # Results of process_evidence: private.
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="a worker is at it since")
    processed_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    flags = models.JSONField(default=list, blank=True)
    media_type = models.CharField(max_length=100, blank=True, help_text="what the bytes are")
    metadata = models.JSONField(default=dict, blank=True, help_text="read from the file: private")

    # The public copies: made at once, shown only after a coordinator approved them.
    copy = models.CharField(max_length=120, blank=True, editable=False, help_text="path under PUBLIC_DIR")
    thumbnail = models.CharField(max_length=120, blank=True, editable=False)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["report", "announced_at"]
        indexes = [
            models.Index(fields=["sha256"], name="evidence_same_file"),
            models.Index(
                fields=["stored_at"],
                name="evidence_to_process",
                condition=models.Q(state="stored", processed_at__isnull=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(size__isnull=True) | models.Q(offset__lte=models.F("size")),
                name="evidence_not_longer_than_announced",
            )
        ]

    def __str__(self) -> str:
        return str(self.uuid)
