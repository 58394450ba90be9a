from django.conf import settings
from django.db import models

from observer.models import Assignment, Commission, Election, Observer, Organisation
from observer.models.reach import Reach, Verb


class Message(models.Model):
    """Words from the desk: to one observer, to a territory or everyone, of them perhaps one role or organisation.

    One that is `listed` is for the observers who are listed, as they were when it was sent: those, for
    example, who had not reported by then.
    """

    reach = Reach(
        places=("commission", "observer__assignments__commission"),
        bound="election",
        election="election",
        part=False,
        organisation="organisation",
        look=Verb.PEOPLE,
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
    reach = Reach(
        places=("observer__assignments__commission",),
        bound="message__election",
        organisation="observer__organisation",
        look=Verb.PEOPLE,
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reads")
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "observer"], name="message_read_once")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.observer_id}"
