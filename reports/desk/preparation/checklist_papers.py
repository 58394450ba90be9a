"""The checklists of an election on paper, in each of its languages."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from reports.desk.paper.checklist_pdf import checklist_pdf
from reports.desk.paper.pdf_canvas import pdf_response
from reports.models import ChecklistVersion, Question, ViolationType


@page("papers/", name="papers", section="ready", order=60)
class Papers(DeskView):
    """The wording in force of each checklist; an earlier one is printed from its own page."""

    verb = Verb.LOOK
    title = _("Checklists on paper")
    template_name = "desk/papers.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = self.visible(ChecklistVersion).filter(published_at__isnull=False).select_related("checklist")
        latest = {one.checklist_id: one for one in rows.order_by("checklist__order", "checklist__code", "number")}
        return super().get_context_data(**kwargs) | {"rows": list(latest.values())}


@page("papers/<int:pk>/<slug:language>/", name="paper")
class Paper(DeskView):
    verb = Verb.LOOK

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        published = self.visible(ChecklistVersion).filter(pk=self.kwargs["pk"], published_at__isnull=False)
        version = published.select_related("checklist").first()
        language = str(self.kwargs["language"])
        if version is None or language not in self.election.languages:
            raise Http404
        version.checklist.election = self.election
        asked = self.visible(Question).filter(version=version.pk).select_related("section").order_by("order", "pk")
        kinds = (
            self.visible(ViolationType).select_related("group").order_by("group__order", "group__code", "order", "code")
        )
        content = checklist_pdf(version, language=language, questions=list(asked), violations=kinds)
        return pdf_response(content, f"{version.checklist.code}-{version.number}-{language}")
