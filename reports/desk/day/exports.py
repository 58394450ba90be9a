"""Export pages: the list with progress, the form, the download."""

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

from observer.desk.pages import DeskView, register_page
from observer.models import Commission, Election
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.accounts.disclosure_log import ReasonRequired
from reports.desk.words.formats import to_local_time
from reports.models import Export
from reports.problems import Rejected
from reports.services.exports.exports import get_exports, open_export, read_progress, request_export
from reports.services.exports.filters import InvalidListing
from reports.services.exports.tables import count_rows
from reports.services.schedule.station_filter import STATION_FILTERS

MAX_EXPORTS_LISTED = 50
CONTENT_TYPES = {
    Export.Format.CSV: "application/zip",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Labels = dict[str, str | Promise]
KIND_LABELS: Labels = {
    Export.Kind.REPORTS: gettext_lazy("Reports"),
    Export.Kind.VIOLATIONS: gettext_lazy("Violations"),
    Export.Kind.EVIDENCE: gettext_lazy("Files of evidence"),
    Export.Kind.COVERAGE: gettext_lazy("Coverage of stations"),
}
FORMAT_LABELS: Labels = {
    Export.Format.CSV: gettext_lazy("CSV, for analysis"),
    Export.Format.XLSX: gettext_lazy("XLSX, for Excel"),
}
ANSWER_STYLE_LABELS: Labels = {
    Export.Labels.CODES: gettext_lazy("codes"),
    Export.Labels.LABELS: gettext_lazy("words"),
    Export.Labels.BOTH: gettext_lazy("codes and words"),
}
PROBLEM_LABELS: Labels = {
    Export.Problem.RIGHTS: gettext_lazy("You may no longer take this list out."),
    Export.Problem.DISK: gettext_lazy("There is too little room on the server's disk. Tell an administrator."),
    Export.Problem.LIST: gettext_lazy("This list is no longer there. Ask for it anew."),
    Export.Problem.BROKEN: gettext_lazy("It could not be written, three times. Tell an administrator."),
}
FILTER_LABELS: Labels = {
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


class ExportForm(forms.Form):
    uuid = forms.UUIDField(widget=forms.HiddenInput)
    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=FORMAT_LABELS.items(),
        initial=Export.Format.XLSX,
        help_text=gettext_lazy("A table for each checklist, and one that says what the columns mean."),
    )
    labels = forms.ChoiceField(
        label=gettext_lazy("Answers as"), choices=ANSWER_STYLE_LABELS.items(), initial=Export.Labels.BOTH
    )
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


@register_page("exports/", name="exports", section="out", order=1)
class ExportListPage(DeskView):
    """The reader's exports of this election. `?part=1`: only the part that the script on the page reloads."""

    permission = Permission.EXPORT
    title = gettext_lazy("Exports")

    def get_template_names(self) -> list[str]:
        return ["desk/_exports.html" if "part" in self.request.GET else "desk/exports.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, zone = timezone.now(), self.election.timezone
        rows = []
        for one in get_exports(user=self.user, election=self.election)[:MAX_EXPORTS_LISTED]:
            done, total = read_progress(one) or (0, 0)
            rows.append(
                {
                    "row": one,
                    "kind": KIND_LABELS[one.kind],
                    "asked": to_local_time(one.asked_at, zone),
                    "filters": format_filters(one.filters),
                    "there": one.is_available(now),
                    "done": done,
                    "total": total,
                    "problem": PROBLEM_LABELS.get(one.problem, ""),
                    "until": to_local_time(one.expires_at, zone) if one.expires_at else None,
                }
            )
        kinds = [(kind, words) for kind, words in KIND_LABELS.items() if kind != Export.Kind.COVERAGE]
        return super().get_context_data(**kwargs) | {"rows": rows, "kinds": kinds, "zone": zone}


@register_page("exports/new/", name="export_new")
class NewExportPage(DeskView):
    """The form for a new export. `?kind=` names the list; the other query parameters are its filters."""

    permission = Permission.EXPORT
    template_name = "desk/export_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._render_form(ExportForm(self.election, initial={"uuid": uuid4()}))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ExportForm(self.election, request.POST)
        if not form.is_valid():
            return self._render_form(form)
        options, (kind, filters) = form.cleaned_data, self._parse_query()
        uuid: UUID = options.pop("uuid")
        try:
            request_export(
                uuid=uuid,
                user=self.user,
                election=self.election,
                kind=kind,
                filters=filters,
                now=timezone.now(),
                **options,
            )
        except InvalidListing:
            raise Http404 from None
        except ReasonRequired:
            form.add_error("reason", _("Say why."))
        except Rejected as problem:
            form.add_error(None, str(problem.detail))
        return self._render_form(form) if form.errors else HttpResponseRedirect(self.get_page_url("exports"))

    def _parse_query(self) -> tuple[str, dict[str, str]]:
        """The kind of list and its filters, from the address."""
        query = self.request.GET
        filters = {name: str(value) for name, value in query.items() if name != "kind"}
        return query.get("kind", Export.Kind.REPORTS), filters

    def _render_form(self, form: ExportForm) -> HttpResponse:
        kind, filters = self._parse_query()
        try:
            row_count = count_rows(
                kind=kind, user=self.user, election=self.election, filters=filters, now=timezone.now()
            )
        except InvalidListing:
            raise Http404 from None
        title = _("Export: %(list)s") % {"list": KIND_LABELS[kind]}
        context = self.get_context_data(form=form, number=row_count, filters=format_filters(filters)) | {"title": title}
        return self.render_to_response(context)


@register_page("exports/<int:pk>/", name="export")
class ExportDownloadView(DeskView):
    """Downloads an exported file.

    Only for the user who requested it and still has the permission.
    """

    permission = Permission.EXPORT

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        export = get_object_or_404(get_exports(user=self.user, election=self.election), pk=self.kwargs["pk"])
        try:
            file = open_export(export=export, user=self.user, now=timezone.now())
        except FileNotFoundError:
            raise Http404 from None
        extension = export.name.rpartition(".")[2]
        name = f"{self.election.slug}-{export.kind}-{export.asked_at:%Y%m%d-%H%M}.{extension}"
        headers = {"Cache-Control": "private, no-store"}
        return FileResponse(
            file,
            as_attachment=True,
            filename=name,
            content_type=CONTENT_TYPES[Export.Format(export.format)],
            headers=headers,
        )


def format_filters(filters: Mapping[str, str]) -> str:
    """The filters of an exported list in words, separated by commas."""
    return ", ".join(f"{FILTER_LABELS.get(name, name)}: {value}" for name, value in filters.items())


def build_coverage_link(view: DeskView, place: Commission, **filters: str) -> str:
    """The address of the form that exports the stations of a territory.

    It is "" where the reader may not export them, and for a `show` filter that exports do not know.
    """
    if filters.get("show", "") not in STATION_FILTERS or not access.has_permission(view.user, Permission.EXPORT, place):
        return ""
    query = {"kind": Export.Kind.COVERAGE, "at": place.code} | {name: one for name, one in filters.items() if one}
    return f"{view.get_page_url('export_new')}?{urlencode(query)}"
