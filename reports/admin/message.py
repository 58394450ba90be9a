from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from observer.admin.base import DeskAdmin, ReadOnlyAdmin
from observer.models.row_scope import Permission
from reports.models import Message, MessageRead


@admin.register(Message)
class MessageAdmin(DeskAdmin):
    """Messages from the desk. They cannot be changed after they are sent, because phones may have read them."""

    edit_permission = Permission.MESSAGE
    can_change = can_delete = False
    list_display = ("sent_at", "election", "observer", "commission")
    list_select_related = ("election", "observer", "commission")
    list_filter = ("election",)
    search_fields = ("=observer__code", "=commission__code")
    autocomplete_fields = ("election", "observer", "commission")
    fields = ("election", "observer", "commission", "texts")

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        obj.sent_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(MessageRead)
class MessageReadAdmin(ReadOnlyAdmin):
    list_display = ("message", "observer", "at")
    list_select_related = ("message", "observer")
    search_fields = ("=observer__code",)
