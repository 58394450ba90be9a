from django.conf import settings
from django.db import models

from observer.models.election import Election
from observer.models.row_scope import Permission, RowScope


class Trail(models.Model):
    """An entry of the trail (audit log).

    It says who did or saw what, when and from where.
    It says that a protected field changed, but never its value. Entries are only added: triggers in both databases
    refuse to change or delete one.
    """

    row_scope = RowScope(election_lookup="election", visible_in_part=False, view_permission=Permission.STAFF)
    at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    address = models.GenericIPAddressField(null=True, blank=True, help_text="whence")
    election = models.ForeignKey(
        Election, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    action = models.CharField(max_length=60, help_text="noun.verb, as report.reject")
    subject = models.CharField(max_length=120, help_text="noun:id of what it was done to", db_index=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["election", "-at"], name="trail_of_election"),
            models.Index(fields=["user", "action", "at"], name="trail_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
