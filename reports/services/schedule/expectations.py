"""What of that which is expected has come: assignment × checklist × slot, each with how it stands.

Computed, never stored. An assignment's report is one by somebody of its team; whose reports speak
of one station on one checklist may contradict each other, and then all of them need a look.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from observer.models import Assignment, Election
from reports.models import Checklist, Report
from reports.services.checklists.compiled import Form, forms_of
from reports.services.schedule.schedule import Hour, plan_of

MISSING, PARTIAL, COMPLETE, CONFLICTING = "missing", "partial", "complete", "conflicting"
SETTLED = frozenset({COMPLETE, CONFLICTING})  # nothing more is awaited of the observer
SINGLE = frozenset({"yes_no", "choice", "integer", "decimal"})  # of which two observers should say one thing
UNSAID = frozenset({"not_observed", "not_applicable"})
Key = tuple[int, str, str]  # commission, checklist, slot


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing expected of one assignment. `reports`: sequences of the counted reports that meet it, newest first."""

    assignment: Assignment
    hour: Hour
    state: str
    reports: tuple[int, ...]

    def is_late(self, now: datetime) -> bool:
        """Whether it should have come by now, whole, and has not."""
        return self.state not in SETTLED and now > self.hour.late_after

    def is_due(self, now: datetime) -> bool:
        return now >= self.hour.due


@dataclass(frozen=True, slots=True)
class _Heard:
    """One counted report, as far as expectations go."""

    sequence: int
    observer: int
    contest: int | None
    whole: bool


def expectations(*, election: Election, assignments: Sequence[Assignment]) -> list[Expectation]:
    """How everything expected at these assignments stands, in their order and by time.

    Three queries whatever their number. Commissions, levels and observers of the assignments are
    loaded by the caller, who keeps to a few hundred of them: each one's reports are read.
    """
    plan = plan_of(election=election)
    heard = _heard(sorted({one.commission_id for one in assignments}))
    conflicting = _conflicting(heard, plan.checklists)
    found = []
    for one in assignments:
        team = {observer.pk for observer in one.observers.all()}
        hours = plan.hours(
            zone=one.commission.timezone,
            kind=one.commission.level.kind,
            role=one.role,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
        )
        for hour in hours:
            key = (one.commission_id, hour.checklist, hour.slot)
            own = [report for report in heard.get(key, ()) if report.observer in team]
            found.append(Expectation(one, hour, _state(own, key in conflicting), tuple(r.sequence for r in own)))
    return found


def _state(own: Collection[_Heard], conflicting: bool) -> str:
    if not own:
        return MISSING
    if conflicting:
        return CONFLICTING
    return COMPLETE if any(report.whole for report in own) else PARTIAL


def _heard(commissions: Sequence[int]) -> dict[Key, list[_Heard]]:
    """The counted reports about these commissions, the newest first."""
    rows = Report.objects.counted().filter(commission__in=commissions).order_by("-sequence")
    values = list(
        rows.values_list("commission_id", "version_id", "slot", "sequence", "observer_id", "contest_id", "flags")
    )
    forms = forms_of({row[1] for row in values})
    found: dict[Key, list[_Heard]] = defaultdict(list)
    for commission, version, slot, sequence, observer, contest, flags in values:
        one = _Heard(sequence, observer, contest, "missing_answers" not in flags)
        found[commission, forms[version].code, slot].append(one)
    return found


def _conflicting(heard: Mapping[Key, list[_Heard]], checklists: Mapping[str, Checklist]) -> set[Key]:
    """Where two observers fill in once what happened once, and say different things."""
    suspects: dict[int, tuple[Key, int | None]] = {}
    for key, reports in heard.items():
        checklist = checklists.get(key[1])
        if checklist is None or checklist.repeat != Checklist.Repeat.ONCE:
            continue
        for report in reports:
            if any(other.observer != report.observer and other.contest == report.contest for other in reports):
                suspects[report.sequence] = key, report.contest
    if not suspects:
        return set()
    said: dict[tuple[Key, int | None], list[tuple[Form, Mapping[str, Any]]]] = defaultdict(list)
    rows = list(Report.objects.filter(pk__in=suspects).order_by().values_list("pk", "version_id", "answers"))
    forms = forms_of({version for _pk, version, _answers in rows})
    for sequence, version, answers in rows:
        said[suspects[sequence]].append((forms[version], answers))
    return {key for (key, _contest), told in said.items() if contradict(told)}


def contradict(told: Iterable[tuple[Form, Mapping[str, Any]]]) -> bool:
    """Pure. Whether any question with one answer got two. Not having seen it contradicts nobody."""
    first: dict[str, Any] = {}
    for form, answers in told:
        for code, value in form.asked(answers).items():
            if form.fields[code].type in SINGLE and value not in UNSAID and first.setdefault(code, value) != value:
                return True
    return False
