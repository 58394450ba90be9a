"""The page of one report, with the desk's decisions about it.

Its answers are shown next to those of other reports about the same event.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from observer.desk.pages import DeskView, register_page
from observer.models.row_scope import Permission
from reports.desk.verification.report_context import build_report_context
from reports.desk.verification.review_queue import open_next_check, release_check
from reports.desk.words.question_groups import parse_posted_answers
from reports.models import Case, Check, Evidence, Question, Report, Violation
from reports.problems import Rejected
from reports.services.cases.cases import add_violation_to_case, open_case_from_violation
from reports.services.evidence.processing import approve_evidence, withdraw_evidence
from reports.services.intake.correction import correct_answer
from reports.services.intake.dictation import NewerReportExists
from reports.services.review import decisions
from reports.services.review.decisions import EditConflict

DECISIONS: dict[str, Callable[..., None]] = {
    "verify": decisions.verify_report,
    "reject": decisions.reject_report,
    "hold": decisions.hold_report,
    "restore": decisions.restore_report,
}
PHOTO_CHECKS = ("faces", "marks", "lists")


class ActionError(Exception):
    """The action was not done; the message tells the reader why.

    The page is shown again with what they typed.
    """


@register_page("reports/<int:pk>/", name="report")
class ReportPage(DeskView):
    permission = Permission.LOOK
    template_name = "desk/report.html"
    report: Report

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.report = self._get_report()
        if self._has_permission(Permission.VERIFY):
            decisions.mark_report_read(report=self.report, now=timezone.now())
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.report = self._get_report()
        action = request.POST.get("do", "")
        handlers: Mapping[str, tuple[Permission, Callable[[], HttpResponse | None]]] = {
            **dict.fromkeys(DECISIONS, (Permission.VERIFY, self._decide_report)),
            "violation": (Permission.VERIFY, self._decide_violation),
            "case": (Permission.CASES, self._open_or_join_case),
            "correct": (Permission.DICTATE, self._correct_answer),
            "photo": (Permission.APPROVE, self._decide_photo),
            "back": (Permission.VERIFY, lambda: release_check(self, self.report)),
        }
        if action not in handlers or not self._has_permission(handlers[action][0]):
            raise Http404
        try:
            return handlers[action][1]() or HttpResponseRedirect(self.get_page_url("report", self.report.pk))
        except EditConflict:
            message = _("A colleague decided this meanwhile. Nothing of yours was written: look at it again.")
        except NewerReportExists as error:
            message = _("A newer report came meanwhile (%(id)s). Look at it first.") % {"id": error.report.pk}
        except Rejected as error:
            message = " ".join(str(one.detail) for one in error.errors) or str(error.detail)
        except ActionError as error:
            message = str(error)
        self.report = self._get_report()
        return self.render_to_response(self.get_context_data(told=message, typed=request.POST), status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        permissions = {
            permission.value: self._has_permission(permission)
            for permission in (
                Permission.VERIFY,
                Permission.CASES,
                Permission.DICTATE,
                Permission.APPROVE,
                Permission.ORIGINAL,
                Permission.QUARANTINE,
                Permission.CONTACT,
            )
        }
        title = _("Report %(id)s") % {"id": self.report.pk}
        context = build_report_context(
            self, self.report, correct=self.request.GET.get("correct", ""), now=timezone.now()
        )
        return (
            super().get_context_data(**kwargs)
            | context
            | {"report": self.report, "may_do": permissions, "title": title}
        )

    def _get_report(self) -> Report:
        """The report from the address. Raises Http404 where the reader may not see it."""
        rows = self.get_visible_rows(Report).select_related(
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

    def _has_permission(self, permission: Permission) -> bool:
        return self.get_permitted_rows(Report, permission).filter(pk=self.report.pk).exists()

    # ── actions ──
    def _decide_report(self) -> HttpResponse | None:
        action, reason = self.request.POST["do"], self.request.POST.get("reason", "").strip()[:500]
        if action == "reject" and not reason:
            raise ActionError(_("Say why it is rejected."))
        is_claimed = (
            self.get_visible_rows(Check)
            .filter(report=self.report.pk, user=self.user, until__gt=timezone.now())
            .exists()
        )
        DECISIONS[action](
            report=self.report,
            user=self.user,
            now=timezone.now(),
            reason=reason,
            seen=self.request.POST.get("seen", ""),
        )
        return open_next_check(self) if is_claimed and action in ("verify", "reject") else None

    def _decide_violation(self) -> HttpResponse | None:
        violation = self._get_named_row(Violation)
        decisions.decide_violation(
            violation=violation,
            state=self._get_choice("state", Violation.State.values),
            user=self.user,
            now=timezone.now(),
            note=self.request.POST.get("note", "").strip()[:2000],
            seen=self.request.POST.get("seen", ""),
        )
        return None

    def _open_or_join_case(self) -> HttpResponse | None:
        """Opens a case for the violation, or adds it to one."""
        violation, seen = self._get_named_row(Violation), self.request.POST.get("seen", "")
        case_key = self.request.POST.get("case", "")
        if case_key == "new":
            case = open_case_from_violation(
                violation=violation, title="", user=self.user, now=timezone.now(), seen=seen
            )
        else:
            rows = self.get_permitted_rows(Case, Permission.CASES).select_related("commission__election")
            found = rows.filter(pk=int(case_key)).first() if case_key.isdecimal() and len(case_key) < 18 else None
            if found is None:
                raise ActionError(_("Choose the case."))
            case = found
            add_violation_to_case(case=case, violation=violation, user=self.user, now=timezone.now(), seen=seen)
        return HttpResponseRedirect(self.get_page_url("case", case.pk))

    def _correct_answer(self) -> HttpResponse | None:
        data = self.request.POST
        question = (
            self.get_visible_rows(Question).filter(version=self.report.version_id, code=data.get("code", "")).first()
        )
        try:
            uuid, newest = UUID(data.get("uuid", "")), int(data.get("newest", ""))
        except ValueError:
            raise Http404 from None
        if question is None:
            raise Http404
        outcome = correct_answer(
            report=self.report,
            uuid=uuid,
            code=question.code,
            newest_seen=newest,
            user=self.user,
            now=timezone.now(),
            value=parse_posted_answers([question], data).get(question.code),
        )
        if outcome.receipt is None:
            raise outcome.problem or ActionError(_("It could not be stored."))
        messages.success(self.request, _("Corrected: this dictated report stands in its place."))
        return HttpResponseRedirect(self.get_page_url("report", outcome.receipt.sequence))

    def _decide_photo(self) -> HttpResponse | None:
        evidence = self._get_named_row(Evidence)
        if "withdraw" in self.request.POST:
            withdraw_evidence(evidence=evidence, user=self.user, now=timezone.now())
            return None
        if not all(self.request.POST.get(f"no_{one}") for one in PHOTO_CHECKS):
            raise ActionError(_("Answer all three questions: a photo with a face, a mark or a list is not shown."))
        approve_evidence(evidence=evidence, user=self.user, now=timezone.now())
        return None

    def _get_named_row(self, model: Any) -> Any:
        """The row of this report whose primary key was posted. Raises Http404 where there is none."""
        key = self.request.POST.get("pk", "")
        found = (
            self.get_visible_rows(model).filter(report=self.report.pk, pk=int(key))
            if key.isdecimal() and len(key) < 18
            else None
        )
        row = found.first() if found is not None else None
        if row is None:
            raise Http404
        return row

    def _get_choice(self, name: str, choices: list[str]) -> str:
        """The posted value. Raises Http404 where it is not one of `choices`."""
        value = self.request.POST.get(name, "")
        if value not in choices:
            raise Http404
        return value
