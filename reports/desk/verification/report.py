"""One report: what it says and how it stands, beside what others say; what the desk decides about it."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from observer.desk.pages import DeskView, page
from observer.models.reach import Verb
from reports.desk.verification.report_parts import parts_of
from reports.desk.verification.review_queue import give_back, next_check
from reports.desk.words.question_groups import answers_posted
from reports.models import Case, Check, Evidence, Question, Report, Violation
from reports.problems import Rejected
from reports.services.cases.cases import case_join, case_open
from reports.services.evidence.processing import evidence_approve, evidence_withdraw
from reports.services.intake.correction import answer_correct
from reports.services.intake.dictation import Meanwhile
from reports.services.review import decisions
from reports.services.review.decisions import Changed

DECISIONS: dict[str, Callable[..., None]] = {
    "verify": decisions.report_verify,
    "reject": decisions.report_reject,
    "hold": decisions.report_hold,
    "restore": decisions.report_restore,
}
ASKED = ("faces", "marks", "lists")


class Said(Exception):
    """Something that the reader is told, on the page as they left it."""


@page("reports/<int:pk>/", name="report")
class ReportPage(DeskView):
    verb = Verb.LOOK
    template_name = "desk/report.html"
    report: Report

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.report = self._found()
        if self._may(Verb.VERIFY):
            decisions.report_read(report=self.report, now=timezone.now())
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.report = self._found()
        do = request.POST.get("do", "")
        acts: Mapping[str, tuple[Verb, Callable[[], HttpResponse | None]]] = {
            **dict.fromkeys(DECISIONS, (Verb.VERIFY, self._decide)),
            "violation": (Verb.VERIFY, self._violation),
            "case": (Verb.CASES, self._case),
            "correct": (Verb.DICTATE, self._correct),
            "photo": (Verb.APPROVE, self._photo),
            "back": (Verb.VERIFY, lambda: give_back(self, self.report)),
        }
        if do not in acts or not self._may(acts[do][0]):
            raise Http404
        try:
            return acts[do][1]() or HttpResponseRedirect(self.link("report", self.report.pk))
        except Changed:
            told = _("A colleague decided this meanwhile. Nothing of yours was written: look at it again.")
        except Meanwhile as found:
            told = _("A newer report came meanwhile (%(id)s). Look at it first.") % {"id": found.report.pk}
        except Rejected as problem:
            told = " ".join(str(one.detail) for one in problem.errors) or str(problem.detail)
        except Said as words:
            told = str(words)
        self.report = self._found()
        return self.render_to_response(self.get_context_data(told=told, typed=request.POST), status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may = {
            verb.value: self._may(verb)
            for verb in (
                Verb.VERIFY,
                Verb.CASES,
                Verb.DICTATE,
                Verb.APPROVE,
                Verb.ORIGINAL,
                Verb.QUARANTINE,
                Verb.CONTACT,
            )
        }
        title = _("Report %(id)s") % {"id": self.report.pk}
        parts = parts_of(self, self.report, correct=self.request.GET.get("correct", ""), now=timezone.now())
        return super().get_context_data(**kwargs) | parts | {"report": self.report, "may_do": may, "title": title}

    def _found(self) -> Report:
        rows = self.visible(Report).select_related(
            "commission__election",
            "commission__level",
            "observer",
            "version__checklist",
            "contest",
            "author",
            "decided_by",
        )
        found = rows.defer("body").filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404
        return found

    def _may(self, verb: Verb) -> bool:
        return self.reachable(Report, verb).filter(pk=self.report.pk).exists()

    # ── what is done ──
    def _decide(self) -> HttpResponse | None:
        do, reason = self.request.POST["do"], self.request.POST.get("reason", "").strip()[:500]
        if do == "reject" and not reason:
            raise Said(_("Say why it is rejected."))
        mine = self.visible(Check).filter(report=self.report.pk, user=self.user, until__gt=timezone.now()).exists()
        DECISIONS[do](
            report=self.report,
            user=self.user,
            now=timezone.now(),
            reason=reason,
            seen=self.request.POST.get("seen", ""),
        )
        return next_check(self) if mine and do in ("verify", "reject") else None

    def _violation(self) -> HttpResponse | None:
        violation = self._named(Violation)
        decisions.violation_decide(
            violation=violation,
            state=self._one_of("state", Violation.State.values),
            user=self.user,
            now=timezone.now(),
            note=self.request.POST.get("note", "").strip()[:2000],
            seen=self.request.POST.get("seen", ""),
        )
        return None

    def _case(self) -> HttpResponse | None:
        """A case of its own, or the same event as another report's."""
        violation, seen = self._named(Violation), self.request.POST.get("seen", "")
        named = self.request.POST.get("case", "")
        if named == "new":
            case = case_open(violation=violation, title="", user=self.user, now=timezone.now(), seen=seen)
        else:
            rows = self.reachable(Case, Verb.CASES).select_related("commission__election")
            found = rows.filter(pk=int(named)).first() if named.isdecimal() and len(named) < 18 else None
            if found is None:
                raise Said(_("Choose the case."))
            case = found
            case_join(case=case, violation=violation, user=self.user, now=timezone.now(), seen=seen)
        return HttpResponseRedirect(self.link("case", case.pk))

    def _correct(self) -> HttpResponse | None:
        data = self.request.POST
        question = self.visible(Question).filter(version=self.report.version_id, code=data.get("code", "")).first()
        try:
            uuid, newest = UUID(data.get("uuid", "")), int(data.get("newest", ""))
        except ValueError:
            raise Http404 from None
        if question is None:
            raise Http404
        outcome = answer_correct(
            report=self.report,
            uuid=uuid,
            code=question.code,
            newest=newest,
            user=self.user,
            now=timezone.now(),
            value=answers_posted([question], data).get(question.code),
        )
        if outcome.receipt is None:
            raise outcome.problem or Said(_("It could not be stored."))
        messages.success(self.request, _("Corrected: this dictated report stands in its place."))
        return HttpResponseRedirect(self.link("report", outcome.receipt.sequence))

    def _photo(self) -> HttpResponse | None:
        row = self._named(Evidence)
        if "withdraw" in self.request.POST:
            evidence_withdraw(evidence=row, user=self.user, now=timezone.now())
            return None
        if not all(self.request.POST.get(f"no_{one}") for one in ASKED):
            raise Said(_("Answer all three questions: a photo with a face, a mark or a list is not shown."))
        evidence_approve(evidence=row, user=self.user, now=timezone.now())
        return None

    def _named(self, model: Any) -> Any:
        """The row of this report that the form names."""
        key = self.request.POST.get("pk", "")
        found = (
            self.visible(model).filter(report=self.report.pk, pk=int(key))
            if key.isdecimal() and len(key) < 18
            else None
        )
        row = found.first() if found is not None else None
        if row is None:
            raise Http404
        return row

    def _one_of(self, name: str, known: list[str]) -> str:
        value = self.request.POST.get(name, "")
        if value not in known:
            raise Http404
        return value
