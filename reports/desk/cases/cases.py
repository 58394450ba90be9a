"""Pages of cases: the list, one case, its downloads."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.desk.pages import DeskView, register_page
from observer.desk.trail_labels import get_action_label
from observer.models import Observer, User
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.accounts.staff import get_staff
from observer.words import get_translation
from reports.desk.words.formats import SEVERITY_LABELS, get_place_name, to_local_time
from reports.desk.words.labels import (
    CASE_FILE_KIND_LABELS,
    COMPLAINT_OUTCOME_LABELS,
    REPORT_STATE_LABELS,
    VIOLATION_STATE_LABELS,
)
from reports.models import Case, CaseExport, CaseFile, Complaint, Evidence
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.cases.case_export import load_case_trail, open_case_export, request_case_export
from reports.services.cases.case_files import add_case_file
from reports.services.cases.complaints import get_pending_deadline, open_complaint
from reports.services.cases.deadlines import get_deadlines, is_near_election_day
from reports.services.cases.workflow import get_steps
from reports.services.review.decisions import EditConflict
from reports.services.storage.sealed_store import open_sealed_file

PAGE_SIZE = 50


@register_page("cases/", name="cases", section="reports", order=2)
class CaseListPage(DeskView):
    """The open cases by deadline. `?show=all`: closed ones too; `mine`: the reader's; `lawyer`: escalated ones."""

    permission = Permission.LOOK
    title = gettext_lazy("Incidents and cases")
    template_name = "desk/cases.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows, show = self.get_visible_rows(Case), self.request.GET.get("show", "")
        if show != "all":
            rows = rows.filter(closed_at__isnull=True)
        if show == "mine":
            rows = rows.filter(holder=self.user)
        if show == "lawyer":
            rows = rows.filter(escalated_at__isnull=False)
        now, steps = timezone.now(), get_steps(self.election)
        listed = Paginator(cases.order_cases(rows), PAGE_SIZE).get_page(self.request.GET.get("page"))
        for one in listed:
            one.commission.election = self.election
        return super().get_context_data(**kwargs) | {
            "chosen": show,
            "listed": listed,
            "may_write": access.has_permission(self.user, Permission.CASES, self.election),
            "tabs": [("", _("Open")), ("mine", _("Mine")), ("lawyer", _("With the lawyers")), ("all", _("All"))],
            "rows": [
                (
                    one,
                    get_place_name(one.commission),
                    SEVERITY_LABELS.get(one.severity, ""),
                    steps[one.step].name if one.step in steps else one.step,
                    to_local_time(one.due_at, one.commission.zone) if one.due_at else None,
                    bool(one.due_at and one.due_at < now),
                )
                for one in listed
            ],
        }


class BaseCaseView(DeskView):
    """Base of the views of one case."""

    permission = Permission.LOOK

    def get_case(self, permission: Permission = Permission.LOOK) -> Case:
        """The case from the address. Raises Http404 where the reader does not have the permission on it."""
        rows = self.get_permitted_rows(Case, permission).select_related(
            "commission__election", "commission__level", "holder"
        )
        case = rows.filter(pk=self.kwargs["pk"]).first()
        if case is None:
            raise Http404
        return case

    def has_case_permission(self, permission: Permission, case: Case) -> bool:
        return self.get_permitted_rows(Case, permission).filter(pk=case.pk).exists()

    def parse_local_time(self, name: str, case: Case) -> datetime:
        """The posted time `name` as an aware datetime.

        It is in the time zone of the case's place unless it names its own. Raises Rejected where it is no time
        between 2000 and 2100.
        """
        try:
            moment = datetime.fromisoformat(self.request.POST.get(name, ""))
        except ValueError:
            moment = datetime.min
        if not 2000 <= moment.year < 2100:
            raise Rejected("invalid_report", _("Say when, as a day and an hour."), name)
        return moment.replace(tzinfo=ZoneInfo(case.commission.zone)) if moment.tzinfo is None else moment

    def get_seen_revision(self) -> int:
        """The revision that the reader saw before posting the form.

        Without one it is -1, which never matches.
        """
        value = self.request.POST.get("seen", "")
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else -1


