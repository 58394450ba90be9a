from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models.commission import Commission
from observer.models.election import Election
from observer.models.fields import EncryptedTextField
from observer.models.observer import Observer
from observer.models.reach import Reach, Verb


class Call(models.Model):
    """One time that the desk took an observer's number to call it, and what came of it.

    It begins when the number is shown, so that no number is seen without a line here, and so that a
    colleague sees who is calling just now.
    """

    reach = Reach(places=("commission",), organisation="observer__organisation", look=Verb.PEOPLE)

    class Outcome(models.TextChoices):
        SHOWN = "", "the number was shown"
        REACHED = "reached", "reached"
        NOT_REACHED = "not_reached", "not reached"
        WRONG = "wrong", "wrong number"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="calls", db_index=False)
    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="calls", help_text="about it")
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="calls")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(help_text="when the number was shown")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, default=Outcome.SHOWN)
    said = EncryptedTextField(blank=True, help_text="what the observer said: it may name people")
    recorded_at = models.DateTimeField(null=True, blank=True)
    call_again_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(
                fields=["election", "call_again_at"], name="call_again", condition=Q(call_again_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
