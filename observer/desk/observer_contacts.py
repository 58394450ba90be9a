"""Showing an observer's name and phone, and closing alerts.

Each time the name and phone are shown, the trail gets an entry.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models import Alert, Observer
from observer.models.row_scope import Permission
from observer.services.accounts.disclosure_log import (
    ReasonRequired,
    close_alert,
    disclose_contacts,
    find_contactable_observer,
    is_in_own_territory,
)

FIELD_LABELS = {
    "name": gettext_lazy("Name"),
    "phone": gettext_lazy("Phone"),
    "email": gettext_lazy("E-mail"),
    "accreditation_number": gettext_lazy("Accreditation number"),
}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=200,
        required=False,
        label=gettext_lazy("Why do you need it?"),
        help_text=gettext_lazy("This stays in the trail for good: write no names."),
    )


@register_page("observers/<int:pk>/person/", name="person")
class ObserverContacts(DeskView):
    """Shows name and phone after a click.

    Outside the user's own territory a reason is needed first.
    """

    permission = Permission.CONTACT
    template_name = "desk/person.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._render_form(self._get_observer())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        observer, form = self._get_observer(), ReasonForm(request.POST)
        if not form.is_valid():
            return self._render_form(observer, form)
        try:
            contacts = disclose_contacts(
                observer=observer,
                election=self.election,
                user=self.user,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except ReasonRequired:
            form.add_error("reason", _("Say why: this observer is not of your territory."))
            return self._render_form(observer, form)
        facts = [(FIELD_LABELS[name], value) for name, value in contacts.items() if value]
        return self.render_to_response(self.get_context_data(observer=observer, facts=facts))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sheet = self.get_permitted_rows(Observer, Permission.REGISTER).filter(pk=kwargs["observer"].pk).exists()
        return super().get_context_data(**kwargs) | {"sheet": sheet, "title": kwargs["observer"].code}

    def _get_observer(self) -> Observer:
        found = find_contactable_observer(user=self.user, key=self.kwargs["pk"], election=self.election)
        if found is None:
            raise Http404
        return found

    def _render_form(self, observer: Observer, form: ReasonForm | None = None) -> HttpResponse:
        own = is_in_own_territory(user=self.user, observer=observer, election=self.election)
        return self.render_to_response(self.get_context_data(observer=observer, own=own, form=form or ReasonForm()))


@register_page("alerts/<int:pk>/", name="alert")
class AlertClosing(DeskView):
    """Marks an alert as seen."""

    permission = Permission.STAFF
    election_wide = True
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        close_alert(alert=self.get_row_or_404(Alert, pk=kwargs["pk"]), user=self.user, now=timezone.now())
        messages.success(request, _("Noted."))
        return HttpResponseRedirect(reverse("desk_home"))
