from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer import crypto
from observer.admin.base import DeskAdmin, ReadOnlyInline
from observer.models import Assignment, Consent, Device, Election, Observer
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.devices.enrolment import create_device, create_enrolment_code
from observer.services.registry.collect_settings import build_collect_settings
from observer.services.registry.observers import save_observer

MAX_OBSERVERS_PER_ACTION = 50
PROTECTED_FIELDS = ("name", "phone", "email", "accreditation_number")


class ObserverForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Observer
        fields = (
            "code",
            "organisation",
            "language",
            *PROTECTED_FIELDS,
            "accredited_from",
            "accredited_until",
        )
        widgets = {field: AdminTextInputWidget(attrs={"autocomplete": "off"}) for field in PROTECTED_FIELDS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Leaves the protected fields empty.

        They can be written here, but are shown on a separate page only.
        That page writes an entry to the trail.
        """
        super().__init__(*args, **kwargs)
        for field in PROTECTED_FIELDS:
            self.initial[field] = ""
            if self.instance.pk:
                self.fields[field].help_text = gettext_lazy("Empty: it stays. A dash: it is deleted.")

    def clean(self) -> dict[str, Any]:
        """An empty protected field keeps its stored value.

        A dash deletes it.
        """
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for field in PROTECTED_FIELDS:
            if not values.get(field):
                values[field] = getattr(self.instance, field)
            elif values[field].strip() == "-":
                values[field] = ""
        return values


class ElectionForm(forms.Form):
    election = forms.ModelChoiceField(Election.objects.all(), label=gettext_lazy("Election"))


class AssignmentInline(ReadOnlyInline):
    model = Assignment.observers.through
    verbose_name_plural = gettext_lazy("assignments")
    fields = readonly_fields = ("assignment",)
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("assignment")


class ConsentInline(ReadOnlyInline):
    model = Consent
    verbose_name_plural = gettext_lazy("consents to the code of conduct")
    fields = readonly_fields = ("election", "asked_at", "version", "at")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("election")


class DeviceInline(ReadOnlyInline):
    model = Device
    fields = readonly_fields = ("name", "election", "created_at", "last_used_at", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("election")


@admin.register(Observer)
class ObserverAdmin(DeskAdmin):
    """Observers, searched by code or by complete phone or e-mail.

    Names are encrypted, so they are not searched.
    """

    form = ObserverForm
    edit_permission = deciding = Permission.REGISTER
    can_delete = False
    list_display = ("code", "organisation", "language", "accredited_until")
    list_select_related = ("organisation",)
    list_filter = ("organisation", "language", "assignments__election")
    search_fields = ("code",)
    search_help_text = gettext_lazy("a code, a whole phone number or a whole e-mail address")
    autocomplete_fields = ("organisation",)
    readonly_fields = ("created_at",)
    inlines = (AssignmentInline, ConsentInline, DeviceInline)
    deferred_fields = PROTECTED_FIELDS
    actions: tuple[str, ...] = ("make_enrolment_code", "make_collect_settings")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        """Loads the encrypted fields on an observer's own page only."""
        match = request.resolver_match
        rows = super().get_queryset(request)
        return rows.defer(None) if match and match.url_name == "observer_observer_change" else rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may register observers for a whole election.

        A new observer belongs to no territory yet.
        """
        return access.has_election_wide_permission(request.user, Permission.REGISTER)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*ObserverForm.Meta.fields, *self.readonly_fields)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        key = int(object_id) if object_id.isascii() and object_id.isdecimal() else 0
        extra = {"desk_person": self._get_contacts_url(request, key), "desk_sheet": self._get_sheet_url(request, key)}
        return super().change_view(request, object_id, form_url, extra | (extra_context or {}))

    def _get_contacts_url(self, request: HttpRequest, key: int) -> str:
        """The URL of the page that shows name and phone.

        Returns "" if there is none.
        """
        election = self._find_election(request, key, Permission.CONTACT)
        return reverse("desk:person", args=[election.slug, key]) if election and key else ""

    def _get_sheet_url(self, request: HttpRequest, key: int) -> str:
        """The URL for printing this observer's enrolment sheet.

        Returns "" if the user may not.
        """
        election = self._find_election(request, key, Permission.REGISTER)
        one = access.get_permitted_rows(request.user, Observer, Permission.REGISTER).filter(pk=key).only("code").first()
        return f"{reverse('desk:sheets', args=[election.slug])}?observer={quote(one.code)}" if election and one else ""

    def _find_election(self, request: HttpRequest, key: int, permission: Permission) -> Election | None:
        """An election in which the user has the permission.

        An election of this observer is preferred.
        """
        elections = access.get_elections(request.user, permission)
        of_observer = Q(assignments__observers=key) | Q(observers=key)
        return elections.filter(of_observer).order_by("-date").first() or elections.first()

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        matches = Q(code__istartswith=term)
        if "@" in term:
            matches |= Q(email_lookup=crypto.compute_lookup("email", term))
        if sum(character.isdigit() for character in term) >= 5:
            matches |= Q(phone_lookup=crypto.compute_lookup("phone", term))
        return queryset.filter(matches), False

    def save_model(self, request: HttpRequest, obj: Observer, form: Any, change: bool) -> None:
        user: Any = request.user
        save_observer(observer=obj, changed=form.changed_data, user=user, now=timezone.now())

    def make_election_form(self, request: HttpRequest, rows: "QuerySet[Any]") -> ElectionForm:
        """A form that asks for the election.

        It offers those of the user; a single one is preset.
        """
        elections = access.get_elections(request.user, Permission.REGISTER)
        form = ElectionForm(request.POST if "answered" in request.POST else None)
        form.fields["election"].queryset = elections  # type: ignore[attr-defined]
        first_two = elections[:2]
        form.initial["election"] = first_two[0].pk if len(first_two) == 1 else None
        return form

    @admin.action(description=gettext_lazy("Make an enrolment code, shown once"), permissions=["decide"])
    def make_enrolment_code(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        def make(one: Observer, election: Election, now: datetime, user: Any) -> dict[str, Any]:
            return {"code": create_enrolment_code(observer=one, election=election, now=now, user=user)}

        return self._show_once(request, rows, make, _("Make enrolment codes"), _("Enrolment codes"))

    @admin.action(description=gettext_lazy("Make settings for ODK Collect, shown once"), permissions=["decide"])
    def make_collect_settings(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        def make(one: Observer, election: Election, now: datetime, user: Any) -> dict[str, Any]:
            enrolled = create_device(observer=one, election=election, name="ODK Collect", now=now, user=user)
            path = reverse("openrosa:root", kwargs={"token": enrolled.token})
            address = request.build_absolute_uri(path).rstrip("/")
            return {"settings": build_collect_settings(observer=one, election=election, address=address)}

        return self._show_once(request, rows, make, _("Make settings for ODK Collect"), _("Settings for ODK Collect"))

    def _show_once(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        make: Callable[..., dict[str, Any]],
        form_title: str,
        title: str,
    ) -> HttpResponse | None:
        """Asks for the election, then shows the created codes or settings once.

        `make` creates them for each observer.
        """
        form = self.make_election_form(request, rows)
        if not form.is_valid():
            return self.render_action_form(request, rows, form_title, form)
        observers = list(self.filter_actionable(request, rows)[: MAX_OBSERVERS_PER_ACTION + 1])
        if len(observers) > MAX_OBSERVERS_PER_ACTION:
            self.message_user(request, _("Too many at once: choose fewer."), messages.ERROR)
            return None
        user: Any = request.user
        now, election = timezone.now(), form.cleaned_data["election"]
        made = [{"observer": one, **make(one, election, now, user)} for one in observers]
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.model._meta,
            "made": made,
            "election": election,
        }
        response = render(request, "admin/desk_code.html", context)
        response["Cache-Control"] = "no-store"
        return response
