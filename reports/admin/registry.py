"""Admin pages of observers and commissions with the actions that change figures.

They replace the admin classes of the app `observer`, which does not know reports.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.admin.commission import CommissionAdmin
from observer.admin.device import ObserverDataAdmin
from observer.admin.observer import ObserverAdmin
from observer.models import Commission, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.registry.commissions import InvalidTreeChange
from reports.models import SetAside
from reports.services.elections.registry import create_commission, delete_commission, move_commission
from reports.services.review.decisions import quarantine_observer, restore_observer

admin.site.unregister([Observer, Commission])


@admin.register(Observer)
class ObserverReportsAdmin(ObserverAdmin):
    """Adds the actions that quarantine an observer and restore them.

    They concern all reports of the observer in one election.
    """

    actions = (*ObserverAdmin.actions, "quarantine", "restore")

    @admin.action(description=gettext_lazy("Quarantine: set all their reports aside"), permissions=["decide"])
    def quarantine(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._apply_in_election(request, rows, quarantine_observer, _("Quarantine observers"))

    @admin.action(description=gettext_lazy("Restore: bring their reports back"), permissions=["decide"])
    def restore(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        return self._apply_in_election(request, rows, restore_observer, _("Restore observers"))

    def _apply_in_election(
        self, request: HttpRequest, rows: "QuerySet[Any]", decide: Any, title: str
    ) -> HttpResponse | None:
        """Asks for the election, then decides about each observer in it."""
        form = self.make_election_form(request, rows)
        if not form.is_valid():
            return self.render_action_form(request, rows, title, form)
        user, now, election = request.user, timezone.now(), form.cleaned_data["election"]
        self.run_for_each(request, rows, lambda one: decide(observer=one, election=election, user=user, now=now))
        return None


@admin.register(SetAside)
class SetAsideAdmin(ObserverDataAdmin):
    """Which observer is quarantined in which election; changed only by the observer's actions."""

    list_display = ("observer", "election", "at")
    list_filter = ("election",)
    fields = ("observer", "election", "at", "user")


class MoveForm(forms.Form):
    to = forms.CharField(max_length=60, label=gettext_lazy("Code of the commission to hang it under"))


@admin.register(Commission)
class CommissionTreeAdmin(CommissionAdmin):
    """Adds, moves and removes commissions in the tree.

    The figures of the commissions above are recomputed.
    """

    can_add = True
    action_permission = Permission.SETUP
    actions = ("move", "remove")

    def save_model(self, request: HttpRequest, obj: Commission, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        user: Any = request.user
        copied_fields = ("names", "address", "lat", "lon", "voters", "type", "timezone", "external_id")
        created = create_commission(
            election=obj.election,
            parent=obj.parent,
            level=obj.level,
            code=obj.code,
            now=timezone.now(),
            user=user,
            **{name: getattr(obj, name) for name in copied_fields},
        )
        obj.pk, obj.path, obj.depth = created.pk, created.path, created.depth
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
        except InvalidTreeChange as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=gettext_lazy("Move under another commission"), permissions=["decide"])
    def move(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        form = MoveForm(request.POST if "answered" in request.POST else None)
        if not form.is_valid():
            return self.render_action_form(request, rows, _("Move commissions"), form)
        user: Any = request.user
        now, parent_code = timezone.now(), form.cleaned_data["to"].strip()

        def move_one(one: Commission) -> None:
            parent = (
                access.get_permitted_rows(request.user, Commission, Permission.SETUP)
                .filter(election=one.election_id, code=parent_code)
                .first()
            )
            if parent is None:
                raise InvalidTreeChange(_("This election has no such commission."))
            move_commission(commission=one, parent=parent, user=user, now=now)

        self.run_for_each(request, rows, move_one, (InvalidTreeChange,))
        return None

    @admin.action(description=gettext_lazy("Remove: nothing may hang on it"), permissions=["decide"])
    def remove(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        user: Any = request.user
        now = timezone.now()
        self.run_for_each(
            request, rows, lambda one: delete_commission(commission=one, user=user, now=now), (InvalidTreeChange,)
        )
