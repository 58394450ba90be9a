"""One complaint of a case: its words, its filing, the answer, the appeal; and as a document with its evidence."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from observer.desk.pages import page
from observer.models.reach import Verb
from observer.services.trail import trail_add
from observer.words import in_language
from reports.desk.cases.cases import OneCase, named_in
from reports.desk.words.formats import clock, name_of
from reports.desk.words.labels import ANSWERED, PAPERS
from reports.models import Case, Complaint, Evidence
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.cases.case_files import case_file_add
from reports.services.cases.complaints import (
    complaint_answer,
    complaint_file,
    complaint_write,
    complaints_waiting,
)
from reports.services.cases.deadlines import terms_of
from reports.services.review.decisions import Changed


@page("cases/<int:pk>/complaints/<int:complaint>/", name="complaint")
class ComplaintPage(OneCase):
    verb = Verb.CASES
    template_name = "desk/complaint.html"

    def both(self) -> tuple[Case, Complaint]:
        case = self.found(Verb.CASES)
        row = case.complaints.select_related("appeals", "created_by").filter(pk=self.kwargs["complaint"]).first()
        if row is None:
            raise Http404
        row.case = case
        return case, row

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case, complaint = self.both()
        return self.render_to_response(self.get_context_data(case=case, complaint=complaint))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case, complaint = self.both()
        acts: Mapping[str, Callable[[Case, Complaint], None]] = {
            "write": self._write,
            "file": self._file,
            "answer": self._answer,
            "paper": self._paper,
        }
        do = request.POST.get("do", "")
        if do not in acts:
            raise Http404
        try:
            acts[do](case, complaint)
            return HttpResponseRedirect(self.link("complaint", case.pk, complaint.pk))
        except Changed:
            told = _("A colleague changed this meanwhile. Your words are below and not stored: compare, then store.")
        except Rejected as problem:
            told = " ".join(str(one.detail) for one in problem.errors) or str(problem.detail)
        case, complaint = self.both()
        context = self.get_context_data(case=case, complaint=complaint, told=told, typed=request.POST)
        return self.render_to_response(context, status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, complaint = kwargs["case"], kwargs["complaint"]
        zone, now, terms = case.commission.zone, timezone.now(), terms_of(self.election)
        due = complaints_waiting(complaint)
        term, typed = terms.get(complaint.term), kwargs.get("typed") or {}
        return super().get_context_data(**kwargs) | {
            "title": _("Complaint %(id)s") % {"id": complaint.pk},
            "place_name": name_of(case.commission),
            "zone": zone,
            "term": term,
            "term_name": in_language(term.names) if term else complaint.term,
            "who": in_language(term.who_may_file) if term else "",
            "due": clock(due, zone) if due else None,
            "late": bool(due and due < now),
            "days": (due - now).days if due else 0,
            "now": clock(now, zone),
            "forum": typed.get("forum", complaint.forum),
            "text": typed.get("text", complaint.text),
            "filed": clock(complaint.filed_at, zone) if complaint.filed_at else None,
            "answered": clock(complaint.answered_at, zone) if complaint.answered_at else None,
            "outcome": ANSWERED.get(complaint.outcome, ""),
            "outcomes": list(ANSWERED.items()),
            "terms": [(one, in_language(one.names)) for one in terms.values()],
            "appeal": Complaint.objects.filter(appeals=complaint).first(),
            "paper_kinds": list(PAPERS.items()),
            "papers": [(one, PAPERS[one.kind], clock(one.at, zone)) for one in complaint.files.select_related("user")],
        }

    def _write(self, case: Case, complaint: Complaint) -> None:
        complaint_write(
            complaint=complaint,
            forum=self.request.POST.get("forum", ""),
            text=self.request.POST.get("text", ""),
            user=self.user,
            now=timezone.now(),
            seen=self.seen(),
        )

    def _file(self, case: Case, complaint: Complaint) -> None:
        complaint_file(
            complaint=complaint,
            filed_at=self.moment("filed_at", case),
            user=self.user,
            now=timezone.now(),
            answer_term=self.request.POST.get("answer_term", ""),
            seen=self.seen(),
        )

    def _answer(self, case: Case, complaint: Complaint) -> None:
        complaint_answer(
            complaint=complaint,
            answered_at=self.moment("answered_at", case),
            user=self.user,
            now=timezone.now(),
            outcome=self.request.POST.get("outcome", ""),
            seen=self.seen(),
        )

    def _paper(self, case: Case, complaint: Complaint) -> None:
        upload = self.request.FILES.get("file")
        if upload is None:
            raise Rejected("invalid_report", _("Choose a file."), "file")
        case_file_add(
            case=case,
            complaint=complaint,
            kind=self.request.POST.get("kind", ""),
            name=str(upload.name),
            stream=cast(BinaryIO, upload),
            user=self.user,
            now=timezone.now(),
        )


@page("cases/<int:pk>/complaints/<int:complaint>/print/", name="complaint_print")
class ComplaintPrint(ComplaintPage):
    """As a document: whoever agreed is named in it, and that their name was seen is noted."""

    template_name = "desk/complaint_print.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, now = kwargs["case"], timezone.now()
        people = named_in(case, self.user)
        for observer, named in people:
            if named:
                detail = {"case": case.pk, "fields": ["name"]}
                trail_add(action="observer.named", subject=observer, now=now, user=self.user, detail=detail)
        reports = list(cases.reports_of(case))
        evidence = Evidence.objects.filter(report__in=[one.pk for one in reports], state=Evidence.State.STORED)
        zone = case.commission.zone
        return super().get_context_data(**kwargs) | {
            "people": people,
            "reports": [(one, clock(one.observed_at, zone)) for one in reports],
            "evidence": list(evidence.select_related("report", "observer").defer("report__body").order_by("pk")),
        }
