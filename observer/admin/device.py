from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnlyAdmin
from observer.models import Device, EnrolmentCode
from observer.models.row_scope import Permission
from observer.services.devices.enrolment import revoke_device


class ObserverDataAdmin(ReadOnlyAdmin):
    """Base class for rows of an observer.

    They are shown to users who may see observers of that territory.
    """

    action_permission = Permission.REGISTER
    list_select_related = ("observer", "election")
    search_fields = ("=observer__code",)


@admin.register(Device)
class DeviceAdmin(ObserverDataAdmin):
    list_display = ("observer", "name", "election", "created_at", "last_used_at", "revoked_at")
    list_filter = ("election", ("revoked_at", admin.EmptyFieldListFilter))
    fields = ("observer", "election", "name", "device_id", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=_("Revoke: this phone may speak no longer"), permissions=["decide"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.run_for_each(request, rows, lambda device: revoke_device(device=device, user=user, now=now))


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(ObserverDataAdmin):
    """Shows that a code was made and used.

    The code itself was shown once and is not stored.
    """

    list_display = ("observer", "election", "created_at", "expires_at", "used_at")
    list_filter = ("election", ("used_at", admin.EmptyFieldListFilter))
    fields = ("observer", "election", "created_at", "expires_at", "used_at", "device")
