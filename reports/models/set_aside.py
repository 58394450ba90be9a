from django.conf import settings
from django.db import models

from observer.models import Election, Observer
from observer.models.row_scope import OBSERVER_ROW_SCOPE


class SetAside(models.Model):
    """An observer whose present and future reports of one election are quarantined."""

    row_scope = OBSERVER_ROW_SCOPE
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="+", db_index=False)
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["observer", "election"], name="set_aside_once")]

    def __str__(self) -> str:
        return f"{self.observer_id} {self.election_id}"
