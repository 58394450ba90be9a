"""Admin page of relay files.

It is in this app and not in `reports`, because accepting a file takes in the reports that are in it.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.rest.relay_intake import accept_quarantined_file
from observer.admin.base import ReadOnlyAdmin
from reports.models import RelayFile
from reports.problems import Rejected


@admin.register(RelayFile)
class RelayFileAdmin(ReadOnlyAdmin):
    """Sealed relay files; quarantined ones can be accepted here.

    A quarantined file came from an unknown or revoked device: ask its observer before you accept it.
    """

    list_display = ("received_at", "observer_code", "kind", "part", "parts", "state", "reason", "size", "outcomes")
    list_filter = ("state", "kind", "reason", "election")
    list_select_related = ("election",)
    search_fields = ("=observer_code", "=sha256")
    fields = (
        "observer_code",
        "election",
        "device",
        "submitter",
        "kind",
        "part",
        "parts",
        "made_at",
        "received_at",
        "state",
        "reason",
        "outcomes",
        "size",
        "sha256",
        "sealed",
        "accepted_by",
        "accepted_at",
    )
    actions = ("accept",)

    @admin.action(description=_("Accept as the observer's own"), permissions=["decide"])
    def accept(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        quarantined = rows.filter(state=RelayFile.State.QUARANTINED)
        self.run_for_each(
            request, quarantined, lambda one: accept_quarantined_file(row=one, user=user, now=now), refusals=(Rejected,)
        )
