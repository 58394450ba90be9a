"""Replacing an observer of a station, or an observer's phone.

The new enrolment code is shown once, to be read out by phone.
"""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer import crypto
from observer.desk.pages import DeskView, register_page
from observer.models import Assignment, Commission, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.devices.replacement import (
    NewObserver,
    Outdated,
    get_active_device_ids,
    replace_observer,
    replace_phone,
)
from reports.desk.day.assignments import PROTECTED_FIELDS
from reports.desk.words.formats import get_place_name

OUTDATED_MESSAGE = gettext_lazy("Somebody changed this since you opened the page. Nothing was done; look again.")


class ReplaceObserverForm(forms.Form):
    """The new observer.

    A registered one is named by code or full phone number, a new one by name and phone.
    """

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
        data = super().clean() or {}
        if not data.get("known") and not (data.get("name") and data.get("phone")):
            raise forms.ValidationError(
                _("Give a code or phone of somebody known, or the name and phone of somebody new.")
            )
        return data


@register_page("assignments/<int:pk>/replace/<int:observer>/", name="replace")
class ReplaceObserverPage(DeskView):
    permission = Permission.REGISTER
    template_name = "desk/replace.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        assignment = self.get_row_or_404(Assignment, pk=self.kwargs["pk"])
        leaving = self._get_leaving_observer()
        place = assignment.commission
        place.election = self.election
        context = {
            "form": kwargs.pop("form", None) or self._build_form(),
            "place": place,
            "name": get_place_name(place),
            "leaving": leaving,
            "title": _("Replace %(code)s") % {"code": leaving.code},
        }
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        assignment, form = self.get_row_or_404(Assignment, pk=self.kwargs["pk"]), self._build_form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        successor = self._find_successor(form)
        if successor is None:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        try:
            replacement = replace_observer(
                assignment=assignment,
                leaving=self._get_leaving_observer(),
                coming=successor,
                user=self.user,
                now=timezone.now(),
            )
        except Outdated:
            return self.render_to_response(self.get_context_data(form=form, outdated=OUTDATED_MESSAGE), status=409)
        return self.render_to_response(
            self.get_context_data(form=form, done=replacement, code=replacement.code, observer=replacement.observer)
        )

    def _build_form(self, data: Any = None) -> ReplaceObserverForm:
        form = ReplaceObserverForm(data)
        form.fields["language"].choices = [(one, one) for one in self.election.languages]  # type: ignore[attr-defined]
        return form

    def _get_leaving_observer(self) -> Observer:
        return self.get_row_or_404(Observer, pk=self.kwargs["observer"])

    def _find_successor(self, form: ReplaceObserverForm) -> Observer | NewObserver | None:
        """The new observer.

        None, with an error in the form, where no registered observer was found.
        """
        known = form.cleaned_data["known"].strip()
        if not known:
            return NewObserver(
                form.cleaned_data["name"].strip(), form.cleaned_data["phone"].strip(), self._get_language(form)
            )
        observers = self.get_permitted_rows(Observer).defer(*PROTECTED_FIELDS)
        found = observers.filter(code__iexact=known).first()
        if found is None and sum(character.isdigit() for character in known) >= 5:
            found = observers.filter(phone_lookup=crypto.compute_lookup("phone", known)).first()
        if found is None:
            form.add_error(
                "known", _("You have no such observer. Somebody of another territory is added by its coordinator.")
            )
        return found

    def _get_language(self, form: ReplaceObserverForm) -> str:
        language: str = form.cleaned_data["language"]
        return language or self.election.languages[0]


@register_page("stations/<int:pk>/phone/<int:observer>/", name="phone_replace")
class ReplacePhonePage(DeskView):
    """Replaces an observer's phone.

    The old one is revoked when the code for the new one is created.
    """

    permission = Permission.REGISTER
    template_name = "desk/replace.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        place = self.get_row_or_404(Commission, Permission.LOOK, pk=self.kwargs["pk"])
        if not access.has_permission(self.user, Permission.REGISTER, place):
            raise Http404
        place.election = self.election
        observer = self.get_row_or_404(Observer, pk=self.kwargs["observer"])
        context = {
            "place": place,
            "name": get_place_name(place),
            "observer": observer,
            "phone": True,
            "seen": get_active_device_ids(observer=observer, election=self.election),
            "title": _("Another phone for %(code)s") % {"code": observer.code},
        }
        return super().get_context_data(**kwargs) | context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        observer = self.get_row_or_404(Observer, pk=self.kwargs["observer"])
        seen_device_ids = [
            int(key) for key in request.POST.getlist("seen") if key.isascii() and key.isdecimal() and len(key) < 19
        ]
        try:
            code = replace_phone(
                observer=observer,
                election=self.election,
                seen_device_ids=seen_device_ids,
                user=self.user,
                now=timezone.now(),
            )
        except Outdated:
            return self.render_to_response(self.get_context_data(outdated=OUTDATED_MESSAGE), status=409)
        return self.render_to_response(self.get_context_data(code=code))
