"""A new election: from what, what about it, a look at what would be made, and then making it, once."""

from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models import Commission, Election
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadTable
from reports.desk.words.formats import clock
from reports.problems import Rejected
from reports.services.elections.elections import (
    Wanted,
    copy_counted,
    election_copy,
    election_from_pack,
    election_made,
    pack_counted,
)
from reports.services.elections.pack_files import Pack, pack_read
from reports.services.elections.packs import ElectionExists, pack_folder, packs_here

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class WantedForm(forms.Form):
    """What is asked whatever it is made from; `languages` are those that there are."""

    press = forms.UUIDField(widget=forms.HiddenInput)
    slug = forms.SlugField(
        max_length=60,
        label=gettext_lazy("Word in addresses"),
        help_text=gettext_lazy("Latin letters, digits and dashes, as in parliament-2027. It never changes."),
    )
    date = forms.DateField(label=gettext_lazy("Day of the election"), widget=forms.DateInput(attrs={"type": "date"}))
    languages = forms.CharField(
        max_length=100,
        label=gettext_lazy("Languages"),
        help_text=gettext_lazy("Their codes, the first is the one that all others fall back to."),
    )
    opens_at = forms.DateTimeField(required=False, label=gettext_lazy("Reports of the day begin"), widget=WHEN)
    closes_at = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Reports of the day end"),
        widget=WHEN,
        help_text=gettext_lazy("Both by the clock of the election. Both empty: the hours that it is made from."),
    )

    def __init__(self, *args: Any, languages: list[str], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known, self.zone = languages, ZoneInfo(zone)
        self.fields["languages"].initial = ", ".join(languages)
        words = dict(settings.LANGUAGES)
        for code in languages:
            label = _("Name (%(language)s)") % {"language": words.get(code, code)}
            self.fields[f"name_{code}"] = forms.CharField(required=False, max_length=200, label=label)

    def clean_languages(self) -> list[str]:
        given = [one.strip() for one in self.cleaned_data["languages"].split(",") if one.strip()]
        unknown = [one for one in given if one not in self.known]
        if unknown or not given or len(set(given)) != len(given):
            raise ValidationError(_("Choose among %(known)s, each once.") % {"known": ", ".join(self.known)})
        return given

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for code in given.get("languages", ()):
            if not given.get(f"name_{code}"):
                self.add_error(f"name_{code}", _("The name is missing in this language."))
        for end in ("opens_at", "closes_at"):
            if given.get(end):  # what was typed is the clock of the election, not of this server
                given[end] = given[end].replace(tzinfo=self.zone)
        opens, closes = given.get("opens_at"), given.get("closes_at")
        if bool(opens) != bool(closes):
            self.add_error("closes_at", _("Give both hours or neither."))
        elif opens and closes and opens >= closes:
            self.add_error("closes_at", _("It ends before it begins."))
        return given

    def wanted(self) -> Wanted:
        given = self.cleaned_data
        return Wanted(
            slug=given["slug"],
            names={code: given[f"name_{code}"] for code in given["languages"]},
            date=given["date"],
            languages=given["languages"],
            opens_at=given["opens_at"],
            closes_at=given["closes_at"],
            press=str(given["press"]),
        )


class CopyForm(WantedForm):
    branch = forms.CharField(
        required=False,
        max_length=60,
        label=gettext_lazy("Only this commission and all below it"),
        help_text=gettext_lazy("Its code; what is above it comes too. Empty: the whole tree."),
    )
    contests = forms.BooleanField(required=False, initial=True, label=gettext_lazy("With its contests"))
    publish = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Publish its checklists at once"),
        help_text=gettext_lazy("What is published never changes; without, they wait to be edited."),
    )


@page("new/", name="election_new", section="ready", order=2)
class NewElection(DeskView):
    """`?from=pack:kz` (superusers) or `?from=election:SLUG`, of one whose whole is the reader's to set up."""

    verb = Verb.SETUP
    anywhere = True
    title = gettext_lazy("New election")
    template_name = "desk/election_new.html"
    source: Election | None = None
    folder: Path | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "from" not in request.GET:
            return self.render_to_response(self.get_context_data(packs=self._packs(), sources=self._sources()))
        form = self._form(None)
        form.initial["press"] = uuid4()
        return self._page(form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self._page(form)
        wanted = form.wanted()
        made = election_made(press=wanted.press, user=self.user)
        if made is None:
            branch = self._branch(form)
            if form.is_valid() and Election.objects.filter(slug=wanted.slug).exists():
                self._taken(form)
            if not form.is_valid() or "make" not in request.POST:
                return self._page(form, branch)
            made = self._made(form, wanted, branch)
        if made is None:
            return self._page(form)
        messages.success(request, _("Made. This is what it still lacks."))
        return HttpResponseRedirect(reverse("desk:ready", args=[made.slug]))

    def _packs(self) -> list[str]:
        return packs_here() if access.is_superuser(self.user) else []

    def _sources(self) -> list[Election]:
        mine = access.elections(self.user, Verb.SETUP)
        return [one for one in mine if access.may_whole(self.user, Verb.SETUP, one)]

    def _form(self, given: Any) -> WantedForm:
        """For what the address names; 404 for what the reader may not make an election from."""
        kind, _colon, name = self.request.GET.get("from", "").partition(":")
        if kind == "pack" and name in self._packs():
            self.folder = pack_folder(name)
            pack = self._pack()
            return WantedForm(given, languages=list(pack.languages), zone=pack.timezone)
        self.source = next((one for one in self._sources() if kind == "election" and one.slug == name), None)
        if self.source is None:
            raise Http404
        return CopyForm(given, languages=list(self.source.languages), zone=self.source.timezone)

    def _pack(self) -> Pack:
        assert self.folder is not None
        try:
            return pack_read(self.folder)
        except BadTable:
            raise Http404 from None  # `create_election` says what is wrong with it

    def _branch(self, form: WantedForm) -> Commission | None:
        code = form.cleaned_data.get("branch", "").strip()
        if not code or self.source is None:
            return None
        found = access.reachable(self.user, Commission, Verb.SETUP, self.source).filter(code=code).first()
        if found is None:
            form.add_error("branch", _("This election has no such commission."))
        return found

    def _taken(self, form: WantedForm) -> None:
        form.add_error("slug", _("Another election has this word already."))

    def _made(self, form: WantedForm, wanted: Wanted, branch: Commission | None) -> Election | None:
        given, now = form.cleaned_data, timezone.now()
        try:
            if self.folder is not None:
                return election_from_pack(folder=self.folder, wanted=wanted, user=self.user, now=now)
            assert self.source is not None
            return election_copy(
                source=self.source,
                branch=branch,
                wanted=wanted,
                contests=given["contests"],
                publish=given["publish"],
                user=self.user,
                now=now,
            )
        except ElectionExists:
            made = election_made(press=wanted.press, user=self.user)
            if made is None:
                self._taken(form)
            return made
        except Rejected as refused:
            form.add_error("publish" if self.source else None, refused.detail)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        return None

    def _page(self, form: WantedForm, branch: Commission | None = None) -> HttpResponse:
        context: dict[str, Any] = {"form": form, "source": self.source, "pack": self.folder and self.folder.name}
        if form.is_bound and form.is_valid():
            context["counted"] = (
                pack_counted(folder=self.folder) if self.folder else copy_counted(source=self.source, branch=branch)  # type: ignore[arg-type]
            )
            context["hours"] = [
                clock(form.cleaned_data[end], str(form.zone)) if form.cleaned_data[end] else None
                for end in ("opens_at", "closes_at")
            ]
        return self.render_to_response(self.get_context_data(**context))
