from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.base import ReadOnly, pretty
from observer.models.reach import Verb
from reports.models import Due, Summary
from reports.services.background.recompute_queue import due_add


@admin.register(Summary)
class SummaryAdmin(ReadOnly):
    """A commission's figures as they were last computed; recomputed, never edited."""

    deciding = Verb.VERIFY
    list_display = ("commission", "revision", "as_of")
    list_select_related = ("commission",)
    list_filter = ("commission__election", "commission__level__kind")
    search_fields = ("=commission__code",)
    fields = ("commission", "revision", "as_of", "figures", "below")
    deferred = ("tally", "children", "observers")
    actions = ("recompute",)

    @admin.display(description=gettext_lazy("tally"))
    def figures(self, summary: Summary) -> SafeString:
        return pretty(summary.tally)

    @admin.display(description=gettext_lazy("children"))
    def below(self, summary: Summary) -> SafeString:
        return pretty(summary.children)

    @admin.action(description=gettext_lazy("Recompute, and all above"), permissions=["decide"])
    def recompute(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        chosen = list(self.decidable(request, rows).values_list("pk", flat=True)[: self.rows_at_once])
        with transaction.atomic():
            due_add(commissions=chosen, now=timezone.now())
        self.message_user(request, _("%d waiting to be recomputed.") % len(chosen))


@admin.register(Due)
class DueAdmin(ReadOnly):
    """The queue of figures to recompute. Empty a moment after the last report."""

    list_display = ("commission", "created_at")
    list_select_related = ("commission",)
