"""The registry's nouns with what reports know of them: decisions that change figures."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.observer import ObserverAdmin
from observer.models import Observer
from reports.services.decisions import observer_quarantine, observer_restore

admin.site.unregister(Observer)


@admin.register(Observer)
class ObserverAtDesk(ObserverAdmin):
    """Adds setting aside all that one observer reported in one election, and bringing it back."""

    actions = (*ObserverAdmin.actions, "quarantine", "restore")

    @admin.action(description=gettext_lazy("Quarantine: set all their reports aside"), permissions=["decide"])
    def quarantine(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._aside(request, rows, observer_quarantine, _("Quarantine observers"))

    @admin.action(description=gettext_lazy("Restore: bring their reports back"), permissions=["decide"])
    def restore(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._aside(request, rows, observer_restore, _("Restore observers"))

    def _aside(self, request: HttpRequest, rows: "QuerySet[Any]", verb: Any, title: str) -> HttpResponse | None:
        form = self.election_form(request, rows)
        if not form.is_valid():
            return self.ask(request, rows, title, form)
        user, at, election = request.user, timezone.now(), form.cleaned_data["election"]
        self.decide(request, rows, lambda one: verb(observer=one, election=election, user=user, at=at))
        return None
