"""The staff page, for administrators.

They give and take roles, and reset passwords and second factors.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.input_sanitizing import sanitize_value
from observer.desk.pages import DeskView, register_page
from observer.models import Commission, Grant, Organisation, User
from observer.models.row_scope import Permission, Role
from observer.services.accounts.sign_ins import end_sign_ins
from observer.services.accounts.staff import (
    GrantRefused,
    can_manage_user,
    get_manageable_grants,
    give_grant,
    reset_password,
    take_grant,
)
from observer.services.accounts.two_factor import reset_second_factor

ROLE_LABELS: dict[str, str | Promise] = {
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
    role = forms.ChoiceField(choices=list(ROLE_LABELS.items()), initial=Role.TERRITORIAL, label=gettext_lazy("Role"))
    commission = forms.CharField(
        max_length=60,
        label=gettext_lazy("Commission"),
        help_text=gettext_lazy("its code; the role holds there and in all below it"),
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, label=gettext_lazy("Only of this organisation")
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES, initial="ru", label=gettext_lazy("Language"))


@register_page("staff/", name="staff", section="office", order=10)
class StaffPage(DeskView):
    permission = Permission.STAFF
    title = gettext_lazy("Staff")
    template_name = "desk/staff.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        grants = list(get_manageable_grants(user=self.user, election=self.election)[:1000])
        users = {grant.user_id: grant.user for grant in grants}
        manageable = {key for key, user in users.items() if can_manage_user(user=self.user, other=user)}
        rows = [
            {"grant": one, "role": ROLE_LABELS.get(one.role, one.role), "manageable": one.user_id in manageable}
            for one in grants
        ]
        return super().get_context_data(**kwargs) | {"rows": rows, "form": kwargs.get("form") or self._make_form(None)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        actions = {
            "take": self._take_grant,
            "second_factor": self._reset_second_factor,
            "password": self._reset_password,
            "end": self._end_sign_ins,
        }
        for name, action in actions.items():
            if name in request.POST:
                return action(self._get_grant(str(sanitize_value(request.POST[name]))))
        return self._give_grant(self._make_form(request.POST))

    def _make_form(self, data: Any) -> GrantForm:
        form = GrantForm(data)
        form.fields["organisation"].queryset = self.get_visible_rows(Organisation)  # type: ignore[attr-defined]
        return form

    def _get_grant(self, key: str) -> Grant:
        """The grant with this key that the user may manage.

        Raises Http404.
        """
        rows = get_manageable_grants(user=self.user, election=self.election)
        found = rows.filter(pk=int(key)).first() if key.isascii() and key.isdecimal() else None
        if found is None:
            raise Http404
        return found

    def _get_managed_user(self, grant: Grant) -> User:
        """The user of the grant, whom the reader may manage.

        Raises Http404.
        """
        if not can_manage_user(user=self.user, other=grant.user):
            raise Http404
        return grant.user

    def _give_grant(self, form: GrantForm) -> HttpResponse:
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        values = form.cleaned_data
        commission = self.get_permitted_rows(Commission).filter(code=values["commission"].strip()).first()
        if commission is None:
            form.add_error("commission", _("This election has no such commission."))
            return self.render_to_response(self.get_context_data(form=form))
        try:
            grant, password = give_grant(
                by=self.user,
                username=values["username"].strip(),
                role=values["role"],
                commission=commission,
                organisation=values["organisation"],
                language=values["language"],
                now=timezone.now(),
            )
        except GrantRefused as reason:
            form.add_error(None, str(reason))
            return self.render_to_response(self.get_context_data(form=form))
        if password:
            return self._show_password(grant.user, password)
        return self._redirect(_("Given."))

    def _take_grant(self, grant: Grant) -> HttpResponse:
        take_grant(grant=grant, by=self.user, now=timezone.now())
        return self._redirect(_("Taken away."))

    def _reset_second_factor(self, grant: Grant) -> HttpResponse:
        reset_second_factor(user=self._get_managed_user(grant), by=self.user, now=timezone.now())
        return self._redirect(_("The next sign-in sets the second step up anew."))

    def _reset_password(self, grant: Grant) -> HttpResponse:
        user = self._get_managed_user(grant)
        return self._show_password(user, reset_password(user=user, by=self.user, now=timezone.now()))

    def _end_sign_ins(self, grant: Grant) -> HttpResponse:
        end_sign_ins(user=self._get_managed_user(grant), by=self.user, now=timezone.now())
        return self._redirect(_("Signed out everywhere."))

    def _show_password(self, user: User, password: str) -> HttpResponse:
        return self.render_to_response(self.get_context_data() | {"new_user": user, "password": password})

    def _redirect(self, message: str) -> HttpResponse:
        messages.success(self.request, message)
        return HttpResponseRedirect(self.get_page_url("staff"))
