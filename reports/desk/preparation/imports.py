"""Lists from spreadsheets: uploaded, looked at line by line, then done or not."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from observer.services.importing.changes import Line, State
from observer.services.importing.observer_rows import PROTECTED
from observer.services.spreadsheets.columns import KINDS
from observer.services.spreadsheets.sheets import FILE_MAX
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.spreadsheets.template import template_of
from reports.desk.words.formats import ROLES, clock
from reports.models import Import
from reports.services.elections.imports import (
    import_cancel,
    import_do,
    import_shown,
    import_upload,
    imports_of,
    kinds_of,
)

ON_A_PAGE = 100
NAMED = 30  # wrong lines that the tick names by number
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATES: dict[str, str | Promise] = {
    State.NEW: gettext_lazy("new"),
    State.CHANGED: gettext_lazy("changed"),
    State.SAME: gettext_lazy("the same"),
    State.WRONG: gettext_lazy("wrong"),
}


@page("imports/", name="imports", section="ready", order=40)
class Imports(DeskView):
    """A file and its template for each list that the reader may import."""

    verb = Verb.REGISTER
    title = gettext_lazy("Lists from spreadsheets")
    template_name = "desk/imports.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = imports_of(user=self.user, election=self.election, now=timezone.now()).filter(done_at=None)
        zone = self.election.timezone
        rows = [(one, KINDS[one.kind].title, clock(one.expires_at, zone)) for one in waiting.defer("table", "lines")]
        kinds = [KINDS[kind] for kind in kinds_of(user=self.user, election=self.election)]
        return super().get_context_data(**kwargs) | {"kinds": kinds, "waiting": rows}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind, given = request.POST.get("kind", ""), request.FILES.get("file")
        if kind not in kinds_of(user=self.user, election=self.election):
            raise Http404
        try:
            if given is None:
                raise BadTable([BadLine(_("No file"), 0, _("choose one first"))])
            if (given.size or 0) > FILE_MAX:
                raise BadTable([BadLine(str(given.name), 0, _("is larger than %(most)d bytes") % {"most": FILE_MAX})])
            row = import_upload(
                kind=kind,
                election=self.election,
                source=given.read(),
                file=str(given.name),
                user=self.user,
                now=timezone.now(),
            )
        except BadTable as error:
            refused = {"kind": kind, "lines": error.lines[:100], "more": max(0, len(error.lines) - 100)}
            return self.render_to_response(self.get_context_data(refused=refused), status=422)
        return HttpResponseRedirect(self.link("import", row.pk))


@page("imports/<int:pk>/", name="import")
class ImportPage(DeskView):
    """What one uploaded list would do; once it is done, what it did."""

    verb = Verb.REGISTER
    template_name = "desk/import.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self._row()
        if request.POST.get("do") == "cancel":
            import_cancel(row=row)
            return HttpResponseRedirect(self.link("imports"))
        try:
            answer = import_do(
                key=row.pk,
                stamp=request.POST.get("stamp", ""),
                leave_out="leave_out" in request.POST,
                user=self.user,
                now=timezone.now(),
            )
        except Import.DoesNotExist:
            raise Http404 from None
        if answer.done:
            return HttpResponseRedirect(self.link("import", row.pk))
        if row.stamp == request.POST.get("stamp") and not answer.differing:
            wrong = _("Some lines are wrong. Tick that they be left out, or mend the file and upload it again.")
            return self.render_to_response(self.get_context_data(problem=wrong), status=422)
        return self.render_to_response(
            self.get_context_data(
                outdated=True, problem=_("Something changed since this was shown. Nothing was written; look again.")
            ),
            status=409,
        )

    def _row(self) -> Import:
        rows = imports_of(user=self.user, election=self.election, now=timezone.now())
        row = rows.filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404
        return row

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self._row()
        columns = KINDS[row.kind]
        context = super().get_context_data(**kwargs) | {
            "row": row,
            "title": columns.title,
            "states": [(one, STATES[one], row.counts.get(one, 0)) for one in State],
            "expires": clock(row.expires_at, self.election.timezone),
        }
        if row.done_at is not None:
            part = Paginator(row.codes, ON_A_PAGE).get_page(self.request.GET.get("page"))
            return context | {"part": part}
        shown = import_shown(row=row)
        show = self.request.GET.get("show", "differing" if kwargs.get("outdated") and shown.differing else "")
        lines = [
            one
            for one in shown.lines
            if not show or one.state == show or (show == "differing" and one.number in shown.differing)
        ]
        part = Paginator(lines, ON_A_PAGE).get_page(self.request.GET.get("page"))
        wrong = [one.number for one in shown.lines if one.state == State.WRONG]
        return context | {
            "part": part,
            "rows": [self._told(columns, one, shown.differing) for one in part.object_list],
            "notes": shown.notes,
            "show": show,
            "differing": len(shown.differing),
            "all": len(shown.lines),
            "wrong": wrong[:NAMED],
            "wrong_more": max(0, len(wrong) - NAMED),
            "anything": row.counts[State.NEW] + row.counts[State.CHANGED],
        }

    def _told(self, columns: Any, line: Line, differing: frozenset[int]) -> dict[str, Any]:
        changes = [(columns.word(one.field), one, one.field in PROTECTED) for one in line.changes]
        return {"line": line, "state": STATES[line.state], "changes": changes, "differs": line.number in differing}


@page("imports/templates/<slug:kind>/", name="import_template")
class ImportTemplate(DeskView):
    """An empty workbook with the right headings in the reader's language."""

    verb = Verb.REGISTER

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = self.kwargs["kind"]
        if kind not in kinds_of(user=self.user, election=self.election):
            raise Http404
        body = template_of(columns=KINDS[kind], election=self.election, roles=ROLES)
        headers = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
        return HttpResponse(body, content_type=XLSX, headers=headers)
