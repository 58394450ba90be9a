"""Importing lists from spreadsheets: upload, preview line by line, then apply or cancel."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from observer.services.importing.changes import ImportLine, LineState
from observer.services.importing.observer_rows import PROTECTED_FIELDS
from observer.services.spreadsheets.columns import COLUMNS_BY_KIND
from observer.services.spreadsheets.sheets import MAX_FILE_BYTES
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.spreadsheets.template import build_template
from reports.desk.words.formats import ROLE_LABELS, to_local_time
from reports.models import Import
from reports.services.elections.imports import (
    apply_import,
    cancel_import,
    create_import,
    get_imports,
    list_import_kinds,
    load_preview,
)

PAGE_SIZE = 100
MAX_WRONG_LINES_NAMED = 30  # line numbers listed next to "leave the wrong lines out"
XLSX_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINE_STATE_LABELS: dict[str, str | Promise] = {
    LineState.NEW: gettext_lazy("new"),
    LineState.CHANGED: gettext_lazy("changed"),
    LineState.SAME: gettext_lazy("the same"),
    LineState.WRONG: gettext_lazy("wrong"),
}


@register_page("imports/", name="imports", section="ready", order=40)
class ImportListPage(DeskView):
    """The upload forms and templates, and the waiting imports.

    There is one form per kind of list that the reader may import.
    """

    permission = Permission.REGISTER
    title = gettext_lazy("Lists from spreadsheets")
    template_name = "desk/imports.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = get_imports(user=self.user, election=self.election, now=timezone.now()).filter(done_at=None)
        zone = self.election.timezone
        rows = [
            (one, COLUMNS_BY_KIND[one.kind].title, to_local_time(one.expires_at, zone))
            for one in waiting.defer("table", "lines")
        ]
        kinds = [COLUMNS_BY_KIND[kind] for kind in list_import_kinds(user=self.user, election=self.election)]
        return super().get_context_data(**kwargs) | {"kinds": kinds, "waiting": rows}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind, upload = request.POST.get("kind", ""), request.FILES.get("file")
        if kind not in list_import_kinds(user=self.user, election=self.election):
            raise Http404
        try:
            if upload is None:
                raise BadTable([BadLine(_("No file"), 0, _("choose one first"))])
            if (upload.size or 0) > MAX_FILE_BYTES:
                raise BadTable(
                    [BadLine(str(upload.name), 0, _("is larger than %(most)d bytes") % {"most": MAX_FILE_BYTES})]
                )
            row = create_import(
                kind=kind,
                election=self.election,
                source=upload.read(),
                file=str(upload.name),
                user=self.user,
                now=timezone.now(),
            )
        except BadTable as error:
            refused = {"kind": kind, "lines": error.lines[:100], "more": max(0, len(error.lines) - 100)}
            return self.render_to_response(self.get_context_data(refused=refused), status=422)
        return HttpResponseRedirect(self.get_page_url("import", row.pk))


@register_page("imports/<int:pk>/", name="import")
class ImportPage(DeskView):
    """The preview of one uploaded list; after it was applied, its result."""

    permission = Permission.REGISTER
    template_name = "desk/import.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self._get_import()
        if request.POST.get("do") == "cancel":
            cancel_import(row=row)
            return HttpResponseRedirect(self.get_page_url("imports"))
        try:
            result = apply_import(
                key=row.pk,
                stamp=request.POST.get("stamp", ""),
                leave_out="leave_out" in request.POST,
                user=self.user,
                now=timezone.now(),
            )
        except Import.DoesNotExist:
            raise Http404 from None
        if result.done:
            return HttpResponseRedirect(self.get_page_url("import", row.pk))
        if row.stamp == request.POST.get("stamp") and not result.differing:
            message = _("Some lines are wrong. Tick that they be left out, or mend the file and upload it again.")
            return self.render_to_response(self.get_context_data(problem=message), status=422)
        return self.render_to_response(
            self.get_context_data(
                outdated=True, problem=_("Something changed since this was shown. Nothing was written; look again.")
            ),
            status=409,
        )

    def _get_import(self) -> Import:
        """The reader's own import from the address. Raises Http404 where there is none."""
        rows = get_imports(user=self.user, election=self.election, now=timezone.now())
        row = rows.filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404
        return row

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self._get_import()
        columns = COLUMNS_BY_KIND[row.kind]
        context = super().get_context_data(**kwargs) | {
            "row": row,
            "title": columns.title,
            "states": [(one, LINE_STATE_LABELS[one], row.counts.get(one, 0)) for one in LineState],
            "expires": to_local_time(row.expires_at, self.election.timezone),
        }
        if row.done_at is not None:
            part = Paginator(row.codes, PAGE_SIZE).get_page(self.request.GET.get("page"))
            return context | {"part": part}
        preview = load_preview(row=row)
        show = self.request.GET.get("show", "differing" if kwargs.get("outdated") and preview.differing else "")
        lines = [
            one
            for one in preview.lines
            if not show or one.state == show or (show == "differing" and one.number in preview.differing)
        ]
        part = Paginator(lines, PAGE_SIZE).get_page(self.request.GET.get("page"))
        wrong_lines = [one.number for one in preview.lines if one.state == LineState.WRONG]
        return context | {
            "part": part,
            "rows": [self._describe_line(columns, one, preview.differing) for one in part.object_list],
            "notes": preview.notes,
            "show": show,
            "differing": len(preview.differing),
            "all": len(preview.lines),
            "wrong": wrong_lines[:MAX_WRONG_LINES_NAMED],
            "wrong_more": max(0, len(wrong_lines) - MAX_WRONG_LINES_NAMED),
            "anything": row.counts[LineState.NEW] + row.counts[LineState.CHANGED],
        }

    def _describe_line(self, columns: Any, line: ImportLine, differing: frozenset[int]) -> dict[str, Any]:
        changes = [(columns.get_label(one.field), one, one.field in PROTECTED_FIELDS) for one in line.changes]
        return {
            "line": line,
            "state": LINE_STATE_LABELS[line.state],
            "changes": changes,
            "differs": line.number in differing,
        }


@register_page("imports/templates/<slug:kind>/", name="import_template")
class ImportTemplateView(DeskView):
    """Downloads an empty workbook with the right headings, in the reader's language."""

    permission = Permission.REGISTER

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = self.kwargs["kind"]
        if kind not in list_import_kinds(user=self.user, election=self.election):
            raise Http404
        body = build_template(columns=COLUMNS_BY_KIND[kind], election=self.election, roles=ROLE_LABELS)
        headers = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
        return HttpResponse(body, content_type=XLSX_CONTENT_TYPE, headers=headers)
