from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from observer.admin.base import DeskAdmin
from observer.models import Commission
from observer.models.row_scope import Permission


class LabelledValuesFilter(admin.AllValuesFieldListFilter):
    """A filter by all values that shows "—" for the empty value.

    A link needs a text.
    """

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "—"}


@admin.register(Commission)
class CommissionAdmin(DeskAdmin):
    """Edits names and other fields of a commission.

    The place in the tree affects figures. So adding and moving commissions is in `reports.admin.registry`, through the
    service that also recomputes the figures.
    """

    edit_permission = Permission.SETUP
    can_add = can_delete = False
    list_display = ("code", "__str__", "level", "parent_code", "voters", "type")
    list_select_related = ("level", "parent", "election")
    list_filter = ("election", "level__kind", ("type", LabelledValuesFilter))
    search_fields = ("code",)
    autocomplete_fields = ("election", "parent", "level")
    fields = (
        "election",
        "parent",
        "level",
        "code",
        "path",
        "names",
        "address",
        "lat",
        "lon",
        "voters",
        "type",
        "timezone",
        "external_id",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("election", "parent", "level", "code", "path") if obj else ("path",)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        """Searches by the beginning of the code.

        Names are in several languages and have no index.
        """
        term = search_term.strip()
        return (
            queryset.filter(Q(code__startswith=term) | Q(code__startswith=term.upper())) if term else queryset
        ), False

    @admin.display(description="parent")
    def parent_code(self, commission: Commission) -> str:
        return commission.parent.code if commission.parent else "—"
