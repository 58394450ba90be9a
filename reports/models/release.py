from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models import Commission, Election
from observer.models.row_scope import Permission, RowScope


class ReleaseQuerySet(models.QuerySet["Release"]):
    def public(self, now: datetime) -> Self:
        """Releases that are published and past their embargo."""
        return self.filter(Q(public_from__isnull=True) | Q(public_from__lte=now), state=Release.State.PUBLISHED)


class Release(models.Model):
    """The figures at one time: prepared, approved, then public at a permanent address."""

    class State(models.TextChoices):
        PREPARED = "prepared", "prepared"
        APPROVED = "approved", "approved"
        PUBLISHED = "published", "published"

    row_scope = RowScope(election_lookup="election", visible_in_part=False, view_permission=Permission.EXPORT)

    election = models.ForeignKey(Election, on_delete=models.PROTECT, related_name="releases", db_index=False)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREPARED)
    cutoff = models.DateTimeField(help_text="reports received by then are counted")
    public_from = models.DateTimeField(null=True, blank=True, help_text="embargo: nobody outside sees it before")
    finding = models.CharField(
        max_length=120,
        blank=True,
        help_text='of the map: "voting:V03"; default: the one made at the largest share of stations',
    )
    texts = models.JSONField(default=dict, blank=True, help_text="what changed, in a sentence a reader understands")
    remarks = models.JSONField(default=dict, blank=True, help_text='beside the statement: {"voting": {"en": …}}')
    notes = models.JSONField(default=list, blank=True, help_text="what the preparation wants looked at")
    digest = models.CharField(max_length=64, editable=False, help_text="of all parts")
    prepared_at = models.DateTimeField()
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["election", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["election", "number"], name="release_once"),
            models.UniqueConstraint(
                fields=["election"], condition=~Q(state="published"), name="release_one_draft_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False), name="release_published_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.election_id} #{self.number}"

    def is_public(self, now: datetime) -> bool:
        """Says whether the release is published and past its embargo."""
        return self.state == self.State.PUBLISHED and (self.public_from is None or self.public_from <= now)


class ReleaseContent(models.Model):
    """Content of one part of a release, stored once for all releases that have it.

    It is public, or will be.
    """

    sha256 = models.CharField(max_length=64, primary_key=True, help_text="of the JSON, not compressed")
    body = models.BinaryField(editable=False, help_text="JSON, compressed by zlib")

    def __str__(self) -> str:
        return self.sha256


class ReleaseRow(models.Model):
    """A part that this release changed; without content the part was removed."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="rows", db_index=False)
    key = models.CharField(max_length=80)
    content = models.ForeignKey(ReleaseContent, null=True, on_delete=models.PROTECT, related_name="rows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "key"], name="release_row_once")]
        indexes = [models.Index(fields=["key"], name="release_row_by_key")]

    def __str__(self) -> str:
        return f"{self.release_id} {self.key}"


class Reply(models.Model):
    """A commission's reply to what observers reported; shown on its page from the next release on."""

    row_scope = RowScope(commission_lookups=("commission",))

    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="replies")
    date = models.DateField()
    texts = models.JSONField(default=dict, help_text="without names of voters or observers")

    class Meta:
        ordering = ["commission", "date", "pk"]
        verbose_name_plural = "replies"

    def __str__(self) -> str:
        return f"{self.commission_id} {self.date}"
