from django.conf import settings
from django.db import models

from observer.models.election import Election
from observer.models.row_scope import Permission, RowScope


class Alert(models.Model):
    """A user saw unusually many names within an hour.

    The alert is open until an administrator has seen it.
    """

    row_scope = RowScope(election_lookup="election", visible_in_part=False, view_permission=Permission.STAFF)
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="alerts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    number = models.PositiveIntegerField(help_text="of people whose names or numbers were seen within an hour")
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["election", "user"], condition=models.Q(seen_at__isnull=True), name="alert_once_while_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.number}"
