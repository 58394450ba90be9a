"""Printable checklists: the list of PDFs and their download.

There is one PDF per language of the election.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from reports.desk.paper.checklist_pdf import build_checklist_pdf
from reports.desk.paper.pdf_canvas import build_pdf_response
from reports.models import ChecklistVersion, Question, ViolationType


@register_page("papers/", name="papers", section="ready", order=60)
class PrintableChecklistsPage(DeskView):
    """The version in force of each checklist.

    Earlier versions are printed from their own page in the admin.
    """

    permission = Permission.LOOK
    title = _("Checklists on paper")
    template_name = "desk/papers.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = self.get_visible_rows(ChecklistVersion).filter(published_at__isnull=False).select_related("checklist")
        latest = {one.checklist_id: one for one in rows.order_by("checklist__order", "checklist__code", "number")}
        return super().get_context_data(**kwargs) | {"rows": list(latest.values())}


@register_page("papers/<int:pk>/<slug:language>/", name="paper")
class ChecklistPdfView(DeskView):
    """Downloads one published checklist version as PDF, in one language of the election."""

    permission = Permission.LOOK

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        published = self.get_visible_rows(ChecklistVersion).filter(pk=self.kwargs["pk"], published_at__isnull=False)
        version = published.select_related("checklist").first()
        language = str(self.kwargs["language"])
        if version is None or language not in self.election.languages:
            raise Http404
        version.checklist.election = self.election
        questions = (
            self.get_visible_rows(Question).filter(version=version.pk).select_related("section").order_by("order", "pk")
        )
        violation_types = (
            self.get_visible_rows(ViolationType)
            .select_related("group")
            .order_by("group__order", "group__code", "order", "code")
        )
        content = build_checklist_pdf(
            version, language=language, questions=list(questions), violation_types=violation_types
        )
        return build_pdf_response(content, f"{version.checklist.code}-{version.number}-{language}")
