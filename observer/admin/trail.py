from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnly
from observer.models import Trail

HOURS = {"1": _("the last hour"), "24": _("the last 24 hours"), "168": _("the last 7 days")}


class When(admin.SimpleListFilter):
    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(HOURS.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        hours = self.value()
        return queryset.filter(at__gt=timezone.now() - timedelta(hours=int(hours))) if hours in HOURS else queryset


@admin.register(Trail)
class TrailAdmin(ReadOnly):
    """Of an election for its administrators; of everything for superusers. Nobody changes or deletes a line."""

    list_display = ("at", "user", "address", "action", "subject", "detail")
    list_select_related = ("user",)
    list_filter = ("election", When, "action")
    search_fields = ("=user__username", "=subject", "=action", "=address")
    search_help_text = _("a user's name, an action as report.reject, a subject as observer:12, or an address")
