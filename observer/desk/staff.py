"""Who works at this desk: an administrator gives and takes roles, and lets people in again."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.askable import askable
from observer.desk.pages import DeskView, page
from observer.models import Commission, Grant, Organisation, User
from observer.models.reach import Role, Verb
from observer.services.accounts.sign_ins import sign_ins_end
from observer.services.accounts.staff import NotGiven, grant_give, grant_take, grants_within, may_manage, password_renew
from observer.services.accounts.two_factor import second_factor_reset

ROLES: dict[str, str | Promise] = {
    Role.ADMINISTRATOR: gettext_lazy("administrator"),
    Role.NATIONAL: gettext_lazy("national coordinator"),
    Role.TERRITORIAL: gettext_lazy("territorial coordinator"),
    Role.VERIFIER: gettext_lazy("verifier"),
    Role.LAWYER: gettext_lazy("lawyer"),
    Role.ANALYST: gettext_lazy("analyst"),
    Role.PUBLISHER: gettext_lazy("publisher"),
    Role.READER: gettext_lazy("read-only"),
}


class GrantForm(forms.Form):
    username = forms.CharField(max_length=150, label=gettext_lazy("User name"))
    role = forms.ChoiceField(choices=list(ROLES.items()), initial=Role.TERRITORIAL, label=gettext_lazy("Role"))
    commission = forms.CharField(
        max_length=60,
        label=gettext_lazy("Commission"),
        help_text=gettext_lazy("its code; the role holds there and in all below it"),
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, label=gettext_lazy("Only of this organisation")
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES, initial="ru", label=gettext_lazy("Language"))


@page("staff/", name="staff", section="office", order=10)
class Staff(DeskView):
    verb = Verb.STAFF
    title = gettext_lazy("Staff")
    template_name = "desk/staff.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        grants = list(grants_within(user=self.user, election=self.election)[:1000])
        users = {grant.user_id: grant.user for grant in grants}
        manageable = {key for key, user in users.items() if may_manage(user=self.user, whom=user)}
        rows = [
            {"grant": one, "role": ROLES.get(one.role, one.role), "manageable": one.user_id in manageable}
            for one in grants
        ]
        return super().get_context_data(**kwargs) | {"rows": rows, "form": kwargs.get("form") or self._form(None)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        done = {"take": self._take, "second_factor": self._reset, "password": self._renew, "end": self._end}
        for name, act in done.items():
            if name in request.POST:
                return act(self._grant(str(askable(request.POST[name]))))
        return self._give(self._form(request.POST))

    def _form(self, given: Any) -> GrantForm:
        form = GrantForm(given)
        form.fields["organisation"].queryset = self.visible(Organisation)  # type: ignore[attr-defined]
        return form

    def _grant(self, key: str) -> Grant:
        rows = grants_within(user=self.user, election=self.election)
        found = rows.filter(pk=int(key)).first() if key.isascii() and key.isdecimal() else None
        if found is None:
            raise Http404
        return found

    def _managed(self, grant: Grant) -> User:
        if not may_manage(user=self.user, whom=grant.user):
            raise Http404
        return grant.user

    def _give(self, form: GrantForm) -> HttpResponse:
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        given = form.cleaned_data
        place = self.reachable(Commission).filter(code=given["commission"].strip()).first()
        if place is None:
            form.add_error("commission", _("This election has no such commission."))
            return self.render_to_response(self.get_context_data(form=form))
        try:
            grant, password = grant_give(
                by=self.user,
                username=given["username"].strip(),
                role=given["role"],
                commission=place,
                organisation=given["organisation"],
                language=given["language"],
                now=timezone.now(),
            )
        except NotGiven as reason:
            form.add_error(None, str(reason))
            return self.render_to_response(self.get_context_data(form=form))
        if password:
            return self._shown(grant.user, password)
        return self._back(_("Given."))

    def _take(self, grant: Grant) -> HttpResponse:
        grant_take(grant=grant, by=self.user, now=timezone.now())
        return self._back(_("Taken away."))

    def _reset(self, grant: Grant) -> HttpResponse:
        second_factor_reset(user=self._managed(grant), by=self.user, now=timezone.now())
        return self._back(_("The next sign-in sets the second step up anew."))

    def _renew(self, grant: Grant) -> HttpResponse:
        user = self._managed(grant)
        return self._shown(user, password_renew(user=user, by=self.user, now=timezone.now()))

    def _end(self, grant: Grant) -> HttpResponse:
        sign_ins_end(user=self._managed(grant), by=self.user, now=timezone.now())
        return self._back(_("Signed out everywhere."))

    def _shown(self, user: User, password: str) -> HttpResponse:
        return self.render_to_response(self.get_context_data() | {"new_user": user, "password": password})

    def _back(self, words: str) -> HttpResponse:
        messages.success(self.request, words)
        return HttpResponseRedirect(self.link("staff"))
