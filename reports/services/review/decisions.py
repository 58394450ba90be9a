"""What the desk decides about what was received. Setting aside is a state, never a deletion.

Each decision settles what supersedes what, marks the figures it touches as due and leaves a trail,
in one transaction. Nothing else may write a report's standing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from observer.models import Commission, Election, Observer, User
from observer.services.trail import trail_add
from reports.models import Case, Report, SetAside, Violation
from reports.problems import Rejected
from reports.services.background.recompute_queue import due_add
from reports.services.review.review_queue import checks_settle
from reports.services.review.superseding import observers_lock, superseding_settle

AT_ONCE = 20_000  # reports accepted at one call


class Changed(Exception):
    """A colleague decided meanwhile: what was on the screen is no longer so. Nothing was written."""


def report_stamp(report: Report) -> str:
    """How a report stood when it was shown; given back as `seen`, it tells whether it still does."""
    return f"{report.state} {report.quarantined:d} {report.rehearsal:d} {_moment(report.decided_at)}"


def violation_stamp(violation: Violation) -> str:
    """The same of one violation."""
    return f"{violation.state} {violation.case_id or ''} {_moment(violation.decided_at)}"


def report_verify(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Someone checked it: it counts, and counts as verified. Like those below, raises Changed where `seen` is past."""
    _set_state(report, Report.State.VERIFIED, "report.verify", user, now, reason, seen)


