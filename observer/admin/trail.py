from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnly
from observer.desk.trail_words import ACTIONS, action_words, actions_worded
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


class What(admin.SimpleListFilter):
    """By the words; the codes are found by searching."""

    title = _("what")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(ACTIONS.items(), key=lambda pair: str(pair[1]))

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Trail)
class TrailAdmin(ReadOnly):
    """Of an election for its administrators; of everything for superusers. Nobody changes or deletes a line."""

    list_display = ("at", "user", "address", "what", "subject", "detail")
    list_select_related = ("user",)
    list_filter = ("election", When, What)
    search_fields = ("=user__username", "=subject", "=action", "=address")
    search_help_text = _(
        "a user's name, an action in words or as report.reject, a subject as observer:12, or an address"
    )

    @admin.display(description=_("what"), ordering="action")
    def what(self, line: Trail) -> SafeString:
        return format_html("{}<br><code>{}</code>", action_words(line.action), line.action)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        found, repeats = super().get_search_results(request, queryset, search_term)
        codes = actions_worded(search_term)
        return (found | queryset.filter(action__in=codes) if codes else found), repeats
