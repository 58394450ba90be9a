from django.conf import settings
from django.db import models

from observer.models import Assignment, Commission, Election, Observer, Organisation
from observer.models.row_scope import Permission, RowScope


class Message(models.Model):
    """A message of the desk to one observer, to a territory or to everyone.

    A role or an organisation may narrow it. One that is `listed` is for the listed observers only, as the list was
    when it was sent: for example those who had not reported by then.
    """

    row_scope = RowScope(
        commission_lookups=("commission", "observer__assignments__commission"),
        owner_election_lookup="election",
        election_lookup="election",
        visible_in_part=False,
        organisation_lookup="organisation",
        view_permission=Permission.PEOPLE,
    )
    uuid = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="of the form it was written in"
    )
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="messages")
    observer = models.ForeignKey(Observer, null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    commission = models.ForeignKey(Commission, null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(max_length=12, choices=Assignment.Role.choices, blank=True, help_text="empty: every role")
    organisation = models.ForeignKey(
        Organisation,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="empty: every one",
    )
    listed = models.BooleanField(default=False, help_text="only to those listed")
    recipients = models.ManyToManyField(Observer, blank=True, related_name="+")
    texts = models.JSONField(default=dict)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["-sent_at"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class MessageRead(models.Model):
    """When an observer first read a message."""

    row_scope = RowScope(
        commission_lookups=("observer__assignments__commission",),
        owner_election_lookup="message__election",
        organisation_lookup="observer__organisation",
        view_permission=Permission.PEOPLE,
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reads")
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "observer"], name="message_read_once")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.observer_id}"
