from django.conf import settings
from django.db import models

from observer.models import Device, Election


class RelayFile(models.Model):
    """An encrypted relay file that somebody brought: its header, and the outcome.

    Its reports and photos go through the normal intake. The file itself is kept where that is not possible at once:
    it is from an unknown or revoked device, or its photos belong to reports or follow parts that have not arrived.
    """

    class Kind(models.TextChoices):
        REPORTS = "reports", "reports"
        FILES = "files", "photos, video, sound"

    class State(models.TextChoices):
        TAKEN = "taken", "taken"
        WAITING = "waiting", "waits for other files"
        QUARANTINED = "quarantined", "quarantined"

    sha256 = models.CharField(max_length=64, unique=True, editable=False, help_text="of the sealed bytes")
    size = models.PositiveBigIntegerField(help_text="bytes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    observer_code = models.CharField(max_length=40, blank=True, help_text="as the file says")
    election = models.ForeignKey(Election, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey(
        Device, null=True, on_delete=models.PROTECT, related_name="relay_files", help_text="whose token is in it"
    )
    submitter = models.ForeignKey(
        Device, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="that brought it first"
    )
    part = models.PositiveIntegerField(default=1)
    parts = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField(null=True, help_text="as the phone said")
    received_at = models.DateTimeField(help_text="first")
    state = models.CharField(max_length=12, choices=State.choices)
    reason = models.CharField(max_length=40, blank=True, help_text="why it is quarantined")
    outcomes = models.JSONField(default=dict, blank=True, help_text="how many of each, when it was last taken")
    sealed = models.BooleanField(default=False, help_text="whether its bytes are kept")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["device"], name="relay_waiting", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.observer_code} {self.kind} {self.part}/{self.parts}"
