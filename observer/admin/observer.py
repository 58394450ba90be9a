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
from observer.admin.base import Desk, ReadOnlyRows
from observer.models import Assignment, Consent, Device, Election, Observer
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.devices.enrolment import device_create, enrolment_create
from observer.services.registry.collect_settings import collect_settings
from observer.services.registry.observers import observer_save

CODES_AT_ONCE = 50
PROTECTED = ("name", "phone", "email", "accreditation_number")


class ObserverForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Observer
        fields = (
            "code",
            "organisation",
            "language",
            *PROTECTED,
            "accredited_from",
            "accredited_until",
        )
        widgets = {field: AdminTextInputWidget(attrs={"autocomplete": "off"}) for field in PROTECTED}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What is protected is written here and never shown: seeing it is a page of its own, on record."""
        super().__init__(*args, **kwargs)
        for field in PROTECTED:
            self.initial[field] = ""
            if self.instance.pk:
                self.fields[field].help_text = gettext_lazy("Empty: it stays. A dash: it is deleted.")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for field in PROTECTED:
            if not given.get(field):
                given[field] = getattr(self.instance, field)
            elif given[field].strip() == "-":
                given[field] = ""
        return given


class ElectionForm(forms.Form):
    election = forms.ModelChoiceField(Election.objects.all(), label=gettext_lazy("Election"))


class AssignmentRows(ReadOnlyRows):
    model = Assignment.observers.through
    verbose_name_plural = gettext_lazy("assignments")
    fields = readonly_fields = ("assignment",)
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("assignment")


class ConsentRows(ReadOnlyRows):
    model = Consent
    verbose_name_plural = gettext_lazy("consents to the code of conduct")
    fields = readonly_fields = ("election", "asked_at", "version", "at")
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("election")


class DeviceRows(ReadOnlyRows):
    model = Device
    fields = readonly_fields = ("name", "election", "created_at", "last_used_at", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).select_related("election")


@admin.register(Observer)
class ObserverAdmin(Desk):
    """Found by code, or by a whole phone number or e-mail; never by name, which is encrypted."""

    form = ObserverForm
    writing = deciding = Verb.REGISTER
    can_delete = False
    list_display = ("code", "organisation", "language", "accredited_until")
    list_select_related = ("organisation",)
    list_filter = ("organisation", "language", "assignments__election")
    search_fields = ("code",)
    search_help_text = gettext_lazy("a code, a whole phone number or a whole e-mail address")
    autocomplete_fields = ("organisation",)
    readonly_fields = ("created_at",)
    inlines = (AssignmentRows, ConsentRows, DeviceRows)
    deferred = PROTECTED
    actions: tuple[str, ...] = ("make_enrolment_code", "make_collect_settings")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        """Only an observer's own page opens what is encrypted."""
        match = request.resolver_match
        rows = super().get_queryset(request)
        return rows.defer(None) if match and match.url_name == "observer_observer_change" else rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who is nowhere yet is seen by those of the whole election only."""
        return access.may_whole(request.user, Verb.REGISTER)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*ObserverForm.Meta.fields, *self.readonly_fields)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        key = int(object_id) if object_id.isascii() and object_id.isdecimal() else 0
        extra = {"desk_person": self._person(request, key), "desk_sheet": self._sheet(request, key)}
        return super().change_view(request, object_id, form_url, extra | (extra_context or {}))

    def _person(self, request: HttpRequest, key: int) -> str:
        """Where name and phone are shown on record."""
        election = self._election_of(request, key, Verb.CONTACT)
        return reverse("desk:person", args=[election.slug, key]) if election and key else ""

    def _sheet(self, request: HttpRequest, key: int) -> str:
        """Where the sheet is printed with which this observer enrols a phone."""
        election = self._election_of(request, key, Verb.REGISTER)
        one = access.reachable(request.user, Observer, Verb.REGISTER).filter(pk=key).only("code").first()
        return f"{reverse('desk:sheets', args=[election.slug])}?observer={quote(one.code)}" if election and one else ""

    def _election_of(self, request: HttpRequest, key: int, verb: Verb) -> Election | None:
        """An election of this observer in which the reader may do it; else any."""
        mine = access.elections(request.user, verb)
        theirs = Q(assignments__observers=key) | Q(observers=key)
        return mine.filter(theirs).order_by("-date").first() or mine.first()

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(code__istartswith=term)
        if "@" in term:
            found |= Q(email_lookup=crypto.lookup("email", term))
        if sum(character.isdigit() for character in term) >= 5:
            found |= Q(phone_lookup=crypto.lookup("phone", term))
        return queryset.filter(found), False

    def save_model(self, request: HttpRequest, obj: Observer, form: Any, change: bool) -> None:
        user: Any = request.user
        observer_save(observer=obj, changed=form.changed_data, user=user, now=timezone.now())

    def election_form(self, request: HttpRequest, rows: "QuerySet[Any]") -> ElectionForm:
        """Asks for which election; only those in the reader's hands, and the only one is preset."""
        elections = access.elections(request.user, Verb.REGISTER)
        form = ElectionForm(request.POST if "answered" in request.POST else None)
        form.fields["election"].queryset = elections  # type: ignore[attr-defined]
        only = elections[:2]
        form.initial["election"] = only[0].pk if len(only) == 1 else None
        return form

    @admin.action(description=gettext_lazy("Make an enrolment code, shown once"), permissions=["decide"])
    def make_enrolment_code(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        def make(one: Observer, election: Election, now: datetime, user: Any) -> dict[str, Any]:
            return {"code": enrolment_create(observer=one, election=election, now=now, user=user)}

        return self._hand_over(request, rows, make, _("Make enrolment codes"), _("Enrolment codes"))

    @admin.action(description=gettext_lazy("Make settings for ODK Collect, shown once"), permissions=["decide"])
    def make_collect_settings(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        def make(one: Observer, election: Election, now: datetime, user: Any) -> dict[str, Any]:
            made = device_create(observer=one, election=election, name="ODK Collect", now=now, user=user)
            path = reverse("openrosa:root", kwargs={"token": made.token})
            address = request.build_absolute_uri(path).rstrip("/")
            return {"settings": collect_settings(observer=one, election=election, address=address)}

        return self._hand_over(request, rows, make, _("Make settings for ODK Collect"), _("Settings for ODK Collect"))

    def _hand_over(
        self, request: HttpRequest, rows: "QuerySet[Any]", make: Callable[..., dict[str, Any]], verb: str, title: str
    ) -> HttpResponse | None:
        """Asks for which election, then shows once what `make` makes for each observer."""
        form = self.election_form(request, rows)
        if not form.is_valid():
            return self.ask(request, rows, verb, form)
        mine = list(self.decidable(request, rows)[: CODES_AT_ONCE + 1])
        if len(mine) > CODES_AT_ONCE:
            self.message_user(request, _("Too many at once: choose fewer."), messages.ERROR)
            return None
        user: Any = request.user
        now, election = timezone.now(), form.cleaned_data["election"]
        made = [{"observer": one, **make(one, election, now, user)} for one in mine]
        context = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.model._meta,
            "made": made,
            "election": election,
        }
        response = render(request, "admin/desk_code.html", context)
        response["Cache-Control"] = "no-store"
        return response
