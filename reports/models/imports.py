from django.conf import settings
from django.db import models

from observer.models import Election
from observer.models.fields import EncryptedTextField


class Import(models.Model):
    """An uploaded list that waits for confirmation: its content, and what it would do line by line.

    It holds names and phone numbers. It is therefore encrypted, visible to its uploader only, and kept for a short
    time: when it is done, cancelled or expired, `table` and `lines` are empty or the row is deleted. Until it expires,
    an import that was done keeps its counts and the codes that lines were given.
    """

    class Kind(models.TextChoices):
        COMMISSIONS = "commissions", "commissions"
        OBSERVERS = "observers", "observers"
        ASSIGNMENTS = "assignments", "assignments"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="+", editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices, editable=False)
    file = EncryptedTextField(blank=True, editable=False, help_text="its name: it may name people")
    sha256 = models.CharField(max_length=64, editable=False)
    table = EncryptedTextField(blank=True, editable=False)
    lines = EncryptedTextField(blank=True, editable=False)
    stamp = models.CharField(max_length=64, blank=True, editable=False, help_text="of the lines as they were shown")
    counts = models.JSONField(default=dict, editable=False)
    codes = models.JSONField(default=list, editable=False, help_text="codes that were made, by line")
    uploaded_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False, db_index=True)
    done_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-uploaded_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.uploaded_at:%Y-%m-%d %H:%M}"
