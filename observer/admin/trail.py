from django.contrib import admin

from observer.admin.base import ReadOnly
from observer.models import Trail


@admin.register(Trail)
class TrailAdmin(ReadOnly):
    list_display = ("at", "user", "action", "subject", "detail")
    list_select_related = ("user",)
    list_filter = ("action",)
    search_fields = ("=subject", "=action")
