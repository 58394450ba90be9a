"""Who asked for which list as a file; and the button that asks, on the lists themselves."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from observer.admin.base import ReadOnly
from observer.models import Election
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.models import Export
from reports.services.exports.filters import LISTINGS, filters_named

ORDERING = {"o", "p", "all", "_facets"}  # of the page, not of what is listed


@admin.register(Export)
class ExportAdmin(ReadOnly):
    """What the files hold is for whoever asked; that they asked is for the election's administrators."""

    list_display = ("asked_at", "user", "kind", "format", "words", "total", "problem", "done_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("election", "kind", "words")


class Exported(ReadOnly):
    """A list with a way out: what it shows can be asked for as a file, filtered and searched alike."""

    kind = ""
    change_list_template = "admin/export_list.html"

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        term = search_term.strip()
        return (LISTINGS[self.kind].filters["q"](queryset, term) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        extra = {"export_link": self.export_link(request)} | (extra_context or {})
        return super().changelist_view(request, extra)

    def export_link(self, request: HttpRequest) -> str:
        """The page that asks for what is listed; "" where that cannot be said, or is not for this reader."""
        asked = {name: str(*values[:1]) for name, values in request.GET.lists() if name not in ORDERING}
        if any(len(values) > 1 for _name, values in request.GET.lists()):
            return ""
        named = filters_named(kind=self.kind, asked=asked)
        if named is None:
            return ""
        key, filters = named
        rows = access.elections(request.user, Verb.EXPORT)
        # Without an election in the filter, the one that the desk is at.
        election: Election | None = rows.filter(pk=key or request.session.get("election") or 0).first()
        if election is None and not key:
            election = rows.first()
        if election is None:
            return ""
        return f"{reverse('desk:export_new', args=[election.slug])}?{urlencode({'kind': self.kind} | filters)}"
