"""Decisions of the demonstration's desk: a tenth of reports verified, some rejected, some violations decided."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from observer.models import User
from reports.management.demo.seeded_random import make_random
from reports.models import Case, Report, Violation
from reports.services.review.decisions import decide_violation, reject_report, verify_report

State = Violation.State
VERIFIED_COUNT, REJECTED_COUNT = 400, 28
VIOLATION_DECISIONS = ((State.CONFIRMED, 60), (State.REFUTED, 24), (State.SOLVED, 18), (State.PASSED_ON, 12))
REASONS = ("Sent twice by two phones.", "The observer withdrew it.", "About another polling station.")


def make_desk_decisions(*, election_id: int, user: User, now: datetime) -> None:
    """Makes the decisions through the desk's services, one by one, as coordinators would."""
    rng = make_random("desk")
    counted = Report.objects.counted().filter(commission__election=election_id)
    reports = list(counted.only("pk", "uuid", "observer_id").order_by("uuid"))
    chosen = rng.sample(reports, VERIFIED_COUNT + REJECTED_COUNT)
    for report in chosen[:VERIFIED_COUNT]:
        verify_report(report=report, user=user, now=now)
    for report in chosen[VERIFIED_COUNT:]:
        reject_report(report=report, user=user, now=now, reason=rng.choice(REASONS))
    _decide_violations(election_id, user, now)


def _decide_violations(election_id: int, user: User, now: datetime) -> None:
    rng = make_random("violations")
    counted = Report.objects.counted().filter(commission__election=election_id)
    rows = list(Violation.objects.filter(report__in=counted).select_related("report").order_by("report__uuid", "code"))
    _create_cases(rows, user, now)
    undecided = [row for row in rows if row.state == State.REPORTED]
    chosen = iter(rng.sample(undecided, sum(number for _state, number in VIOLATION_DECISIONS)))
    for state, number in VIOLATION_DECISIONS:
        for _ in range(number):
            decide_violation(violation=next(chosen), state=state, user=user, now=now)


def _create_cases(rows: Sequence[Violation], user: User, now: datetime) -> None:
    """Creates cases of events that two observers reported: two reports, one case."""
    events: dict[tuple[int, str], list[Violation]] = defaultdict(list)
    for row in rows:
        events[row.report.commission_id, row.code].append(row)
    shared_events = [
        event_rows for event_rows in events.values() if len({row.report.observer_id for row in event_rows}) > 1
    ]
    for event_rows in shared_events[:12]:
        case = Case.objects.create(
            commission_id=event_rows[0].report.commission_id,
            title=f"{event_rows[0].code} (demonstration)",
            created_at=now,
        )
        for row in event_rows:
            decide_violation(violation=row, state=State.CONFIRMED, user=user, now=now, case=case)
