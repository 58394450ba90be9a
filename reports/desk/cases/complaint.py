"""Pages of one complaint: its steps, and the printable document.

The steps are the draft, the filing, the answer and the appeal.
"""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from observer.desk.pages import register_page
from observer.models.row_scope import Permission
from observer.services.trail import add_trail_entry
from observer.words import get_translation
from reports.desk.cases.cases import BaseCaseView, list_named_observers
from reports.desk.words.formats import get_place_name, to_local_time
from reports.desk.words.labels import CASE_FILE_KIND_LABELS, COMPLAINT_OUTCOME_LABELS
from reports.models import Case, Complaint, Evidence
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.cases.case_files import add_case_file
from reports.services.cases.complaints import (
    edit_complaint,
    file_complaint,
    get_pending_deadline,
    record_complaint_answer,
)
from reports.services.cases.deadlines import get_deadlines
from reports.services.review.decisions import EditConflict


@register_page("cases/<int:pk>/complaints/<int:complaint>/", name="complaint")
class ComplaintPage(BaseCaseView):
    permission = Permission.CASES
    template_name = "desk/complaint.html"

    def get_case_and_complaint(self) -> tuple[Case, Complaint]:
        """The case and the complaint from the address. Raises Http404 where the reader may not see them."""
        case = self.get_case(Permission.CASES)
        complaint = case.complaints.select_related("appeals", "created_by").filter(pk=self.kwargs["complaint"]).first()
        if complaint is None:
            raise Http404
        complaint.case = case
        return case, complaint

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case, complaint = self.get_case_and_complaint()
        return self.render_to_response(self.get_context_data(case=case, complaint=complaint))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case, complaint = self.get_case_and_complaint()
        handlers: Mapping[str, Callable[[Case, Complaint], None]] = {
            "write": self._write_complaint,
            "file": self._file_complaint,
            "answer": self._record_answer,
            "paper": self._add_file,
        }
        action = request.POST.get("do", "")
        if action not in handlers:
            raise Http404
        try:
            handlers[action](case, complaint)
            return HttpResponseRedirect(self.get_page_url("complaint", case.pk, complaint.pk))
        except EditConflict:
            message = _("A colleague changed this meanwhile. Your words are below and not stored: compare, then store.")
        except Rejected as error:
            message = " ".join(str(one.detail) for one in error.errors) or str(error.detail)
        case, complaint = self.get_case_and_complaint()
        context = self.get_context_data(case=case, complaint=complaint, told=message, typed=request.POST)
        return self.render_to_response(context, status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, complaint = kwargs["case"], kwargs["complaint"]
        zone, now, deadlines = case.commission.zone, timezone.now(), get_deadlines(self.election)
        due = get_pending_deadline(complaint)
        deadline, typed = deadlines.get(complaint.term), kwargs.get("typed") or {}
        return super().get_context_data(**kwargs) | {
            "title": _("Complaint %(id)s") % {"id": complaint.pk},
            "place_name": get_place_name(case.commission),
            "zone": zone,
            "term": deadline,
            "term_name": get_translation(deadline.names) if deadline else complaint.term,
            "who": get_translation(deadline.who_may_file) if deadline else "",
            "due": to_local_time(due, zone) if due else None,
            "late": bool(due and due < now),
            "days": (due - now).days if due else 0,
            "now": to_local_time(now, zone),
            "forum": typed.get("forum", complaint.forum),
            "text": typed.get("text", complaint.text),
            "filed": to_local_time(complaint.filed_at, zone) if complaint.filed_at else None,
            "answered": to_local_time(complaint.answered_at, zone) if complaint.answered_at else None,
            "outcome": COMPLAINT_OUTCOME_LABELS.get(complaint.outcome, ""),
            "outcomes": list(COMPLAINT_OUTCOME_LABELS.items()),
            "terms": [(one, get_translation(one.names)) for one in deadlines.values()],
            "appeal": Complaint.objects.filter(appeals=complaint).first(),
            "paper_kinds": list(CASE_FILE_KIND_LABELS.items()),
            "papers": [
                (one, CASE_FILE_KIND_LABELS[one.kind], to_local_time(one.at, zone))
                for one in complaint.files.select_related("user")
            ],
        }

    def _write_complaint(self, case: Case, complaint: Complaint) -> None:
        edit_complaint(
            complaint=complaint,
            forum=self.request.POST.get("forum", ""),
            text=self.request.POST.get("text", ""),
            user=self.user,
            now=timezone.now(),
            seen=self.get_seen_revision(),
        )

    def _file_complaint(self, case: Case, complaint: Complaint) -> None:
        file_complaint(
            complaint=complaint,
            filed_at=self.parse_local_time("filed_at", case),
            user=self.user,
            now=timezone.now(),
            answer_term=self.request.POST.get("answer_term", ""),
            seen=self.get_seen_revision(),
        )

    def _record_answer(self, case: Case, complaint: Complaint) -> None:
        record_complaint_answer(
            complaint=complaint,
            answered_at=self.parse_local_time("answered_at", case),
            user=self.user,
            now=timezone.now(),
            outcome=self.request.POST.get("outcome", ""),
            seen=self.get_seen_revision(),
        )

    def _add_file(self, case: Case, complaint: Complaint) -> None:
        upload = self.request.FILES.get("file")
        if upload is None:
            raise Rejected("invalid_report", _("Choose a file."), "file")
        add_case_file(
            case=case,
            complaint=complaint,
            kind=self.request.POST.get("kind", ""),
            name=str(upload.name),
            stream=cast(BinaryIO, upload),
            user=self.user,
            now=timezone.now(),
        )


@register_page("cases/<int:pk>/complaints/<int:complaint>/print/", name="complaint_print")
class ComplaintPrintPage(ComplaintPage):
    """The complaint as a document. It names the observers who consented; a trail entry records each name shown."""

    template_name = "desk/complaint_print.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, now = kwargs["case"], timezone.now()
        observers = list_named_observers(case, self.user)
        for observer, may_name in observers:
            if may_name:
                detail = {"case": case.pk, "fields": ["name"]}
                add_trail_entry(action="observer.named", subject=observer, now=now, user=self.user, detail=detail)
        reports = list(cases.get_case_reports(case))
        evidence = Evidence.objects.filter(report__in=[one.pk for one in reports], state=Evidence.State.STORED)
        zone = case.commission.zone
        return super().get_context_data(**kwargs) | {
            "people": observers,
            "reports": [(one, to_local_time(one.observed_at, zone)) for one in reports],
            "evidence": list(evidence.select_related("report", "observer").defer("report__body").order_by("pk")),
        }
