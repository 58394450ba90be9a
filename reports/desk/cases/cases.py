"""Incidents and cases: the list by the clock, and one case with all that is done about it."""

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

from observer.desk.pages import DeskView, page
from observer.desk.trail_words import action_words
from observer.models import Observer, User
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.accounts.staff import staff_at
from observer.words import in_language
from reports.desk.words.formats import SEVERITIES, clock, name_of
from reports.desk.words.labels import ANSWERED, PAPERS, STATES, VIOLATIONS
from reports.models import Case, CaseExport, CaseFile, Complaint, Evidence
from reports.problems import Rejected
from reports.services.cases import cases
from reports.services.cases.case_export import case_export_ask, export_open, trail_of
from reports.services.cases.case_files import case_file_add
from reports.services.cases.complaints import complaint_open, complaints_waiting
from reports.services.cases.deadlines import is_near, terms_of
from reports.services.cases.workflow import steps_of
from reports.services.review.decisions import Changed
from reports.services.storage.sealed_store import open_sealed

A_PAGE = 50


@page("cases/", name="cases", section="reports", order=2)
class Cases(DeskView):
    """What is open, by the clock; `?all` with what is closed, `?mine` and `?lawyer` what they say."""

    verb = Verb.LOOK
    title = gettext_lazy("Incidents and cases")
    template_name = "desk/cases.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows, chosen = self.visible(Case), self.request.GET.get("show", "")
        if chosen != "all":
            rows = rows.filter(closed_at__isnull=True)
        if chosen == "mine":
            rows = rows.filter(holder=self.user)
        if chosen == "lawyer":
            rows = rows.filter(escalated_at__isnull=False)
        now, steps = timezone.now(), steps_of(self.election)
        listed = Paginator(cases.cases_ordered(rows), A_PAGE).get_page(self.request.GET.get("page"))
        for one in listed:
            one.commission.election = self.election
        return super().get_context_data(**kwargs) | {
            "chosen": chosen,
            "listed": listed,
            "may_write": access.may(self.user, Verb.CASES, self.election),
            "tabs": [("", _("Open")), ("mine", _("Mine")), ("lawyer", _("With the lawyers")), ("all", _("All"))],
            "rows": [
                (
                    one,
                    name_of(one.commission),
                    SEVERITIES.get(one.severity, ""),
                    steps[one.step].name if one.step in steps else one.step,
                    clock(one.due_at, one.commission.zone) if one.due_at else None,
                    bool(one.due_at and one.due_at < now),
                )
                for one in listed
            ],
        }


class OneCase(DeskView):
    """What the pages of one case share."""

    verb = Verb.LOOK

    def found(self, verb: Verb = Verb.LOOK) -> Case:
        rows = self.reachable(Case, verb).select_related("commission__election", "commission__level", "holder")
        case = rows.filter(pk=self.kwargs["pk"]).first()
        if case is None:
            raise Http404
        return case

    def may(self, verb: Verb, case: Case) -> bool:
        return self.reachable(Case, verb).filter(pk=case.pk).exists()

    def moment(self, name: str, case: Case) -> datetime:
        """What was typed, by the clock of the place. Raises Rejected."""
        try:
            said = datetime.fromisoformat(self.request.POST.get(name, ""))
        except ValueError:
            said = datetime.min
        if not 2000 <= said.year < 2100:
            raise Rejected("invalid_report", _("Say when, as a day and an hour."), name)
        return said.replace(tzinfo=ZoneInfo(case.commission.zone)) if said.tzinfo is None else said

    def seen(self) -> int:
        given = self.request.POST.get("seen", "")
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else -1


