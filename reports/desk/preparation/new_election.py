"""Creating an election from a pack or an earlier election."""

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

from observer.desk.pages import DeskView, register_page
from observer.models import Commission, Election
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.spreadsheets.tables import BadTable
from reports.desk.words.formats import to_local_time
from reports.problems import Rejected
from reports.services.elections.elections import (
    NewElection,
    copy_election,
    count_copy,
    count_pack,
    create_election_from_pack,
    find_created_election,
)
from reports.services.elections.pack_files import Pack, read_pack
from reports.services.elections.packs import ElectionExists, find_pack_folder, list_packs

DATETIME_LOCAL_INPUT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class NewElectionForm(forms.Form):
    """The fields of a new election. `languages`: those to choose from; `zone`: the time zone of the election.

    `press` is the idempotency key: posting the form twice creates one election.
    """

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
    opens_at = forms.DateTimeField(
        required=False, label=gettext_lazy("Reports of the day begin"), widget=DATETIME_LOCAL_INPUT
    )
    closes_at = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Reports of the day end"),
        widget=DATETIME_LOCAL_INPUT,
        help_text=gettext_lazy("Both by the clock of the election. Both empty: the hours that it is made from."),
    )

    def __init__(self, *args: Any, languages: list[str], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_languages, self.zone = languages, ZoneInfo(zone)
        self.fields["languages"].initial = ", ".join(languages)
        language_names = dict(settings.LANGUAGES)
        for code in languages:
            label = _("Name (%(language)s)") % {"language": language_names.get(code, code)}
            self.fields[f"name_{code}"] = forms.CharField(required=False, max_length=200, label=label)

    def clean_languages(self) -> list[str]:
        codes = [one.strip() for one in self.cleaned_data["languages"].split(",") if one.strip()]
        unknown = [one for one in codes if one not in self.known_languages]
        if unknown or not codes or len(set(codes)) != len(codes):
            raise ValidationError(_("Choose among %(known)s, each once.") % {"known": ", ".join(self.known_languages)})
        return codes

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for code in data.get("languages", ()):
            if not data.get(f"name_{code}"):
                self.add_error(f"name_{code}", _("The name is missing in this language."))
        for field in ("opens_at", "closes_at"):
            if data.get(field):  # typed in the election's time zone, not in the server's
                data[field] = data[field].replace(tzinfo=self.zone)
        opens, closes = data.get("opens_at"), data.get("closes_at")
        if bool(opens) != bool(closes):
            self.add_error("closes_at", _("Give both hours or neither."))
        elif opens and closes and opens >= closes:
            self.add_error("closes_at", _("It ends before it begins."))
        return data

    def build_new_election(self) -> NewElection:
        """The election that the valid form describes."""
        data = self.cleaned_data
        return NewElection(
            slug=data["slug"],
            names={code: data[f"name_{code}"] for code in data["languages"]},
            date=data["date"],
            languages=data["languages"],
            opens_at=data["opens_at"],
            closes_at=data["closes_at"],
            idempotency_key=str(data["press"]),
        )


class CopyElectionForm(NewElectionForm):
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


@register_page("new/", name="election_new", section="ready", order=2)
class NewElectionPage(DeskView):
    """The form for a new election.

    Without `?from=` it is the list of packs and elections to create one from. `?from=pack:NAME`: a pack, for
    superusers only. `?from=election:SLUG`: an election that the reader may set up as a whole. The first post shows
    what would be created; the second, with `make`, creates it.
    """

    permission = Permission.SETUP
    without_election = True
    title = gettext_lazy("New election")
    template_name = "desk/election_new.html"
    source: Election | None = None
    folder: Path | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "from" not in request.GET:
            return self.render_to_response(
                self.get_context_data(packs=self._list_packs(), sources=self._list_sources())
            )
        form = self._build_form(None)
        form.initial["press"] = uuid4()
        return self._render_page(form)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._build_form(request.POST)
        if not form.is_valid():
            return self._render_page(form)
        new_election = form.build_new_election()
        created = find_created_election(idempotency_key=new_election.idempotency_key, user=self.user)
        if created is None:
            branch = self._find_branch(form)
            if form.is_valid() and Election.objects.filter(slug=new_election.slug).exists():
                self._add_slug_error(form)
            if not form.is_valid() or "make" not in request.POST:
                return self._render_page(form, branch)
            created = self._create_election(form, new_election, branch)
        if created is None:
            return self._render_page(form)
        messages.success(request, _("Made. This is what it still lacks."))
        return HttpResponseRedirect(reverse("desk:ready", args=[created.slug]))

    def _list_packs(self) -> list[str]:
        return list_packs() if access.is_superuser(self.user) else []

    def _list_sources(self) -> list[Election]:
        elections = access.get_elections(self.user, Permission.SETUP)
        return [one for one in elections if access.has_election_wide_permission(self.user, Permission.SETUP, one)]

    def _build_form(self, data: Any) -> NewElectionForm:
        """The form for the pack or election in the address. Raises Http404 where the reader may not use that."""
        kind, _colon, name = self.request.GET.get("from", "").partition(":")
        if kind == "pack" and name in self._list_packs():
            self.folder = find_pack_folder(name)
            pack = self._read_pack()
            return NewElectionForm(data, languages=list(pack.languages), zone=pack.timezone)
        self.source = next((one for one in self._list_sources() if kind == "election" and one.slug == name), None)
        if self.source is None:
            raise Http404
        return CopyElectionForm(data, languages=list(self.source.languages), zone=self.source.timezone)

    def _read_pack(self) -> Pack:
        assert self.folder is not None
        try:
            return read_pack(self.folder)
        except BadTable:
            raise Http404 from None  # the command `create_election` tells what is wrong with the pack

    def _find_branch(self, form: NewElectionForm) -> Commission | None:
        """The commission to copy with everything below it.

        None, with an error in the form, where it is unknown; None too where the whole tree is copied.
        """
        code = form.cleaned_data.get("branch", "").strip()
        if not code or self.source is None:
            return None
        found = (
            access.get_permitted_rows(self.user, Commission, Permission.SETUP, self.source).filter(code=code).first()
        )
        if found is None:
            form.add_error("branch", _("This election has no such commission."))
        return found

    def _add_slug_error(self, form: NewElectionForm) -> None:
        form.add_error("slug", _("Another election has this word already."))

    def _create_election(
        self, form: NewElectionForm, new_election: NewElection, branch: Commission | None
    ) -> Election | None:
        """The new election.

        None, with an error in the form, where it could not be created.
        """
        options, now = form.cleaned_data, timezone.now()
        try:
            if self.folder is not None:
                return create_election_from_pack(folder=self.folder, new_election=new_election, user=self.user, now=now)
            assert self.source is not None
            return copy_election(
                source=self.source,
                branch=branch,
                new_election=new_election,
                contests=options["contests"],
                publish=options["publish"],
                user=self.user,
                now=now,
            )
        except ElectionExists:
            created = find_created_election(idempotency_key=new_election.idempotency_key, user=self.user)
            if created is None:
                self._add_slug_error(form)
            return created
        except Rejected as error:
            form.add_error("publish" if self.source else None, error.detail)
        except ValidationError as error:
            form.add_error(None, error.messages)
        return None

    def _render_page(self, form: NewElectionForm, branch: Commission | None = None) -> HttpResponse:
        context: dict[str, Any] = {"form": form, "source": self.source, "pack": self.folder and self.folder.name}
        if form.is_bound and form.is_valid():
            context["counted"] = (
                count_pack(folder=self.folder) if self.folder else count_copy(source=self.source, branch=branch)  # type: ignore[arg-type]
            )
            context["hours"] = [
                to_local_time(form.cleaned_data[end], str(form.zone)) if form.cleaned_data[end] else None
                for end in ("opens_at", "closes_at")
            ]
        return self.render_to_response(self.get_context_data(**context))
