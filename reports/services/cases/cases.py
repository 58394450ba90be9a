"""A case: one event and what the desk does about it. Every change is one transaction, a line in the trail, a revision.

Who changes a case says which revision they saw; where a colleague was faster, Changed is raised and nothing
is written. Words (comments) are never refused for that: nothing anybody typed is lost.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Observer, User
from observer.services.trail import trail_add
from reports.models import Case, CaseComment, CaseConsent, Report, Violation, ViolationType
from reports.problems import Rejected
from reports.services.cases.workflow import FIRST, SEVERITIES, patience, steps_of
from reports.services.review.decisions import violation_decide
from reports.services.review.optimistic_lock import row_revise
from reports.services.schedule.comparison import earlier_too

TEXT_MAX = 8_000
TITLE_MAX = 200
PRESSED_TWICE = timedelta(minutes=1)


def case_open(*, violation: Violation, title: str, user: User, now: datetime, seen: str = "") -> Case:
    """A case of one violation: its place, its severity, its clock. Raises Changed where `seen` is past."""
    report = violation.report
    kind = ViolationType.objects.filter(election=report.commission.election, code=violation.code).first()
    severity = kind.severity if kind else SEVERITIES[-1]
    named = title.strip() or str(kind or violation.code)
    with transaction.atomic():
        case = _opened(report.commission, named, severity, user, now, {"code": violation.code})
        violation_decide(violation=violation, state=violation.state, user=user, now=now, case=case, seen=seen)
    return case


def case_begin(*, commission: Commission, title: str, severity: str, user: User, now: datetime) -> Case:
    """A case of an event of which no report tells yet: somebody called. Raises Rejected.

    The same user's same words about the same place within a minute are the same case: pressed twice.
    """
    title = title.strip()[:TITLE_MAX]
    if not title:
        raise Rejected("invalid_report", _("Say what happened."), "title")
    if severity not in SEVERITIES:
        raise Rejected("invalid_report", _("Choose how severe it is."), "severity")
    with transaction.atomic():
        place = Commission.objects.select_for_update(no_key=True).get(pk=commission.pk)
        just_now = Case.objects.filter(commission=place, title=title, holder=user, created_at__gt=now - PRESSED_TWICE)
        return just_now.first() or _opened(place, title, severity, user, now, {})


def _opened(
    commission: Commission, title: str, severity: str, user: User, now: datetime, detail: Mapping[str, Any]
) -> Case:
    election = commission.election
    case = Case.objects.create(
        commission=commission,
        title=title[:TITLE_MAX],
        created_at=now,
        holder=user,
        severity=severity,
        step=next(iter(steps_of(election)), FIRST),
        due_at=now + patience(election, severity),
    )
    trail_add(action="case.open", subject=case, now=now, user=user, detail=detail)
    return case


def case_join(*, case: Case, violation: Violation, user: User, now: datetime, seen: str = "") -> None:
    """This violation is the same event as that case's. Its severity is the case's where it is worse."""
    with transaction.atomic():
        violation_decide(violation=violation, state=violation.state, user=user, now=now, case=case, seen=seen)
        row = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        election = row.commission.election
        kind = ViolationType.objects.filter(election=election, code=violation.code).first()
        ranks = (*SEVERITIES, "")
        if kind and ranks.index(kind.severity) < ranks.index(row.severity):
            row.severity = kind.severity
            due = now + patience(election, kind.severity)
            row.due_at = min(due, row.due_at or due)
        row.revision += 1
        row.save(update_fields=["severity", "due_at", "revision"])
        detail = {"report": str(violation.report.uuid), "code": violation.code}
        trail_add(action="case.join", subject=row, now=now, user=user, detail=detail)
    case.refresh_from_db()


def case_step(*, case: Case, step: str, user: User, now: datetime, seen: int) -> None:
    """The next of the declared steps. Raises Rejected where it does not follow, Changed where `seen` is past."""
    election = case.commission.election
    steps = steps_of(election)

    def change(row: Case) -> None:
        here = steps.get(row.step)
        if step not in steps or (here is not None and step not in here.leads_to):
            raise Rejected("invalid_report", _("This step does not follow the present one."), "step")
        row.step = step
        closes = steps[step].closes
        row.closed_at = now if closes else None
        row.due_at = None if closes else now + patience(election, row.severity)

    row_revise(case, change, action="case.step", user=user, now=now, seen=seen, detail={"to": step})


def case_take(*, case: Case, holder: User | None, user: User, now: datetime, seen: int) -> None:
    """Who has it from now on."""

    def change(row: Case) -> None:
        row.holder = holder

    detail = {"holder": holder.pk if holder else None, "to": holder.username if holder else ""}
    row_revise(case, change, action="case.take", user=user, now=now, seen=seen, detail=detail)


def case_escalate(*, case: Case, escalated: bool, user: User, now: datetime, seen: int) -> None:
    """Hands it to the lawyers, or takes it back from them."""

    def change(row: Case) -> None:
        row.escalated_at = (row.escalated_at or now) if escalated else None

    row_revise(case, change, action="case.escalate", user=user, now=now, seen=seen, detail={"to": escalated})


def case_hold(*, case: Case, hold: bool, user: User, now: datetime, seen: int) -> None:
    """Keeps its reports, files and people whatever is purged, or no longer."""

    def change(row: Case) -> None:
        row.legal_hold = hold

    row_revise(case, change, action="case.hold", user=user, now=now, seen=seen, detail={"to": hold})


def comment_add(*, case: Case, text: str, user: User, now: datetime) -> bool:
    """Keeps these words. Whether the case is still open: a colleague may have closed it meanwhile."""
    text = text.strip()[:TEXT_MAX]
    with transaction.atomic():
        row = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        if text:
            CaseComment.objects.create(case=row, user=user, at=now, text=text)
            trail_add(action="case.comment", subject=row, now=now, user=user)
    return row.closed_at is None


def consent_record(*, case: Case, observer: Observer, given: bool, how: str, user: User, now: datetime) -> None:
    """What an observer of this case said to being named in its papers. Raises Rejected for anybody else."""
    if observer.pk not in {one.pk for one in observers_of(case)}:
        raise Rejected("invalid_report", _("No report of this case is by this observer."), "observer")
    with transaction.atomic():
        CaseConsent.objects.create(case=case, observer=observer, given=given, how=how.strip()[:500], user=user, at=now)
        trail_add(
            action="case.consent", subject=case, now=now, user=user, detail={"observer": observer.code, "given": given}
        )


def consents_of(case: Case) -> dict[int, CaseConsent]:
    """The last word of each observer who was asked, by observer."""
    return {one.observer_id: one for one in case.consents.select_related("user").order_by("at", "pk")}


def reports_of(case: Case) -> "QuerySet[Report]":
    """The reports that tell of this event and the earlier ones that they correct, the first first."""
    rows = Report.objects.filter(pk__in=earlier_too(Report.objects.filter(violations__case=case))).defer("body")
    return rows.select_related("observer", "version__checklist", "commission__election").order_by("pk")


def observers_of(case: Case) -> "QuerySet[Observer]":
    return Observer.objects.filter(reports__violations__case=case).distinct().order_by("code")


def cases_near(commission: Commission) -> "QuerySet[Case]":
    """The cases of one place, to which another report of the same event may be joined: open ones first."""
    return Case.objects.filter(commission=commission).order_by("-closed_at", "-pk")


def cases_ordered(rows: "QuerySet[Case]") -> "QuerySet[Case]":
    """For the list: by the clock, the closed ones last; with the number of reports in each."""
    return (
        rows.select_related("commission", "holder")
        .annotate(told=Count("violations__report", distinct=True))
        .order_by(F("closed_at").asc(nulls_first=True), "due_at", "-pk")
    )