@page("cases/<int:pk>/", name="case")
class CasePage(OneCase):
    template_name = "desk/case.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(case=self.found()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        case = self.found()
        do = request.POST.get("do", "")
        acts: Mapping[str, Callable[[Case], HttpResponse | None]] = {
            "step": self._step,
            "take": self._take,
            "hand": self._hand,
            "escalate": self._escalate,
            "hold": self._hold,
            "comment": self._comment,
            "consent": self._consent,
            "complaint": self._complaint,
            "paper": self._paper,
            "export": self._export,
        }
        verb = Verb.ORIGINAL if do == "export" else Verb.CASES
        if do not in acts or not self.may(verb, case):
            raise Http404
        try:
            return acts[do](case) or HttpResponseRedirect(self.link("case", case.pk))
        except Changed:
            told = _("A colleague changed this case meanwhile. Nothing of yours was written: look at it again.")
        except Rejected as problem:
            told = " ".join(str(one.detail) for one in problem.errors) or str(problem.detail)
        context = self.get_context_data(case=self.found(), told=told, typed=request.POST)
        return self.render_to_response(context, status=409)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case: Case = kwargs["case"]
        zone, now, steps = case.commission.zone, timezone.now(), steps_of(self.election)
        here = steps.get(case.step)
        reports = list(cases.reports_of(case))
        consents = cases.consents_of(case)
        return super().get_context_data(**kwargs) | {
            "title": str(case),
            "place": case.commission,
            "place_name": name_of(case.commission),
            "zone": zone,
            "step": here.name if here else case.step,
            "severity_word": SEVERITIES.get(case.severity, ""),
            "next_steps": [steps[code] for code in (here.leads_to if here else steps)],
            "due": clock(case.due_at, zone) if case.due_at else None,
            "late": bool(case.due_at and case.due_at < now),
            "opened": clock(case.created_at, zone),
            "closed": clock(case.closed_at, zone) if case.closed_at else None,
            "told_by": [(one, clock(one.observed_at, zone), STATES[one.state]) for one in reports],
            "violations": [
                (one, VIOLATIONS[one.state])
                for one in case.violations.select_related("report__observer").defer("report__body")
            ],
            "people": [
                (one, consents.get(one.pk)) for one in {row.observer.pk: row.observer for row in reports}.values()
            ],
            "comments": [(one, clock(one.at, zone)) for one in case.comments.select_related("user")],
            "complaints": [self._counted(one, zone, now) for one in case.complaints.select_related("appeals")],
            "papers": [
                (one, PAPERS[one.kind], clock(one.at, zone)) for one in case.files.select_related("user", "complaint")
            ],
            "files": list(Evidence.objects.filter(report__in=[one.pk for one in reports]).order_by("pk")),
            "terms": [(one, in_language(one.names)) for one in terms_of(self.election).values()],
            "paper_kinds": list(PAPERS.items()),
            "now": clock(now, zone),
            "exports": [(one, clock(one.asked_at, zone)) for one in case.exports.select_related("user")[:5]]
            if self.may(Verb.ORIGINAL, case)
            else [],
            "trail": [(one, clock(one.at, zone), action_words(one.action)) for one in trail_of(case)[-60:]],
            "workers": staff_at(commission=case.commission, verb=Verb.CASES).exclude(pk=case.holder_id or 0)
            if self.may(Verb.CASES, case)
            else (),
            "may_write": self.may(Verb.CASES, case),
            "may_export": self.may(Verb.ORIGINAL, case),
        }

    def _counted(self, one: Complaint, zone: str, now: datetime) -> dict[str, Any]:
        due = complaints_waiting(one)
        return {
            "row": one,
            "due": clock(due, zone) if due else None,
            "late": bool(due and due < now),
            "days": (due - now).days if due else 0,
            "outcome": ANSWERED.get(one.outcome, ""),
        }

    # ── what is done ──
    def _step(self, case: Case) -> None:
        step = self.request.POST.get("step", "")
        cases.case_step(case=case, step=step, user=self.user, now=timezone.now(), seen=self.seen())

    def _take(self, case: Case) -> None:
        cases.case_take(case=case, holder=self.user, user=self.user, now=timezone.now(), seen=self.seen())

    def _hand(self, case: Case) -> None:
        given = self.request.POST.get("holder", "")
        known = staff_at(commission=case.commission, verb=Verb.CASES)
        holder = (
            known.filter(pk=int(given)).first() if given.isascii() and given.isdecimal() and len(given) < 18 else None
        )
        if holder is None:
            raise Rejected("invalid_report", _("Choose somebody who works on cases here."), "holder")
        cases.case_take(case=case, holder=holder, user=self.user, now=timezone.now(), seen=self.seen())

    def _escalate(self, case: Case) -> None:
        to = case.escalated_at is None
        cases.case_escalate(case=case, escalated=to, user=self.user, now=timezone.now(), seen=self.seen())

    def _hold(self, case: Case) -> None:
        to = not case.legal_hold
        cases.case_hold(case=case, hold=to, user=self.user, now=timezone.now(), seen=self.seen())

    def _comment(self, case: Case) -> None:
        is_open = cases.comment_add(
            case=case, text=self.request.POST.get("text", ""), user=self.user, now=timezone.now()
        )
        if not is_open:
            messages.info(self.request, _("Your words are kept. The case is closed."))

    def _consent(self, case: Case) -> None:
        given = self.request.POST.get("observer", "")
        observer = cases.observers_of(case).filter(code=given).first()
        if observer is None:
            raise Http404
        cases.consent_record(
            case=case,
            observer=observer,
            given=self.request.POST.get("given") == "yes",
            how=self.request.POST.get("how", ""),
            user=self.user,
            now=timezone.now(),
        )

    def _complaint(self, case: Case) -> HttpResponse:
        appeals = self.request.POST.get("appeals", "")
        attacked = (
            case.complaints.filter(pk=int(appeals)).first() if appeals.isdecimal() and len(appeals) < 18 else None
        )
        one = complaint_open(
            case=case,
            term=self.request.POST.get("term", ""),
            starts_at=self.moment("starts_at", case),
            user=self.user,
            now=timezone.now(),
            appeals=attacked,
        )
        term = terms_of(self.election)[one.term]
        if is_near(term=term, starts_at=one.starts_at, election_day=self.election.date, zone=case.commission.zone):
            messages.warning(self.request, in_language(term.if_near))
        return HttpResponseRedirect(self.link("complaint", case.pk, one.pk))

    def _paper(self, case: Case) -> None:
        upload = self.request.FILES.get("file")
        if upload is None:
            raise Rejected("invalid_report", _("Choose a file."), "file")
        case_file_add(
            case=case,
            complaint=None,
            kind=self.request.POST.get("kind", ""),
            name=str(upload.name),
            stream=cast(BinaryIO, upload),
            user=self.user,
            now=timezone.now(),
        )

    def _export(self, case: Case) -> None:
        case_export_ask(case=case, user=self.user, now=timezone.now())
        messages.success(self.request, _("It is being written. Load this page again in a moment."))


