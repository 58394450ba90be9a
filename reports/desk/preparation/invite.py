"""Observers of an earlier election, asked into this one. They are a number here; their consent they give on the phone."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from observer.desk.pages import DeskView, page
from observer.models import Election, Observer, Organisation
from observer.models.reach import Verb
from observer.services.accounts import access
from reports.services.elections.invitations import Gone, invitation_counted, observers_invite


class InviteForm(forms.Form):
    source = forms.ModelChoiceField(Election.objects.none(), label=gettext_lazy("Observers of"))
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, label=gettext_lazy("Only of this organisation")
    )


@page("invite/", name="invite", section="people", order=40)
class Invite(DeskView):
    verb = Verb.REGISTER
    whole = True
    title = gettext_lazy("Invite observers of before")
    template_name = "desk/invite.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"form": self._form(None)} | super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        source, organisation = form.cleaned_data["source"], form.cleaned_data["organisation"]
        people = access.reachable(self.user, Observer, Verb.REGISTER, source)
        if organisation is not None:
            people = people.filter(organisation=organisation)
        try:
            if "invite" not in request.POST:
                counted = invitation_counted(source=source, election=self.election, people=people)
                return self.render_to_response(self.get_context_data(form=form, counted=counted))
            now = timezone.now()
            done = observers_invite(source=source, election=self.election, people=people, user=self.user, now=now)
        except Gone:
            form.add_error("source", _("The people of this election were made unreadable: nobody is left to ask."))
            return self.render_to_response(self.get_context_data(form=form))
        words = ngettext("%d observer was invited.", "%d observers were invited.", done.invited)
        messages.success(request, words % done.invited)
        return HttpResponseRedirect(f"{self.link('enrolled')}?show=unenrolled")

    def _form(self, given: Any) -> InviteForm:
        """Elections whose whole is in the reader's hands, and their organisations."""
        form = InviteForm(given)
        mine = access.elections(self.user, self.verb).exclude(pk=self.election.pk)
        keys = [one.pk for one in mine if access.may_whole(self.user, self.verb, one)]
        form.fields["source"].queryset = Election.objects.filter(pk__in=keys)  # type: ignore[attr-defined]
        form.fields["organisation"].queryset = access.visible(self.user, Organisation)  # type: ignore[attr-defined]
        return form
