"""Another observer, or another phone, from the station's row: the code is read out on the phone."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer import crypto
from observer.desk.pages import DeskView, page
from observer.models import Assignment, Commission, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.devices.replacement import Newcomer, Outdated, observer_replace, phone_replace, phones_living
from reports.desk.day.people import PROTECTED
from reports.desk.words.formats import name_of

OUTDATED = gettext_lazy("Somebody changed this since you opened the page. Nothing was done; look again.")


class ReplaceForm(forms.Form):
    """One known by code or whole phone number; else somebody new by name and phone."""

    known = forms.CharField(
        required=False, max_length=80, label=gettext_lazy("Code or whole phone number of an observer in the registry")
    )
    name = forms.CharField(required=False, max_length=200, label=gettext_lazy("Or somebody new: name"))
    phone = forms.RegexField(
        r"^\+?[\d\s().\-]{5,30}$",
        required=False,
        label=gettext_lazy("Phone"),
        error_messages={"invalid": gettext_lazy("A phone number has digits, spaces, dashes and at most one plus.")},
    )
    language = forms.ChoiceField(required=False, label=gettext_lazy("Language"))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("known") and not (said.get("name") and said.get("phone")):
            raise forms.ValidationError(
                _("Give a code or phone of somebody known, or the name and phone of somebody new.")
            )
        return said


@page("assignments/<int:pk>/replace/<int:observer>/", name="replace")
class Replace(DeskView):
    verb = Verb.REGISTER
    template_name = "desk/replace.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.one(Assignment, pk=self.kwargs["pk"])
        leaving = self._leaving()
        place = row.commission
        place.election = self.election
        context = {
            "form": kwargs.pop("form", None) or self._form(),
            "place": place,
            "name": name_of(place),
            "leaving": leaving,
            "title": _("Replace %(code)s") % {"code": leaving.code},
        }
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row, form = self.one(Assignment, pk=self.kwargs["pk"]), self._form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        coming = self._coming(form)
        if coming is None:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        try:
            done = observer_replace(
                assignment=row, leaving=self._leaving(), coming=coming, user=self.user, now=timezone.now()
            )
        except Outdated:
            return self.render_to_response(self.get_context_data(form=form, outdated=OUTDATED), status=409)
        return self.render_to_response(
            self.get_context_data(form=form, done=done, code=done.code, observer=done.observer)
        )

    def _form(self, data: Any = None) -> ReplaceForm:
        form = ReplaceForm(data)
        form.fields["language"].choices = [(one, one) for one in self.election.languages]  # type: ignore[attr-defined]
        return form

    def _leaving(self) -> Observer:
        return self.one(Observer, pk=self.kwargs["observer"])

    def _coming(self, form: ReplaceForm) -> Observer | Newcomer | None:
        known = form.cleaned_data["known"].strip()
        if not known:
            return Newcomer(form.cleaned_data["name"].strip(), form.cleaned_data["phone"].strip(), self._language(form))
        own = self.reachable(Observer).defer(*PROTECTED)
        found = own.filter(code__iexact=known).first()
        if found is None and sum(sign.isdigit() for sign in known) >= 5:
            found = own.filter(phone_lookup=crypto.lookup("phone", known)).first()
        if found is None:
            form.add_error(
                "known", _("You have no such observer. Somebody of another territory is added by its coordinator.")
            )
        return found

    def _language(self, form: ReplaceForm) -> str:
        language: str = form.cleaned_data["language"]
        return language or self.election.languages[0]


@page("stations/<int:pk>/phone/<int:observer>/", name="phone_replace")
class PhoneReplace(DeskView):
    """The old phone is revoked when the code for the new one is made."""

    verb = Verb.REGISTER
    template_name = "desk/replace.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        place = self.one(Commission, Verb.LOOK, pk=self.kwargs["pk"])
        if not access.may(self.user, Verb.REGISTER, place):
            raise Http404
        place.election = self.election
        observer = self.one(Observer, pk=self.kwargs["observer"])
        context = {
            "place": place,
            "name": name_of(place),
            "observer": observer,
            "phone": True,
            "seen": phones_living(observer=observer, election=self.election),
            "title": _("Another phone for %(code)s") % {"code": observer.code},
        }
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        observer = self.one(Observer, pk=self.kwargs["observer"])
        seen = [int(key) for key in request.POST.getlist("seen") if key.isascii() and key.isdecimal() and len(key) < 19]
        try:
            code = phone_replace(
                observer=observer, election=self.election, seen=seen, user=self.user, now=timezone.now()
            )
        except Outdated:
            return self.render_to_response(self.get_context_data(outdated=OUTDATED), status=409)
        return self.render_to_response(self.get_context_data(code=code))
