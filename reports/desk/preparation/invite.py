"""Inviting the observers of an earlier election into this one.

The page shows only how many they are, not who. They give their consent on the phone.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from observer.desk.pages import DeskView, register_page
from observer.models import Election, Observer, Organisation
from observer.models.row_scope import Permission
from observer.services.accounts import access
from reports.services.elections.invitations import ElectionPurged, count_invitations, invite_observers


class InvitationForm(forms.Form):
    source = forms.ModelChoiceField(Election.objects.none(), label=gettext_lazy("Observers of"))
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, label=gettext_lazy("Only of this organisation")
    )


@register_page("invite/", name="invite", section="people", order=40)
class InvitationPage(DeskView):
    permission = Permission.REGISTER
    election_wide = True
    title = gettext_lazy("Invite observers of before")
    template_name = "desk/invite.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"form": self._build_form(None)} | super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._build_form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        source, organisation = form.cleaned_data["source"], form.cleaned_data["organisation"]
        observers = access.get_permitted_rows(self.user, Observer, Permission.REGISTER, source)
        if organisation is not None:
            observers = observers.filter(organisation=organisation)
        try:
            if "invite" not in request.POST:
                counted = count_invitations(source=source, election=self.election, people=observers)
                return self.render_to_response(self.get_context_data(form=form, counted=counted))
            now = timezone.now()
            result = invite_observers(source=source, election=self.election, people=observers, user=self.user, now=now)
        except ElectionPurged:
            form.add_error("source", _("The people of this election were made unreadable: nobody is left to ask."))
            return self.render_to_response(self.get_context_data(form=form))
        message = ngettext("%d observer was invited.", "%d observers were invited.", result.invited)
        messages.success(request, message % result.invited)
        return HttpResponseRedirect(f"{self.get_page_url('enrolled')}?show=unenrolled")

    def _build_form(self, data: Any) -> InvitationForm:
        """The form with its choices of elections and organisations.

        It offers the elections that the reader administers as a whole, and the visible organisations.
        """
        form = InvitationForm(data)
        elections = access.get_elections(self.user, self.permission).exclude(pk=self.election.pk)
        election_ids = [
            one.pk for one in elections if access.has_election_wide_permission(self.user, self.permission, one)
        ]
        form.fields["source"].queryset = Election.objects.filter(pk__in=election_ids)  # type: ignore[attr-defined]
        form.fields["organisation"].queryset = access.get_visible_rows(self.user, Organisation)  # type: ignore[attr-defined]
        return form
