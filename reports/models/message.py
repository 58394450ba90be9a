from django.db import models

from observer.models import Commission, Election, Observer


class Message(models.Model):
    """Words from the desk: to one observer, to a territory, or to everyone."""

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="messages")
    observer = models.ForeignKey(Observer, null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    commission = models.ForeignKey(Commission, null=True, blank=True, on_delete=models.CASCADE, related_name="messages")
    texts = models.JSONField(default=dict)
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["-sent_at"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class MessageRead(models.Model):
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reads")
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "observer"], name="message_read_once")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.observer_id}"
