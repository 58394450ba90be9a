"""An observer's name and phone, for whoever asks for them on record; and the alerts about those who ask too much."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Alert, Observer
from observer.models.reach import Verb
from observer.services.accounts.disclosure_log import ReasonNeeded, alert_close, contactable, is_own, person_see

WORDS = {
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


@page("observers/<int:pk>/person/", name="person")
class Person(DeskView):
    """One click within one's own territory; elsewhere a reason first. Every sight is a line in the trail."""

    verb = Verb.CONTACT
    template_name = "desk/person.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._asked(self._observer())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        observer, form = self._observer(), ReasonForm(request.POST)
        if not form.is_valid():
            return self._asked(observer, form)
        try:
            seen = person_see(
                observer=observer,
                election=self.election,
                user=self.user,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except ReasonNeeded:
            form.add_error("reason", _("Say why: this observer is not of your territory."))
            return self._asked(observer, form)
        facts = [(WORDS[name], value) for name, value in seen.items() if value]
        return self.render_to_response(self.get_context_data(observer=observer, facts=facts))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sheet = self.reachable(Observer, Verb.REGISTER).filter(pk=kwargs["observer"].pk).exists()
        return super().get_context_data(**kwargs) | {"sheet": sheet, "title": kwargs["observer"].code}

    def _observer(self) -> Observer:
        found = contactable(user=self.user, key=self.kwargs["pk"], election=self.election)
        if found is None:
            raise Http404
        return found

    def _asked(self, observer: Observer, form: ReasonForm | None = None) -> HttpResponse:
        own = is_own(user=self.user, observer=observer, election=self.election)
        return self.render_to_response(self.get_context_data(observer=observer, own=own, form=form or ReasonForm()))


@page("alerts/<int:pk>/", name="alert")
class AlertSeen(DeskView):
    verb = Verb.STAFF
    whole = True
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        alert_close(alert=self.one(Alert, pk=kwargs["pk"]), user=self.user, now=timezone.now())
        messages.success(request, _("Noted."))
        return HttpResponseRedirect(reverse("desk_home"))
