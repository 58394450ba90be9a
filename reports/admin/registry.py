"""The registry's nouns with what reports know of them: decisions that change figures."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.commission import CommissionAdmin
from observer.admin.device import OfAnObserver
from observer.admin.observer import ObserverAdmin
from observer.models import Commission, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.registry.commissions import Impossible
from reports.models import SetAside
from reports.services.elections.registry import commission_create, commission_delete, commission_move
from reports.services.review.decisions import observer_quarantine, observer_restore

admin.site.unregister([Observer, Commission])


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
        user, now, election = request.user, timezone.now(), form.cleaned_data["election"]
        self.decide(request, rows, lambda one: verb(observer=one, election=election, user=user, now=now))
        return None


@admin.register(SetAside)
class SetAsideAdmin(OfAnObserver):
    """Who is quarantined where; done and undone by the observer's actions."""

    list_display = ("observer", "election", "at")
    list_filter = ("election",)
    fields = ("observer", "election", "at", "user")


class MoveForm(forms.Form):
    to = forms.CharField(max_length=60, label=gettext_lazy("Code of the commission to hang it under"))


@admin.register(Commission)
class CommissionAtDesk(CommissionAdmin):
    """Adds the place in the tree: what is added, moved or removed here is recounted above."""

    can_add = True
    deciding = Verb.SETUP
    actions = ("move", "remove")

    def save_model(self, request: HttpRequest, obj: Commission, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        user: Any = request.user
        facts = ("names", "address", "lat", "lon", "voters", "type", "timezone", "external_id")
        made = commission_create(
            election=obj.election,
            parent=obj.parent,
            level=obj.level,
            code=obj.code,
            now=timezone.now(),
            user=user,
            **{name: getattr(obj, name) for name in facts},
        )
        obj.pk, obj.path, obj.depth = made.pk, made.path, made.depth
        obj._state.adding = False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Impossible as reason:
            self.message_user(request, str(reason), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=gettext_lazy("Move under another commission"), permissions=["decide"])
    def move(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        form = MoveForm(request.POST if "answered" in request.POST else None)
        if not form.is_valid():
            return self.ask(request, rows, _("Move commissions"), form)
        user: Any = request.user
        now, to = timezone.now(), form.cleaned_data["to"].strip()

        def moved(one: Commission) -> None:
            parent = (
                access.reachable(request.user, Commission, Verb.SETUP).filter(election=one.election_id, code=to).first()
            )
            if parent is None:
                raise Impossible(_("This election has no such commission."))
            commission_move(commission=one, parent=parent, user=user, now=now)

        self.decide(request, rows, moved, (Impossible,))
        return None

    @admin.action(description=gettext_lazy("Remove: nothing may hang on it"), permissions=["decide"])
    def remove(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.decide(request, rows, lambda one: commission_delete(commission=one, user=user, now=now), (Impossible,))
