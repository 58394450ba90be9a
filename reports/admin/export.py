"""The list of exports, and the base of exportable lists."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from observer.admin.base import ReadOnlyAdmin
from observer.models import Election
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.models import Export
from reports.services.exports.filters import LISTINGS, parse_address_filters

PAGING_PARAMETERS = {"o", "p", "all", "_facets"}  # they do not change which rows are listed


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Who requested which export. The election's administrators see this; the file itself only the requester."""

    list_display = ("asked_at", "user", "kind", "format", "words", "total", "problem", "done_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("election", "kind", "words")


class ExportableAdmin(ReadOnlyAdmin):
    """Base of lists with a link that exports them.

    The export has the same filters and search as the list. `kind` is the kind of export.
    """

    kind = ""
    change_list_template = "admin/export_list.html"

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        term = search_term.strip()
        return (LISTINGS[self.kind].filters["q"](queryset, term) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        extra = {"export_link": self.build_export_link(request)} | (extra_context or {})
        return super().changelist_view(request, extra)

    def build_export_link(self, request: HttpRequest) -> str:
        """The address of the form that exports the listed rows.

        It is "" where an export does not know these filters, and where the reader may not export.
        """
        parameters = {name: str(*values[:1]) for name, values in request.GET.lists() if name not in PAGING_PARAMETERS}
        if any(len(values) > 1 for _name, values in request.GET.lists()):
            return ""
        parsed = parse_address_filters(kind=self.kind, parameters=parameters)
        if parsed is None:
            return ""
        election_id, filters = parsed
        elections = access.get_elections(request.user, Permission.EXPORT)
        # Without an election in the filters: the one that the user works on at the desk.
        election: Election | None = elections.filter(pk=election_id or request.session.get("election") or 0).first()
        if election is None and not election_id:
            election = elections.first()
        if election is None:
            return ""
        return f"{reverse('desk:export_new', args=[election.slug])}?{urlencode({'kind': self.kind} | filters)}"
