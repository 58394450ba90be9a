from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.base import ReadOnlyAdmin, format_json
from observer.models.row_scope import Permission
from reports.models import Due, Summary
from reports.services.background.recompute_queue import mark_due


@admin.register(Summary)
class SummaryAdmin(ReadOnlyAdmin):
    """The last computed figures of a commission. They can be recomputed, never edited."""

    action_permission = Permission.VERIFY
    list_display = ("commission", "revision", "as_of")
    list_select_related = ("commission",)
    list_filter = ("commission__election", "commission__level__kind")
    search_fields = ("=commission__code",)
    fields = ("commission", "revision", "as_of", "tally_json", "children_json")
    deferred_fields = ("tally", "children", "observers")
    actions = ("recompute",)

    @admin.display(description=gettext_lazy("tally"))
    def tally_json(self, summary: Summary) -> SafeString:
        return format_json(summary.tally)

    @admin.display(description=gettext_lazy("children"))
    def children_json(self, summary: Summary) -> SafeString:
        return format_json(summary.children)

    @admin.action(description=gettext_lazy("Recompute, and all above"), permissions=["decide"])
    def recompute(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        commission_ids = list(
            self.filter_actionable(request, rows).values_list("pk", flat=True)[: self.max_action_rows]
        )
        with transaction.atomic():
            mark_due(commissions=commission_ids, now=timezone.now())
        self.message_user(request, _("%d waiting to be recomputed.") % len(commission_ids))


@admin.register(Due)
class DueAdmin(ReadOnlyAdmin):
    """The queue of commissions whose figures are to be recomputed.

    It is empty shortly after the last report.
    """

    list_display = ("commission", "created_at")
    list_select_related = ("commission",)
