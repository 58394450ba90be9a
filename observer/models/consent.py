from typing import Self

from django.db import models
from django.db.models import F

from observer.models.election import Election
from observer.models.observer import Observer
from observer.models.row_scope import OBSERVER_ROW_SCOPE


class ConsentQuerySet(models.QuerySet["Consent"]):
    def valid(self) -> Self:
        """Consents that are still valid.

        They are to the current version of their election's code of conduct, or a later one.
        """
        return self.filter(version__gte=F("election__conduct_version"))

    def pending(self) -> Self:
        """Invitations of observers from another election that are not answered."""
        return self.filter(version__isnull=True)


class Consent(models.Model):
    """An observer's consent to an election's code of conduct.

    It is given on the observer's phone.
    A consent is valid for its own election only. A row without a version is an invitation: the observer took part in
    an earlier election and was asked to take part in this one.
    """

    row_scope = OBSERVER_ROW_SCOPE
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