@page("cases/<int:pk>/papers/<int:paper>/", name="case_paper")
class Paper(OneCase):
    verb = Verb.CASES

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> FileResponse:  # type: ignore[override]
        row = self.one(CaseFile, Verb.CASES, pk=self.kwargs["paper"], case=self.found(Verb.CASES).pk)
        return download(open_sealed(sha256=row.sha256), f"{row.sha256}.bin")


@page("cases/<int:pk>/exports/<int:export>/", name="case_export")
class Export(OneCase):
    verb = Verb.ORIGINAL

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> FileResponse:  # type: ignore[override]
        row = self.one(CaseExport, Verb.ORIGINAL, pk=self.kwargs["export"], case=self.found(Verb.ORIGINAL).pk)
        try:
            return download(export_open(row), f"case-{row.case_id}.zip")
        except FileNotFoundError:
            raise Http404 from None


def download(stream: Any, name: str) -> FileResponse:
    """Bytes that no browser will run."""
    return FileResponse(
        stream,
        as_attachment=True,
        filename=name,
        content_type="application/octet-stream",
        headers={"Cache-Control": "private, no-store"},
    )


def named_in(case: Case, user: User) -> list[tuple[Observer, bool]]:
    """The observers of a case; whether the paper may name them: they said yes, and the reader may know."""
    consents = cases.consents_of(case)
    reach = access.reachable(user, Observer, Verb.CONTACT, case.commission.election)
    known = set(reach.filter(pk__in=[one.pk for one in cases.observers_of(case)]).values_list("pk", flat=True))
    return [
        (one, bool(one.pk in known and one.pk in consents and consents[one.pk].given))
        for one in cases.observers_of(case)
    ]
