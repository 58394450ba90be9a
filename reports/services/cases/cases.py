"""Cases: one event, told by one or more reports, and what the desk does about it.

Every change is one transaction with a trail entry and a new revision. Who changes a case passes the revision that
they saw (`seen`); where a colleague has changed the case since, EditConflict is raised and nothing is written.
Comments are accepted whatever the revision, so that no text is lost.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Observer, User
from observer.services.trail import add_trail_entry
from reports.models import Case, CaseComment, CaseConsent, Report, Violation, ViolationType
from reports.problems import Rejected
from reports.services.cases.workflow import FIRST_STEP, SEVERITIES, get_step_time_limit, get_steps
from reports.services.review.decisions import decide_violation
from reports.services.review.optimistic_lock import update_with_revision
from reports.services.schedule.comparison import collect_corrected_keys

MAX_COMMENT_CHARACTERS = 8_000
MAX_TITLE_CHARACTERS = 200
DOUBLE_SUBMIT_WINDOW = timedelta(minutes=1)


def open_case_from_violation(*, violation: Violation, title: str, user: User, now: datetime, seen: str = "") -> Case:
    """Opens a case about one violation, with the violation's commission and severity.

    `seen` is the violation's stamp as the user saw it; raises EditConflict where the violation has changed since.
    """
    report = violation.report
    kind = ViolationType.objects.filter(election=report.commission.election, code=violation.code).first()
    severity = kind.severity if kind else SEVERITIES[-1]
    case_title = title.strip() or str(kind or violation.code)
    with transaction.atomic():
        case = _create_case(report.commission, case_title, severity, user, now, {"code": violation.code})
        decide_violation(violation=violation, state=violation.state, user=user, now=now, case=case, seen=seen)
    return case


def open_case(*, commission: Commission, title: str, severity: str, user: User, now: datetime) -> Case:
    """Opens a case about an event that no report tells of yet, for example after a phone call.

    Where the same user opened a case with the same title about the same commission within a minute, that case is
    returned, because the button was pressed twice. Raises Rejected.
    """
    title = title.strip()[:MAX_TITLE_CHARACTERS]
    if not title:
        raise Rejected("invalid_report", _("Say what happened."), "title")
    if severity not in SEVERITIES:
        raise Rejected("invalid_report", _("Choose how severe it is."), "severity")
    with transaction.atomic():
        place = Commission.objects.select_for_update(no_key=True).get(pk=commission.pk)
        recent = Case.objects.filter(
            commission=place, title=title, holder=user, created_at__gt=now - DOUBLE_SUBMIT_WINDOW
        )
        return recent.first() or _create_case(place, title, severity, user, now, {})


def _create_case(
    commission: Commission, title: str, severity: str, user: User, now: datetime, detail: Mapping[str, Any]
) -> Case:
    election = commission.election
    case = Case.objects.create(
        commission=commission,
        title=title[:MAX_TITLE_CHARACTERS],
        created_at=now,
        holder=user,
        severity=severity,
        step=next(iter(get_steps(election)), FIRST_STEP),
        due_at=now + get_step_time_limit(election, severity),
    )
    add_trail_entry(action="case.open", subject=case, now=now, user=user, detail=detail)
    return case


def add_violation_to_case(*, case: Case, violation: Violation, user: User, now: datetime, seen: str = "") -> None:
    """Adds another violation about the same event to a case.

    Where its severity is worse than the case's, the case takes it over, and its next step is due sooner.
    `seen` is the violation's stamp as the user saw it.
    """
    with transaction.atomic():
        decide_violation(violation=violation, state=violation.state, user=user, now=now, case=case, seen=seen)
        row = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        election = row.commission.election
        kind = ViolationType.objects.filter(election=election, code=violation.code).first()
        ranks = (*SEVERITIES, "")
        if kind and ranks.index(kind.severity) < ranks.index(row.severity):
            row.severity = kind.severity
            due_at = now + get_step_time_limit(election, kind.severity)
            row.due_at = min(due_at, row.due_at or due_at)
        row.revision += 1
        row.save(update_fields=["severity", "due_at", "revision"])
        detail = {"report": str(violation.report.uuid), "code": violation.code}
        add_trail_entry(action="case.join", subject=row, now=now, user=user, detail=detail)
    case.refresh_from_db()


def change_case_step(*, case: Case, step: str, user: User, now: datetime, seen: int) -> None:
    """Moves a case to another step and sets when the next one is due.

    Raises Rejected where this step does not follow the present one, EditConflict where the case has changed.
    """
    election = case.commission.election
    steps = get_steps(election)

    def change(row: Case) -> None:
        current = steps.get(row.step)
        if step not in steps or (current is not None and step not in current.leads_to):
            raise Rejected("invalid_report", _("This step does not follow the present one."), "step")
        row.step = step
        closes = steps[step].closes
        row.closed_at = now if closes else None
        row.due_at = None if closes else now + get_step_time_limit(election, row.severity)

    update_with_revision(case, change, action="case.step", user=user, now=now, seen=seen, detail={"to": step})


def assign_case(*, case: Case, holder: User | None, user: User, now: datetime, seen: int) -> None:
    """Assigns the case to a user, or to nobody."""

    def change(row: Case) -> None:
        row.holder = holder

    detail = {"holder": holder.pk if holder else None, "to": holder.username if holder else ""}
    update_with_revision(case, change, action="case.take", user=user, now=now, seen=seen, detail=detail)


def set_case_escalated(*, case: Case, escalated: bool, user: User, now: datetime, seen: int) -> None:
    """Hands a case over to the lawyers, or takes it back."""

    def change(row: Case) -> None:
        row.escalated_at = (row.escalated_at or now) if escalated else None

    update_with_revision(case, change, action="case.escalate", user=user, now=now, seen=seen, detail={"to": escalated})


def set_legal_hold(*, case: Case, hold: bool, user: User, now: datetime, seen: int) -> None:
    """Puts a case under legal hold, which protects its reports, files and people from purges, or ends that."""

    def change(row: Case) -> None:
        row.legal_hold = hold

    update_with_revision(case, change, action="case.hold", user=user, now=now, seen=seen, detail={"to": hold})


def add_case_comment(*, case: Case, text: str, user: User, now: datetime) -> bool:
    """Adds a comment; returns whether the case is still open (a colleague may have closed it)."""
    text = text.strip()[:MAX_COMMENT_CHARACTERS]
    with transaction.atomic():
        row = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        if text:
            CaseComment.objects.create(case=row, user=user, at=now, text=text)
            add_trail_entry(action="case.comment", subject=row, now=now, user=user)
    return row.closed_at is None


def record_case_consent(*, case: Case, observer: Observer, given: bool, how: str, user: User, now: datetime) -> None:
    """Records whether an observer of this case agreed to be named in its documents.

    `how` tells how they were asked. Raises Rejected for an observer who wrote no report of this case.
    """
    if observer.pk not in {one.pk for one in get_case_observers(case)}:
        raise Rejected("invalid_report", _("No report of this case is by this observer."), "observer")
    with transaction.atomic():
        CaseConsent.objects.create(case=case, observer=observer, given=given, how=how.strip()[:500], user=user, at=now)
        add_trail_entry(
            action="case.consent", subject=case, now=now, user=user, detail={"observer": observer.code, "given": given}
        )


def load_case_consents(case: Case) -> dict[int, CaseConsent]:
    """Loads the latest answer of each observer who was asked for consent, by observer key."""
    return {one.observer_id: one for one in case.consents.select_related("user").order_by("at", "pk")}


def get_case_reports(case: Case) -> "QuerySet[Report]":
    """Returns the reports about this event and the earlier reports they correct, oldest first."""
    rows = Report.objects.filter(pk__in=collect_corrected_keys(Report.objects.filter(violations__case=case))).defer(
        "body"
    )
    return rows.select_related("observer", "version__checklist", "commission__election").order_by("pk")


def get_case_observers(case: Case) -> "QuerySet[Observer]":
    """Returns the observers whose reports are part of the case, by code."""
    return Observer.objects.filter(reports__violations__case=case).distinct().order_by("code")


def get_cases_of_commission(commission: Commission) -> "QuerySet[Case]":
    """Returns the cases about one commission, open ones first; a report may be added to them."""
    return Case.objects.filter(commission=commission).order_by("-closed_at", "-pk")


def order_cases(rows: "QuerySet[Case]") -> "QuerySet[Case]":
    """Orders cases by when the next step is due, closed ones last.

    Annotates `told`, the number of reports in each case.
    """
    return (
        rows.select_related("commission", "holder")
        .annotate(told=Count("violations__report", distinct=True))
        .order_by(F("closed_at").asc(nulls_first=True), "due_at", "-pk")
    )
