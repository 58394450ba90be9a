from django.conf import settings
from django.db import models


class Trail(models.Model):
    """Who did what, when. Says that a protected field changed, never its value."""

    at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60, help_text="noun.verb, as report.reject")
    subject = models.CharField(max_length=120, help_text="noun:id of what it was done to", db_index=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