@register_page("cases/<int:pk>/", name="case")
class CasePage(BaseCaseView):
    template_name = "desk/case.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(case=self.get_case()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case = self.get_case()
        action = request.POST.get("do", "")
        handlers: Mapping[str, Callable[[Case], HttpResponse | None]] = {
            "step": self._change_step,
            "take": self._take_case,
            "hand": self._hand_over,
            "escalate": self._toggle_escalation,
            "hold": self._toggle_legal_hold,
            "comment": self._add_comment,
            "consent": self._record_consent,
            "complaint": self._open_complaint,
            "paper": self._add_file,
            "export": self._request_export,
        }
        permission = Permission.ORIGINAL if action == "export" else Permission.CASES
        if action not in handlers or not self.has_case_permission(permission, case):
            raise Http404
        try:
            return handlers[action](case) or HttpResponseRedirect(self.get_page_url("case", case.pk))
        except EditConflict:
            message = _("A colleague changed this case meanwhile. Nothing of yours was written: look at it again.")
        except Rejected as error:
            message = " ".join(str(one.detail) for one in error.errors) or str(error.detail)
        context = self.get_context_data(case=self.get_case(), told=message, typed=request.POST)
        return self.render_to_response(context, status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case: Case = kwargs["case"]
        zone, now, steps = case.commission.zone, timezone.now(), get_steps(self.election)
        current_step = steps.get(case.step)
        reports = list(cases.get_case_reports(case))
        consents = cases.load_case_consents(case)
        return super().get_context_data(**kwargs) | {
            "title": str(case),
            "place": case.commission,
            "place_name": get_place_name(case.commission),
            "zone": zone,
            "step": current_step.name if current_step else case.step,
            "severity_word": SEVERITY_LABELS.get(case.severity, ""),
            "next_steps": [steps[code] for code in (current_step.leads_to if current_step else steps)],
            "due": to_local_time(case.due_at, zone) if case.due_at else None,
            "late": bool(case.due_at and case.due_at < now),
            "opened": to_local_time(case.created_at, zone),
            "closed": to_local_time(case.closed_at, zone) if case.closed_at else None,
            "told_by": [(one, to_local_time(one.observed_at, zone), REPORT_STATE_LABELS[one.state]) for one in reports],
            "violations": [
                (one, VIOLATION_STATE_LABELS[one.state])
                for one in case.violations.select_related("report__observer").defer("report__body")
            ],
            "people": [
                (one, consents.get(one.pk)) for one in {row.observer.pk: row.observer for row in reports}.values()
            ],
            "comments": [(one, to_local_time(one.at, zone)) for one in case.comments.select_related("user")],
            "complaints": [
                self._describe_complaint(one, zone, now) for one in case.complaints.select_related("appeals")
            ],
            "papers": [
                (one, CASE_FILE_KIND_LABELS[one.kind], to_local_time(one.at, zone))
                for one in case.files.select_related("user", "complaint")
            ],
            "files": list(Evidence.objects.filter(report__in=[one.pk for one in reports]).order_by("pk")),
            "terms": [(one, get_translation(one.names)) for one in get_deadlines(self.election).values()],
            "paper_kinds": list(CASE_FILE_KIND_LABELS.items()),
            "now": to_local_time(now, zone),
            "exports": [(one, to_local_time(one.asked_at, zone)) for one in case.exports.select_related("user")[:5]]
            if self.has_case_permission(Permission.ORIGINAL, case)
            else [],
            "trail": [
                (one, to_local_time(one.at, zone), get_action_label(one.action)) for one in load_case_trail(case)[-60:]
            ],
            "workers": get_staff(commission=case.commission, permission=Permission.CASES).exclude(
                pk=case.holder_id or 0
            )
            if self.has_case_permission(Permission.CASES, case)
            else (),
            "may_write": self.has_case_permission(Permission.CASES, case),
            "may_export": self.has_case_permission(Permission.ORIGINAL, case),
        }

    def _describe_complaint(self, complaint: Complaint, zone: str, now: datetime) -> dict[str, Any]:
        due = get_pending_deadline(complaint)
        return {
            "row": complaint,
            "due": to_local_time(due, zone) if due else None,
            "late": bool(due and due < now),
            "days": (due - now).days if due else 0,
            "outcome": COMPLAINT_OUTCOME_LABELS.get(complaint.outcome, ""),
        }

    # ── actions ──
    def _change_step(self, case: Case) -> None:
        step = self.request.POST.get("step", "")
        cases.change_case_step(case=case, step=step, user=self.user, now=timezone.now(), seen=self.get_seen_revision())

    def _take_case(self, case: Case) -> None:
        cases.assign_case(
            case=case, holder=self.user, user=self.user, now=timezone.now(), seen=self.get_seen_revision()
        )

    def _hand_over(self, case: Case) -> None:
        holder_key = self.request.POST.get("holder", "")
        colleagues = get_staff(commission=case.commission, permission=Permission.CASES)
        holder = (
            colleagues.filter(pk=int(holder_key)).first()
            if holder_key.isascii() and holder_key.isdecimal() and len(holder_key) < 18
            else None
        )
        if holder is None:
            raise Rejected("invalid_report", _("Choose somebody who works on cases here."), "holder")
        cases.assign_case(case=case, holder=holder, user=self.user, now=timezone.now(), seen=self.get_seen_revision())

    def _toggle_escalation(self, case: Case) -> None:
        escalate = case.escalated_at is None
        cases.set_case_escalated(
            case=case, escalated=escalate, user=self.user, now=timezone.now(), seen=self.get_seen_revision()
        )

    def _toggle_legal_hold(self, case: Case) -> None:
        hold = not case.legal_hold
        cases.set_legal_hold(case=case, hold=hold, user=self.user, now=timezone.now(), seen=self.get_seen_revision())

    def _add_comment(self, case: Case) -> None:
        is_open = cases.add_case_comment(
            case=case, text=self.request.POST.get("text", ""), user=self.user, now=timezone.now()
        )
        if not is_open:
            messages.info(self.request, _("Your words are kept. The case is closed."))

    def _record_consent(self, case: Case) -> None:
        code = self.request.POST.get("observer", "")
        observer = cases.get_case_observers(case).filter(code=code).first()
        if observer is None:
            raise Http404
        cases.record_case_consent(
            case=case,
            observer=observer,
            given=self.request.POST.get("given") == "yes",
            how=self.request.POST.get("how", ""),
            user=self.user,
            now=timezone.now(),
        )

    def _open_complaint(self, case: Case) -> HttpResponse:
        appeals = self.request.POST.get("appeals", "")
        appealed = (
            case.complaints.filter(pk=int(appeals)).first() if appeals.isdecimal() and len(appeals) < 18 else None
        )
        complaint = open_complaint(
            case=case,
            term=self.request.POST.get("term", ""),
            starts_at=self.parse_local_time("starts_at", case),
            user=self.user,
            now=timezone.now(),
            appeals=appealed,
        )
        deadline = get_deadlines(self.election)[complaint.term]
        if is_near_election_day(
            deadline=deadline, starts_at=complaint.starts_at, election_day=self.election.date, zone=case.commission.zone
        ):
            messages.warning(self.request, get_translation(deadline.if_near))
        return HttpResponseRedirect(self.get_page_url("complaint", case.pk, complaint.pk))

    def _add_file(self, case: Case) -> None:
        upload = self.request.FILES.get("file")
        if upload is None:
            raise Rejected("invalid_report", _("Choose a file."), "file")
        add_case_file(
            case=case,
            complaint=None,
            kind=self.request.POST.get("kind", ""),
            name=str(upload.name),
            stream=cast(BinaryIO, upload),
            user=self.user,
            now=timezone.now(),
        )

    def _request_export(self, case: Case) -> None:
        request_case_export(case=case, user=self.user, now=timezone.now())
        messages.success(self.request, _("It is being written. Load this page again in a moment."))


@register_page("cases/<int:pk>/papers/<int:paper>/", name="case_paper")
class CaseFileView(BaseCaseView):
    permission = Permission.CASES

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> FileResponse:  # type: ignore[override]
        row = self.get_row_or_404(
            CaseFile, Permission.CASES, pk=self.kwargs["paper"], case=self.get_case(Permission.CASES).pk
        )
        return build_download(open_sealed_file(sha256=row.sha256), f"{row.sha256}.bin")


@register_page("cases/<int:pk>/exports/<int:export>/", name="case_export")
class CaseExportView(BaseCaseView):
    permission = Permission.ORIGINAL

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> FileResponse:  # type: ignore[override]
        row = self.get_row_or_404(
            CaseExport, Permission.ORIGINAL, pk=self.kwargs["export"], case=self.get_case(Permission.ORIGINAL).pk
        )
        try:
            return build_download(open_case_export(row), f"case-{row.case_id}.zip")
        except FileNotFoundError:
            raise Http404 from None


def build_download(stream: Any, name: str) -> FileResponse:
    """A download as plain bytes, which no browser runs and no cache stores."""
    return FileResponse(
        stream,
        as_attachment=True,
        filename=name,
        content_type="application/octet-stream",
        headers={"Cache-Control": "private, no-store"},
    )


def list_named_observers(case: Case, user: User) -> list[tuple[Observer, bool]]:
    """The observers of a case, each with whether a document may name them.

    It may if the observer consented and the reader may see their name.
    """
    consents = cases.load_case_consents(case)
    contactable = access.get_permitted_rows(user, Observer, Permission.CONTACT, case.commission.election)
    contactable_ids = set(
        contactable.filter(pk__in=[one.pk for one in cases.get_case_observers(case)]).values_list("pk", flat=True)
    )
    return [
        (one, bool(one.pk in contactable_ids and one.pk in consents and consents[one.pk].given))
        for one in cases.get_case_observers(case)
    ]
