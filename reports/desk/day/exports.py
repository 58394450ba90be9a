"""Lists as files: what I asked for and how far it is, how to ask, and the file itself."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from observer.desk.pages import DeskView, page
from observer.models import Commission, Election
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.accounts.disclosure_log import ReasonNeeded
from reports.desk.words.formats import clock
from reports.models import Export
from reports.problems import Rejected
from reports.services.exports.exports import export_ask, export_fetch, export_progress, exports_of
from reports.services.exports.filters import Unlisted
from reports.services.exports.tables import rows_count
from reports.services.schedule.station_filter import SHOWS

SHOWN = 50
TYPES = {
    Export.Format.CSV: "application/zip",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Words = dict[str, str | Promise]
KINDS: Words = {
    Export.Kind.REPORTS: gettext_lazy("Reports"),
    Export.Kind.VIOLATIONS: gettext_lazy("Violations"),
    Export.Kind.EVIDENCE: gettext_lazy("Files of evidence"),
    Export.Kind.COVERAGE: gettext_lazy("Coverage of stations"),
}
FORMATS: Words = {
    Export.Format.CSV: gettext_lazy("CSV, for analysis"),
    Export.Format.XLSX: gettext_lazy("XLSX, for Excel"),
}
LABELS: Words = {
    Export.Labels.CODES: gettext_lazy("codes"),
    Export.Labels.LABELS: gettext_lazy("words"),
    Export.Labels.BOTH: gettext_lazy("codes and words"),
}
PROBLEMS: Words = {
    Export.Problem.RIGHTS: gettext_lazy("You may no longer take this list out."),
    Export.Problem.DISK: gettext_lazy("There is too little room on the server's disk. Tell an administrator."),
    Export.Problem.LIST: gettext_lazy("This list is no longer there. Ask for it anew."),
    Export.Problem.BROKEN: gettext_lazy("It could not be written, three times. Tell an administrator."),
}
FILTERS: Words = {
    "checklist": gettext_lazy("checklist"),
    "state": gettext_lazy("state"),
    "rehearsal": gettext_lazy("rehearsal"),
    "quarantined": gettext_lazy("set aside"),
    "superseded": gettext_lazy("superseded"),
    "flag": gettext_lazy("flag"),
    "channel": gettext_lazy("channel"),
    "source": gettext_lazy("source"),
    "q": gettext_lazy("search"),
    "publishable": gettext_lazy("publishable"),
    "unapproved": gettext_lazy("not approved"),
    "media_type": gettext_lazy("type of file"),
    "at": gettext_lazy("territory"),
    "show": gettext_lazy("stations"),
}


class AskForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=FORMATS.items(),
        initial=Export.Format.XLSX,
        help_text=gettext_lazy("A table for each checklist, and one that says what the columns mean."),
    )
    labels = forms.ChoiceField(label=gettext_lazy("Answers as"), choices=LABELS.items(), initial=Export.Labels.BOTH)
    language = forms.ChoiceField(label=gettext_lazy("Language of the words"))
    words = forms.BooleanField(
        required=False,
        label=gettext_lazy("With free words and places of phones"),
        help_text=gettext_lazy("Comments, texts and coordinates may tell who somebody is."),
    )
    reason = forms.CharField(
        max_length=200,
        label=gettext_lazy("Why do you need it?"),
        help_text=gettext_lazy("This stays in the trail for good: write no names."),
    )

    def __init__(self, election: Election, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(settings.LANGUAGES)
        field: Any = self.fields["language"]
        field.choices = [(code, names.get(code, code)) for code in election.languages or names]
        field.initial = get_language()


@page("exports/", name="exports", section="out", order=1)
class Exports(DeskView):
    """My files of this election; `?part=1` is what the script asks for."""

    verb = Verb.EXPORT
    title = gettext_lazy("Exports")

    def get_template_names(self) -> list[str]:
        return ["desk/_exports.html" if "part" in self.request.GET else "desk/exports.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, zone = timezone.now(), self.election.timezone
        rows = []
        for one in exports_of(user=self.user, election=self.election)[:SHOWN]:
            done, total = export_progress(one) or (0, 0)
            rows.append(
                {
                    "row": one,
                    "kind": KINDS[one.kind],
                    "asked": clock(one.asked_at, zone),
                    "filters": filter_words(one.filters),
                    "there": one.is_there(now),
                    "done": done,
                    "total": total,
                    "problem": PROBLEMS.get(one.problem, ""),
                    "until": clock(one.expires_at, zone) if one.expires_at else None,
                }
            )
        kinds = [(kind, words) for kind, words in KINDS.items() if kind != Export.Kind.COVERAGE]
        return super().get_context_data(**kwargs) | {"rows": rows, "kinds": kinds, "zone": zone}


@page("exports/new/", name="export_new")
class ExportNew(DeskView):
    """`?kind=` which list, and the filters by which it was narrowed."""

    verb = Verb.EXPORT
    template_name = "desk/export_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._asked(AskForm(self.election, initial={"uuid": uuid4()}))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = AskForm(self.election, request.POST)
        if not form.is_valid():
            return self._asked(form)
        given, (kind, filters) = form.cleaned_data, self._named()
        uuid: UUID = given.pop("uuid")
        try:
            export_ask(
                uuid=uuid,
                user=self.user,
                election=self.election,
                kind=kind,
                filters=filters,
                now=timezone.now(),
                **given,
            )
        except Unlisted:
            raise Http404 from None
        except ReasonNeeded:
            form.add_error("reason", _("Say why."))
        except Rejected as problem:
            form.add_error(None, str(problem.detail))
        return self._asked(form) if form.errors else HttpResponseRedirect(self.link("exports"))

    def _named(self) -> tuple[str, dict[str, str]]:
        asked = self.request.GET
        filters = {name: str(value) for name, value in asked.items() if name != "kind"}
        return asked.get("kind", Export.Kind.REPORTS), filters

    def _asked(self, form: AskForm) -> HttpResponse:
        kind, filters = self._named()
        try:
            number = rows_count(kind=kind, user=self.user, election=self.election, filters=filters, now=timezone.now())
        except Unlisted:
            raise Http404 from None
        title = _("Export: %(list)s") % {"list": KINDS[kind]}
        context = self.get_context_data(form=form, number=number, filters=filter_words(filters)) | {"title": title}
        return self.render_to_response(context)


@page("exports/<int:pk>/", name="export")
class ExportFile(DeskView):
    """The file, for whoever asked for it and still may."""

    verb = Verb.EXPORT

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        export = get_object_or_404(exports_of(user=self.user, election=self.election), pk=self.kwargs["pk"])
        try:
            file = export_fetch(export=export, user=self.user, now=timezone.now())
        except FileNotFoundError:
            raise Http404 from None
        ending = export.name.rpartition(".")[2]
        name = f"{self.election.slug}-{export.kind}-{export.asked_at:%Y%m%d-%H%M}.{ending}"
        headers = {"Cache-Control": "private, no-store"}
        return FileResponse(
            file, as_attachment=True, filename=name, content_type=TYPES[Export.Format(export.format)], headers=headers
        )


def filter_words(filters: Mapping[str, str]) -> str:
    """By what the list was narrowed."""
    return ", ".join(f"{FILTERS.get(name, name)}: {value}" for name, value in filters.items())


def coverage_link(view: DeskView, place: Commission, **filters: str) -> str:
    """Where the stations of a territory are asked for as a file; "" for whom they are not, and for what is no list."""
    if filters.get("show", "") not in SHOWS or not access.may(view.user, Verb.EXPORT, place):
        return ""
    asked = {"kind": Export.Kind.COVERAGE, "at": place.code} | {name: one for name, one in filters.items() if one}
    return f"{view.link('export_new')}?{urlencode(asked)}"
