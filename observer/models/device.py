from django.db import models

from observer.models.election import Election
from observer.models.observer import Observer
from observer.models.row_scope import OBSERVER_ROW_SCOPE


class Device(models.Model):
    """A phone or browser that may send an observer's reports.

    It belongs to one observer in one election, until it is revoked.
    """

    row_scope = OBSERVER_ROW_SCOPE
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="devices")
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="devices")
    name = models.CharField(max_length=120, blank=True)
    device_id = models.UUIDField(
        null=True, blank=True, help_text="made by the phone; lets a lost answer be asked again"
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of 256 random bits")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to about five minutes")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.observer_id} {self.name}".strip()


class EnrolmentCode(models.Model):
    """A one-time code with which a phone becomes a Device.

    Only its HMAC is stored.
    """

    row_scope = OBSERVER_ROW_SCOPE
    observer = models.ForeignKey(Observer, on_delete=models.CASCADE, related_name="enrolment_codes")
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="enrolment_codes")
    code_hmac = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.observer_id} {self.created_at:%Y-%m-%d %H:%M}"
