from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from observer.admin.base import ReadOnlyAdmin
from observer.desk.trail_labels import ACTION_LABELS, get_action_label, search_actions
from observer.models import Trail

PERIODS_HOURS = {"1": _("the last hour"), "24": _("the last 24 hours"), "168": _("the last 7 days")}


class PeriodFilter(admin.SimpleListFilter):
    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(PERIODS_HOURS.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        hours = self.value()
        return (
            queryset.filter(at__gt=timezone.now() - timedelta(hours=int(hours))) if hours in PERIODS_HOURS else queryset
        )


class ActionFilter(admin.SimpleListFilter):
    """Filters by action, with the actions' labels.

    Codes can be found by the search.
    """

    title = _("what")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(ACTION_LABELS.items(), key=lambda pair: str(pair[1]))

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Trail)
class TrailAdmin(ReadOnlyAdmin):
    """The trail: administrators see that of their election, superusers see all.

    Nobody can change or delete it.
    """

    list_display = ("at", "user", "address", "what", "subject", "detail")
    list_select_related = ("user",)
    list_filter = ("election", PeriodFilter, ActionFilter)
    search_fields = ("=user__username", "=subject", "=action", "=address")
    search_help_text = _(
        "a user's name, an action in words or as report.reject, a subject as observer:12, or an address"
    )

    @admin.display(description=_("what"), ordering="action")
    def what(self, entry: Trail) -> SafeString:
        return format_html("{}<br><code>{}</code>", get_action_label(entry.action), entry.action)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        codes = search_actions(search_term)
        return (found | queryset.filter(action__in=codes) if codes else found), may_have_duplicates
