from django.contrib import admin

from observer.admin.base import ReadOnlyAdmin
from observer.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "number", "seen_at", "seen_by")
    list_select_related = ("user", "seen_by")
    list_filter = ("election",)
    search_fields = ("=user__username",)
