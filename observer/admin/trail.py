from django.contrib import admin

from observer.admin.base import ReadOnly
from observer.models import Trail


@admin.register(Trail)
class TrailAdmin(ReadOnly):
    """Of an election for its administrators; of everything for superusers. Found by user, subject, action, address."""

    list_display = ("at", "user", "address", "action", "subject", "detail")
    list_select_related = ("user",)
    list_filter = ("election", "action")
    search_fields = ("=user__username", "=subject", "=action", "=address")
