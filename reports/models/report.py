from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models import Commission, Contest, Device, Observer
from observer.models.row_scope import Permission, RowScope
from reports.models.checklist import ChecklistVersion


class ReportQuerySet(models.QuerySet["Report"]):
    def eligible(self) -> Self:
        """Observations that are not set aside: no rehearsals, and not held, quarantined or rejected."""
        return self.filter(
            source__in=Report.OBSERVATION_SOURCES,
            state__in=Report.ELIGIBLE_STATES,
            rehearsal=False,
            quarantined=False,
        )

    def counted(self) -> Self:
        """Reports that are in the figures: eligible and not superseded by a correction."""
        return self.eligible().filter(superseded=False)


class Report(models.Model):
    """A filled checklist about a commission: what was received, and what the desk decided.

    What was received (body, content, hash, times) never changes; triggers in both databases refuse changes. What the
    desk decides (state, rehearsal, quarantine, when it was read) may change.
    """

    row_scope = RowScope(commission_lookups=("commission",), organisation_lookup="observer__organisation")

    class State(models.TextChoices):
        RECEIVED = "received", "received"
        HELD = "held", "held"
        REJECTED = "rejected", "rejected"
        ACCEPTED = "accepted", "accepted, not verified"
        VERIFIED = "verified", "verified"

    class Source(models.TextChoices):
        OBSERVER = "observer", "an observer's phone"
        DESK = "desk", "dictated to the desk"
        READER = "reader", "read from a protocol's photo"
        OFFICIAL = "official", "official figures"

    OBSERVATION_SOURCES = (Source.OBSERVER, Source.DESK)
    ELIGIBLE_STATES = (State.RECEIVED, State.ACCEPTED, State.VERIFIED)

    sequence = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(unique=True, help_text="the phone's name for it")
    # Uses the index `report_heard` below.
    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="reports", db_index=False)
    # Without a constraint, because every insert would lock the row of the published version. A trigger prevents its
    # deletion anyway.
    version = models.ForeignKey(
        ChecklistVersion, on_delete=models.PROTECT, related_name="reports", db_index=False, db_constraint=False
    )
    contest = models.ForeignKey(
        Contest, null=True, blank=True, on_delete=models.PROTECT, related_name="reports", db_index=False
    )
    slot = models.CharField(max_length=32, blank=True)
    observer = models.ForeignKey(Observer, on_delete=models.PROTECT, related_name="reports", db_index=False)
    device = models.ForeignKey(
        Device,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reports",
        db_index=False,
        help_text="that wrote it",
    )
    submitter = models.ForeignKey(
        Device,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="that brought it, where it is another",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="who typed it at the desk",
    )
    channel = models.CharField(max_length=12, default="rest")
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.OBSERVER)

    observed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    answers = models.JSONField(default=dict)
    comment = models.TextField(blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    accuracy = models.FloatField(null=True, blank=True, help_text="metres")
    outside = models.BooleanField(default=False, help_text="with the portable box")
    supersedes = models.UUIDField(null=True, blank=True)
    content_sha256 = models.CharField(max_length=64, editable=False)
    canonical_version = models.PositiveSmallIntegerField(editable=False)
    body = models.BinaryField(editable=False, help_text="as received, compressed and encrypted")

    flags = models.JSONField(default=list, blank=True)
    rehearsal = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    state_reason = models.CharField(max_length=500, blank=True)
    quarantined = models.BooleanField(default=False)
    superseded = models.BooleanField(default=False, editable=False, help_text="derived by services/superseding.py")
    read_at = models.DateTimeField(null=True, blank=True, help_text="first opened by a coordinator")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(help_text="of anything the phone is told about")

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["observer", "changed_at"], name="report_by_observer"),
            models.Index(fields=["commission", "version", "slot"], name="report_heard"),
            models.Index(fields=["commission"], name="report_rehearsed", condition=Q(rehearsal=True)),
            models.Index(fields=["supersedes"], name="report_supersedes", condition=Q(supersedes__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def is_eligible(self) -> bool:
        """Whether this report is eligible, as in the queryset's `eligible`."""
        return (
            self.source in self.OBSERVATION_SOURCES
            and self.state in self.ELIGIBLE_STATES
            and not self.rehearsal
            and not self.quarantined
        )

    @property
    def receipt_state(self) -> str:
        """The state of the report that a phone is told in its receipt."""
        if self.quarantined:
            return "quarantined"
        if self.state in (self.State.REJECTED, self.State.HELD):
            return self.state
        if self.superseded:
            return "superseded"
        if self.state == self.State.VERIFIED:
            return "verified"
        return "read" if self.read_at else "received"


class Note(models.Model):
    """A note added to a stored report; it is not part of the report's content."""

    row_scope = RowScope(
        commission_lookups=("report__commission",), organisation_lookup="report__observer__organisation"
    )
    uuid = models.UUIDField(unique=True)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    at = models.DateTimeField(help_text="as the phone said")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["report", "at"]

    def __str__(self) -> str:
        return str(self.uuid)


class Refusal(models.Model):
    """A body that was refused as a report; its bytes are kept, so that nothing received is lost."""

    row_scope = RowScope(
        commission_lookups=("observer__assignments__commission",),
        owner_election_lookup="device__election",
        organisation_lookup="observer__organisation",
        view_permission=Permission.ORIGINAL,
    )
    uuid = models.UUIDField(null=True, blank=True, db_index=True, help_text="the report's, where it could be read")
    observer = models.ForeignKey(Observer, null=True, on_delete=models.PROTECT, related_name="refusals", db_index=False)
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="refusals")
    channel = models.CharField(max_length=12)
    received_at = models.DateTimeField()
    code = models.CharField(max_length=40, help_text="why: the problem's code")
    problem = models.JSONField(default=dict)
    body = models.BinaryField(editable=False, help_text="as received, compressed and encrypted")
    body_sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveIntegerField(help_text="bytes as received")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["device", "body_sha256"], name="refusal_once_a_body")]

    def __str__(self) -> str:
        return f"{self.code} {self.uuid or ''}".strip()


class Unkept(models.Model):
    """How many refused bodies of a device were not kept, because it was over its quota."""

    row_scope = RowScope(
        commission_lookups=("device__observer__assignments__commission",),
        owner_election_lookup="device__election",
        organisation_lookup="device__observer__organisation",
        view_permission=Permission.ORIGINAL,
    )
    device = models.OneToOneField(Device, on_delete=models.PROTECT, related_name="unkept")
    bodies = models.PositiveIntegerField(default=0, help_text="not kept; a body that was sent again counts again")
    size = models.PositiveBigIntegerField(default=0, help_text="of all of them, bytes as received")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "unkept"
        ordering = ["-last_at"]

    def __str__(self) -> str:
        return f"{self.device_id} {self.bodies}"


class KeyRotation(models.Model):
    """A row that allows changing stored bodies; the triggers look for it.

    `rotate_keys` and `purge_people` insert and delete it within one transaction, so that no other session ever sees it
    and bodies cannot be changed by anybody else.
    """

    started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
