"""What the desk decided the day after: a tenth verified, some rejected, some violations looked into."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from observer.models import User
from reports.management.demo.chance import chance
from reports.models import Case, Report, Violation
from reports.services.review.decisions import report_reject, report_verify, violation_decide

State = Violation.State
VERIFIED, REJECTED = 400, 28
DECIDED = ((State.CONFIRMED, 60), (State.REFUTED, 24), (State.SOLVED, 18), (State.PASSED_ON, 12))
REASONS = ("Sent twice by two phones.", "The observer withdrew it.", "About another polling station.")


def desk_decide(*, election_id: int, user: User, now: datetime) -> None:
    """Takes the decisions through the desk's services, one by one, as coordinators would."""
    luck = chance("desk")
    counted = Report.objects.counted().filter(commission__election=election_id)
    reports = list(counted.only("pk", "uuid", "observer_id").order_by("uuid"))
    chosen = luck.sample(reports, VERIFIED + REJECTED)
    for report in chosen[:VERIFIED]:
        report_verify(report=report, user=user, now=now)
    for report in chosen[VERIFIED:]:
        report_reject(report=report, user=user, now=now, reason=luck.choice(REASONS))
    _violations(election_id, user, now)


def _violations(election_id: int, user: User, now: datetime) -> None:
    luck = chance("violations")
    counted = Report.objects.counted().filter(commission__election=election_id)
    rows = list(Violation.objects.filter(report__in=counted).select_related("report").order_by("report__uuid", "code"))
    _cases(rows, user, now)
    open_ones = [row for row in rows if row.state == State.REPORTED]
    chosen = iter(luck.sample(open_ones, sum(number for _state, number in DECIDED)))
    for state, number in DECIDED:
        for _ in range(number):
            violation_decide(violation=next(chosen), state=state, user=user, now=now)


def _cases(rows: Sequence[Violation], user: User, now: datetime) -> None:
    """Two observers at one event are two reports and one case."""
    events: dict[tuple[int, str], list[Violation]] = defaultdict(list)
    for row in rows:
        events[row.report.commission_id, row.code].append(row)
    shared = [told for told in events.values() if len({row.report.observer_id for row in told}) > 1]
    for told in shared[:12]:
        case = Case.objects.create(
            commission_id=told[0].report.commission_id, title=f"{told[0].code} (demonstration)", created_at=now
        )
        for row in told:
            violation_decide(violation=row, state=State.CONFIRMED, user=user, now=now, case=case)
