"""Decisions of the desk about reports, observers and violations.

A decision changes a state and never deletes anything. In one transaction it also updates which reports
are superseded, marks the affected figures as due and adds trail entries. No other module may write a
report's state, or whether it is a rehearsal or quarantined, once it is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Observer, User
from observer.services.trail import add_trail_entry
from reports.models import Case, Report, SetAside, Violation
from reports.problems import Rejected
from reports.services.background.recompute_queue import mark_due
from reports.services.review.review_queue import update_checks
from reports.services.review.superseding import lock_observers, update_superseded

MAX_REPORTS_PER_CALL = 20_000


class EditConflict(Exception):
    """A colleague changed the row after it was shown; nothing was written."""


def make_report_stamp(report: Report) -> str:
    """Describes a report's state when it is shown.

    Given back as `seen` with a decision, it shows whether the report has been changed since.
    """
    return f"{report.state} {report.quarantined:d} {report.rehearsal:d} {_format_time(report.decided_at)}"


def make_violation_stamp(violation: Violation) -> str:
    """Describes a violation's state when it is shown, like `make_report_stamp`."""
    return f"{violation.state} {violation.case_id or ''} {_format_time(violation.decided_at)}"


def verify_report(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Marks a report as checked: it counts, and counts as verified.

    This function and the three below raise EditConflict where `seen` is given and the report has changed since.
    """
    _set_state(report, Report.State.VERIFIED, "report.verify", user, now, reason, seen)


def reject_report(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Rejects a report: it leaves the figures.

    What it superseded counts again.
    """
    _set_state(report, Report.State.REJECTED, "report.reject", user, now, reason, seen)


def hold_report(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Holds a report: it leaves the figures until somebody has checked it."""
    _set_state(report, Report.State.HELD, "report.hold", user, now, reason, seen)


def restore_report(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Makes a held, rejected, accepted or verified report a received one again."""
    _set_state(report, Report.State.RECEIVED, "report.restore", user, now, reason, seen)


def accept_reports(*, reports: "QuerySet[Report]", election: Election, user: User | None, now: datetime) -> int:
    """Accepts those of these reports that need no check; returns how many.

    They are accepted, not verified. No figure changes, because received and accepted reports count alike.
    At most MAX_REPORTS_PER_CALL at one call.
    """
    unchecked = reports.filter(state=Report.State.RECEIVED, check_row__isnull=True).filter(
        rehearsal=False, quarantined=False, superseded=False, commission__election=election
    )
    keys = list(unchecked.order_by("pk").values_list("pk", flat=True)[:MAX_REPORTS_PER_CALL])
    accepted = 0
    with transaction.atomic():
        for start in range(0, len(keys), 2000):
            still_received = Report.objects.filter(pk__in=keys[start : start + 2000], state=Report.State.RECEIVED)
            accepted += still_received.update(state=Report.State.ACCEPTED, decided_by=user, decided_at=now)
        if accepted:
            detail = {"election": election.slug, "reports": accepted, "from": keys[0], "to": keys[-1]}
            add_trail_entry(action="reports.accept", subject=election, now=now, user=user, detail=detail)
    return accepted


def mark_report_read(*, report: Report, now: datetime) -> None:
    """Records that a coordinator has opened a report.

    Only the first time counts; its observer is told so.
    """
    Report.objects.filter(pk=report.pk, read_at__isnull=True).update(read_at=now, changed_at=now)


def set_rehearsal(*, report: Report, rehearsal: bool, user: User | None, now: datetime) -> None:
    """Makes a rehearsal report a real one, or the reverse."""
    set_rehearsals(reports=[report], rehearsal=rehearsal, user=user, now=now)


def set_rehearsals(*, reports: Sequence[Report], rehearsal: bool, user: User | None, now: datetime) -> None:
    """Makes rehearsal reports real ones, or the reverse.

    All of them or, where it fails, none.
    """

    def change(row: Report) -> None:
        row.rehearsal = rehearsal
        row.flags = [flag for flag in row.flags if flag != "rehearsal"] + (["rehearsal"] if rehearsal else [])

    _apply_decision(reports, change, "report.rehearsal", user, now, {"rehearsal": rehearsal})


def quarantine_observer(*, observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """Sets aside all reports of one observer in one election.

    Also those that come later. Returns how many there are already.
    """
    return _set_quarantine(observer, election, True, user, now)


def restore_observer(*, observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """Ends an observer's quarantine; returns how many reports there are.

    Each report is in the state it had before.
    """
    return _set_quarantine(observer, election, False, user, now)


def decide_violation(
    *,
    violation: Violation,
    state: str,
    user: User | None,
    now: datetime,
    case: Case | None = None,
    note: str = "",
    seen: str = "",
) -> None:
    """Records what the desk found out about one violation.

    And to which case it belongs. Raises Rejected `invalid_report` where the case is about another commission,
    because a case is one event and confirmed cases are counted by commission. Raises EditConflict where `seen`
    is given and the violation has changed since. Raises ValueError where there is no such state.
    """
    if state not in Violation.State.values:
        raise ValueError(state)
    with transaction.atomic():
        row = (
            Violation.objects.select_for_update(of=("self",), no_key=True).select_related("report").get(pk=violation.pk)
        )
        if seen and seen != make_violation_stamp(row):
            raise EditConflict
        if case is not None and case.commission_id != row.report.commission_id:
            raise Rejected("invalid_report", _("This case is about another commission."), "case")
        before = row.state
        row.state, row.case, row.note = state, case or row.case, note or row.note
        row.decided_by, row.decided_at = user, now
        row.save(update_fields=["state", "case", "note", "decided_by", "decided_at"])
        mark_due(commissions=[row.report.commission_id], now=now)
        _write_trail("violation.decide", [row.report], None, user, now, {"from": before, "to": state, "code": row.code})
    violation.refresh_from_db()


def _set_state(
    report: Report, state: str, action: str, user: User | None, now: datetime, reason: str, seen: str
) -> None:
    detail = {"to": str(state), "reason": reason}

    def change(row: Report) -> None:
        if seen and seen != make_report_stamp(row):
            raise EditConflict
        row.state, row.state_reason = state, reason
        row.decided_by, row.decided_at = user, now

    _apply_decision([report], change, action, user, now, detail)


def _set_quarantine(observer: Observer, election: Election, quarantined: bool, user: User | None, now: datetime) -> int:
    def change(row: Report) -> None:
        row.quarantined = quarantined

    with transaction.atomic():
        # Intake takes the same lock before it looks up whether the observer is quarantined.
        lock_observers([observer.pk])
        if quarantined:
            SetAside.objects.get_or_create(observer=observer, election=election, defaults={"user": user, "at": now})
        else:
            SetAside.objects.filter(observer=observer, election=election).delete()
        reports_of_observer = Report.objects.filter(observer=observer, commission__election=election)
        changing = reports_of_observer.filter(quarantined=not quarantined)
        reports = list(changing.only("pk", "uuid", "observer_id"))
        action = "observer.quarantine" if quarantined else "observer.restore"
        _apply_decision(
            reports, change, action, user, now, {"election": election.slug, "reports": len(reports)}, subject=observer
        )
    return len(reports)


def _apply_decision(
    reports: Sequence[Report],
    change: Callable[[Report], None],
    action: str,
    user: User | None,
    now: datetime,
    detail: Mapping[str, object],
    subject: Model | None = None,
) -> None:
    """Applies one change to reports, with all its consequences.

    Under their observers' locks.
    """
    with transaction.atomic():
        lock_observers(report.observer_id for report in reports)
        keys = [report.pk for report in reports]
        rows = list(Report.objects.select_for_update(no_key=True).defer("body").filter(pk__in=keys).order_by("pk"))
        for row in rows:
            change(row)
            row.changed_at = now
        Report.objects.bulk_update(
            rows,
            ["state", "state_reason", "decided_by", "decided_at", "rehearsal", "flags", "quarantined", "changed_at"],
            batch_size=200,
        )
        update_checks(reports=rows, now=now)
        touched = update_superseded(reports=rows, now=now) if rows else set()
        mark_due(commissions={row.commission_id for row in rows} | touched, now=now)
        _write_trail(action, rows, subject, user, now, detail)
    changed = {row.pk: row for row in rows}
    for report in reports:
        for name in ("state", "state_reason", "decided_at", "rehearsal", "flags", "quarantined", "superseded"):
            setattr(report, name, getattr(changed[report.pk], name))


def _format_time(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def _write_trail(
    action: str,
    rows: Sequence[Report],
    trail_subject: Model | None,
    user: User | None,
    now: datetime,
    detail: Mapping[str, object],
) -> None:
    places = Commission.objects.filter(pk__in={row.commission_id for row in rows})
    elections = dict(places.values_list("pk", "election_id"))
    for subject in [trail_subject] if trail_subject is not None else rows:
        row = rows[0] if rows and trail_subject is not None else subject
        add_trail_entry(
            action=action,
            subject=f"{subject._meta.model_name}:{subject}",
            now=now,
            user=user,
            detail=detail,
            election=elections.get(getattr(row, "commission_id", 0)),
        )
