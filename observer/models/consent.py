from typing import Self

from django.db import models
from django.db.models import F

from observer.models.election import Election
from observer.models.observer import Observer
from observer.models.reach import OF_AN_OBSERVER


class ConsentQuerySet(models.QuerySet["Consent"]):
    def valid(self) -> Self:
        """Those given to the code of conduct as it now stands in their election."""
        return self.filter(version__gte=F("election__conduct_version"))

    def awaited(self) -> Self:
        """Those asked of somebody who was invited from another election, and never given."""
        return self.filter(version__isnull=True)


class Consent(models.Model):
    """An observer accepted the code of conduct of one election, on their phone; that of another says nothing here.

    A row without a version is an invitation: they observed in an earlier election and were asked into this one.
    """

    reach = OF_AN_OBSERVER
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="consents", db_index=False)
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="consents")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="when they were invited from another election")
    version = models.PositiveIntegerField(null=True, blank=True, help_text="code of conduct accepted, version")
    at = models.DateTimeField(null=True, blank=True, help_text="when, as the phone said")

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["observer", "election"], name="consent_once")]

    def __str__(self) -> str:
        return f"{self.observer_id} v{self.version or '—'}"
