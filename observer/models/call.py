from django.conf import settings
from django.db import models
from django.db.models import Q

from observer.models.commission import Commission
from observer.models.election import Election
from observer.models.fields import EncryptedTextField
from observer.models.observer import Observer
from observer.models.row_scope import Permission, RowScope


class Call(models.Model):
    """A call from the desk to an observer, with its outcome.

    It begins when the number is shown. So no number is seen without a row here, and colleagues see who is calling
    at the moment.
    """

    row_scope = RowScope(
        commission_lookups=("commission",),
        organisation_lookup="observer__organisation",
        view_permission=Permission.PEOPLE,
    )

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
