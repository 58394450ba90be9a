from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnly
from observer.models import Device, EnrolmentCode
from observer.models.reach import Verb
from observer.services.devices.enrolment import device_revoke


class OfAnObserver(ReadOnly):
    """Rows that belong to an observer: seen by those who may see people in the observer's territory."""

    deciding = Verb.REGISTER
    list_select_related = ("observer", "election")
    search_fields = ("=observer__code",)


@admin.register(Device)
class DeviceAdmin(OfAnObserver):
    list_display = ("observer", "name", "election", "created_at", "last_used_at", "revoked_at")
    list_filter = ("election", ("revoked_at", admin.EmptyFieldListFilter))
    fields = ("observer", "election", "name", "device_id", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=_("Revoke: this phone may speak no longer"), permissions=["decide"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.decide(request, rows, lambda device: device_revoke(device=device, user=user, now=now))


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(OfAnObserver):
    """That a code was made and used; the code itself was shown once and is kept nowhere."""

    list_display = ("observer", "election", "created_at", "expires_at", "used_at")
    list_filter = ("election", ("used_at", admin.EmptyFieldListFilter))
    fields = ("observer", "election", "created_at", "expires_at", "used_at", "device")
