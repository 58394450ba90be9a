"""Expected reports and whether they have come.

There is one for each assignment, checklist and slot. Computed, never stored. A report meets the expectation of
an assignment when somebody of its team made it. Reports about one station on one checklist may contradict each
other; then all of them must be checked.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from observer.models import Assignment, Election
from reports.models import Checklist, Report
from reports.services.checklists.compiled import Form, load_forms
from reports.services.schedule.schedule import DueTime, load_plan

MISSING, PARTIAL, COMPLETE, CONFLICTING = "missing", "partial", "complete", "conflicting"
SETTLED = frozenset({COMPLETE, CONFLICTING})  # the observer need not send anything more
COMPARED_TYPES = frozenset({"yes_no", "choice", "integer", "decimal"})  # two observers should give the same answer
NON_ANSWERS = frozenset({"not_observed", "not_applicable"})
SlotKey = tuple[int, str, str]  # commission, checklist, slot


@dataclass(frozen=True, slots=True)
class Expectation:
    """One report that is expected for one assignment.

    `reports`: sequences of the counted reports that meet it, the newest first.
    """

    assignment: Assignment
    due_time: DueTime
    state: str
    reports: tuple[int, ...]

    def is_late(self, now: datetime) -> bool:
        """Whether a complete report should have come by now and has not."""
        return self.state not in SETTLED and now > self.due_time.late_after

    def is_due(self, now: datetime) -> bool:
        return now >= self.due_time.due


@dataclass(frozen=True, slots=True)
class _CountedReport:
    """What expectations need to know of one counted report."""

    sequence: int
    observer: int
    contest: int | None
    is_complete: bool


def load_expectations(*, election: Election, assignments: Sequence[Assignment]) -> list[Expectation]:
    """The expectations of these assignments with their states.

    In the assignments' order and by time. It takes three queries, whatever their number. The caller loads the
    commissions, levels and observers of the assignments and passes a few hundred at most, because the reports
    of each are read.
    """
    plan = load_plan(election=election)
    counted_reports = _load_counted_reports(sorted({one.commission_id for one in assignments}))
    conflicts = _find_conflicts(counted_reports, plan.checklists)
    expectations = []
    for assignment in assignments:
        team = {observer.pk for observer in assignment.observers.all()}
        due_times = plan.list_due_times(
            zone=assignment.commission.timezone,
            kind=assignment.commission.level.kind,
            role=assignment.role,
            starts_at=assignment.starts_at,
            ends_at=assignment.ends_at,
        )
        for due_time in due_times:
            key = (assignment.commission_id, due_time.checklist, due_time.slot)
            team_reports = [report for report in counted_reports.get(key, ()) if report.observer in team]
            state = _get_state(team_reports, key in conflicts)
            expectations.append(Expectation(assignment, due_time, state, tuple(one.sequence for one in team_reports)))
    return expectations


def _get_state(reports: Collection[_CountedReport], is_conflicting: bool) -> str:
    if not reports:
        return MISSING
    if is_conflicting:
        return CONFLICTING
    return COMPLETE if any(report.is_complete for report in reports) else PARTIAL


def _load_counted_reports(commissions: Sequence[int]) -> dict[SlotKey, list[_CountedReport]]:
    """The counted reports about these commissions, the newest first."""
    rows = Report.objects.counted().filter(commission__in=commissions).order_by("-sequence")
    values = list(
        rows.values_list("commission_id", "version_id", "slot", "sequence", "observer_id", "contest_id", "flags")
    )
    forms = load_forms({row[1] for row in values})
    reports_by_key: dict[SlotKey, list[_CountedReport]] = defaultdict(list)
    for commission, version, slot, sequence, observer, contest, flags in values:
        report = _CountedReport(sequence, observer, contest, "missing_answers" not in flags)
        reports_by_key[commission, forms[version].code, slot].append(report)
    return reports_by_key


def _find_conflicts(
    counted_reports: Mapping[SlotKey, list[_CountedReport]], checklists: Mapping[str, Checklist]
) -> set[SlotKey]:
    """Where reports of two observers contradict each other.

    Only on checklists that are filled in once.
    """
    candidates: dict[int, tuple[SlotKey, int | None]] = {}
    for key, reports in counted_reports.items():
        checklist = checklists.get(key[1])
        if checklist is None or checklist.repeat != Checklist.Repeat.ONCE:
            continue
        for report in reports:
            if any(other.observer != report.observer and other.contest == report.contest for other in reports):
                candidates[report.sequence] = key, report.contest
    if not candidates:
        return set()
    answers_by_key: dict[tuple[SlotKey, int | None], list[tuple[Form, Mapping[str, Any]]]] = defaultdict(list)
    rows = list(Report.objects.filter(pk__in=candidates).order_by().values_list("pk", "version_id", "answers"))
    forms = load_forms({version for _pk, version, _answers in rows})
    for sequence, version, answers in rows:
        answers_by_key[candidates[sequence]].append((forms[version], answers))
    return {key for (key, _contest), given in answers_by_key.items() if has_contradiction(given)}


def has_contradiction(given: Iterable[tuple[Form, Mapping[str, Any]]]) -> bool:
    """Whether a question got two answers that contradict each other.

    Pure. Only questions that have one true answer are compared. "Not observed" and "not applicable" contradict
    no answer.
    """
    first_answers: dict[str, Any] = {}
    for form, answers in given:
        for code, value in form.filter_asked_answers(answers).items():
            is_compared = form.fields[code].type in COMPARED_TYPES and value not in NON_ANSWERS
            if is_compared and first_answers.setdefault(code, value) != value:
                return True
    return False
