"""The desk's view of files that people carried here. Here, because accepting one is taking it in."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.rest.relaying import file_accept
from observer.admin.base import ReadOnly
from reports.models import RelayFile
from reports.problems import Rejected


@admin.register(RelayFile)
class RelayFileAdmin(ReadOnly):
    """Sealed files. A quarantined one came from an unknown or revoked device: ask its observer before accepting."""

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
        self.decide(request, quarantined, lambda one: file_accept(row=one, user=user, now=now), refusals=(Rejected,))