def report_reject(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """It leaves the figures; what it superseded comes back into them."""
    _set_state(report, Report.State.REJECTED, "report.reject", user, now, reason, seen)


def report_hold(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """It leaves the figures until someone has looked."""
    _set_state(report, Report.State.HELD, "report.hold", user, now, reason, seen)


def report_restore(*, report: Report, user: User | None, now: datetime, reason: str = "", seen: str = "") -> None:
    """Held, rejected, accepted or verified, it becomes a received report again."""
    _set_state(report, Report.State.RECEIVED, "report.restore", user, now, reason, seen)


def reports_accept(*, reports: "QuerySet[Report]", election: Election, user: User | None, now: datetime) -> int:
    """Those of these reports at which nobody need look count on, as accepted and not verified; how many.

    No figure changes: received and accepted reports count alike. At most AT_ONCE at one call.
    """
    unseen = reports.filter(state=Report.State.RECEIVED, check_row__isnull=True).filter(
        rehearsal=False, quarantined=False, superseded=False, commission__election=election
    )
    keys = list(unseen.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    accepted = 0
    with transaction.atomic():
        for start in range(0, len(keys), 2000):
            still = Report.objects.filter(pk__in=keys[start : start + 2000], state=Report.State.RECEIVED)
            accepted += still.update(state=Report.State.ACCEPTED, decided_by=user, decided_at=now)
        if accepted:
            detail = {"election": election.slug, "reports": accepted, "from": keys[0], "to": keys[-1]}
            trail_add(action="reports.accept", subject=election, now=now, user=user, detail=detail)
    return accepted


def report_read(*, report: Report, now: datetime) -> None:
    """A coordinator has opened it for the first time; its observer is told so."""
    Report.objects.filter(pk=report.pk, read_at__isnull=True).update(read_at=now, changed_at=now)


def rehearsal_set(*, report: Report, rehearsal: bool, user: User | None, now: datetime) -> None:
    """A rehearsal report that was meant in earnest, or the reverse."""
    rehearsals_set(reports=[report], rehearsal=rehearsal, user=user, now=now)


def rehearsals_set(*, reports: Sequence[Report], rehearsal: bool, user: User | None, now: datetime) -> None:
    """Reports that were rehearsed and meant in earnest, or the reverse, all or none of them."""

    def change(row: Report) -> None:
        row.rehearsal = rehearsal
        row.flags = [flag for flag in row.flags if flag != "rehearsal"] + (["rehearsal"] if rehearsal else [])

    _decide(reports, change, "report.rehearsal", user, now, {"rehearsal": rehearsal})


def observer_quarantine(*, observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """Sets aside every report of one observer in one election at once, and all that come; how many are here."""
    return _quarantine(observer, election, True, user, now)


def observer_restore(*, observer: Observer, election: Election, user: User | None, now: datetime) -> int:
    """Brings them back, each in the state it had; how many there are."""
    return _quarantine(observer, election, False, user, now)


def violation_decide(
    *,
    violation: Violation,
    state: str,
    user: User | None,
    now: datetime,
    case: Case | None = None,
    note: str = "",
    seen: str = "",
) -> None:
    """What the desk found out about one violation in one report, and which event it belongs to.

    Raises Rejected `invalid_report` where the case is about another commission: a case is one
    event, and confirmed counts cases commission by commission. Raises Changed where `seen` is past.
    """
    if state not in Violation.State.values:
        raise ValueError(state)
    with transaction.atomic():
        row = (
            Violation.objects.select_for_update(of=("self",), no_key=True).select_related("report").get(pk=violation.pk)
        )
        if seen and seen != violation_stamp(row):
            raise Changed
        if case is not None and case.commission_id != row.report.commission_id:
            raise Rejected("invalid_report", _("This case is about another commission."), "case")
        before = row.state
        row.state, row.case, row.note = state, case or row.case, note or row.note
        row.decided_by, row.decided_at = user, now
        row.save(update_fields=["state", "case", "note", "decided_by", "decided_at"])
        due_add(commissions=[row.report.commission_id], now=now)
        _trail("violation.decide", [row.report], None, user, now, {"from": before, "to": state, "code": row.code})
    violation.refresh_from_db()


def _set_state(
    report: Report, state: str, action: str, user: User | None, now: datetime, reason: str, seen: str
) -> None:
    detail = {"to": str(state), "reason": reason}

    def change(row: Report) -> None:
        if seen and seen != report_stamp(row):
            raise Changed
        row.state, row.state_reason = state, reason
        row.decided_by, row.decided_at = user, now

    _decide([report], change, action, user, now, detail)


def _quarantine(observer: Observer, election: Election, aside: bool, user: User | None, now: datetime) -> int:
    def change(row: Report) -> None:
        row.quarantined = aside

    with transaction.atomic():
        observers_lock([observer.pk])  # as the door does before it asks whether the observer is set aside
        if aside:
            SetAside.objects.get_or_create(observer=observer, election=election, defaults={"user": user, "at": now})
        else:
            SetAside.objects.filter(observer=observer, election=election).delete()
        theirs = Report.objects.filter(observer=observer, commission__election=election, quarantined=not aside)
        reports = list(theirs.only("pk", "uuid", "observer_id"))
        action = "observer.quarantine" if aside else "observer.restore"
        _decide(
            reports, change, action, user, now, {"election": election.slug, "reports": len(reports)}, about=observer
        )
    return len(reports)


def _decide(
    reports: Sequence[Report],
    change: Callable[[Report], None],
    action: str,
    user: User | None,
    now: datetime,
    detail: Mapping[str, object],
    about: Model | None = None,
) -> None:
    """Applies one change to reports, under their observers' locks, with all that follows from it."""
    with transaction.atomic():
        observers_lock(report.observer_id for report in reports)
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
        checks_settle(reports=rows, now=now)
        touched = superseding_settle(reports=rows, now=now) if rows else set()
        due_add(commissions={row.commission_id for row in rows} | touched, now=now)
        _trail(action, rows, about, user, now, detail)
    changed = {row.pk: row for row in rows}
    for report in reports:
        for name in ("state", "state_reason", "decided_at", "rehearsal", "flags", "quarantined", "superseded"):
            setattr(report, name, getattr(changed[report.pk], name))


def _moment(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _trail(
    action: str,
    rows: Sequence[Report],
    about: Model | None,
    user: User | None,
    now: datetime,
    detail: Mapping[str, object],
) -> None:
    places = Commission.objects.filter(pk__in={row.commission_id for row in rows})
    elections = dict(places.values_list("pk", "election_id"))
    for subject in [about] if about is not None else rows:
        row = rows[0] if rows and about is not None else subject
        trail_add(
            action=action,
            subject=f"{subject._meta.model_name}:{subject}",
            now=now,
            user=user,
            detail=detail,
            election=elections.get(getattr(row, "commission_id", 0)),
        )
