"""Reports beside each other: versions of one, others about the same place, and where they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from reports.models import Question, Report
from reports.services.schedule.expectations import UNSAID

OTHERS = 4
VERSIONS = 20


def versions_of(report: Report, rows: "QuerySet[Report]") -> list[Report]:
    """Among `rows`, what this report stands for and what stands for it: the same observer, checklist and place."""
    same = Q(observer=report.observer_id, version__checklist=report.version.checklist_id, slot=report.slot)
    same &= Q(commission=report.commission_id, contest=report.contest_id)
    linked = Q(uuid=report.supersedes) | Q(supersedes=report.uuid) if report.supersedes else Q(supersedes=report.uuid)
    found = rows.filter(linked | same & (Q(superseded=True) | Q(supersedes__isnull=False))).exclude(pk=report.pk)
    return list(found.select_related("version__checklist").defer("body").order_by("-sequence")[:VERSIONS])


def earlier_too(rows: "QuerySet[Report]") -> set[int]:
    """Keys of these reports and of all that they correct, however far back: the words and files that came first."""
    found: dict[int, None] = {}
    named = list(rows.order_by().values_list("pk", "supersedes", "observer_id"))
    while named:
        found |= dict.fromkeys(pk for pk, _target, _observer in named)
        targets = {target: observer for _pk, target, observer in named if target is not None}
        older = Report.objects.filter(uuid__in=list(targets)).order_by()
        named = [
            (pk, target, observer)
            for pk, uuid, target, observer in older.values_list("pk", "uuid", "supersedes", "observer_id")
            if pk not in found and targets[uuid] == observer
        ]
    return set(found)


def others_about(report: Report, rows: "QuerySet[Report]") -> list[Report]:
    """Among `rows`, what other observers say of the same place on the same checklist, the nearest in time first."""
    found = rows.filter(commission=report.commission_id, version__checklist=report.version.checklist_id)
    found = found.filter(slot=report.slot, contest=report.contest_id, superseded=False, rehearsal=report.rehearsal)
    found = found.exclude(observer=report.observer_id).select_related("observer", "version__checklist").defer("body")
    near = sorted(found.order_by("-sequence")[:50], key=lambda one: abs(one.observed_at - report.observed_at))
    return near[:OTHERS]


def differs(question: Question, mine: Any, other: Any) -> bool:
    """Whether two answers contradict each other. Not having seen it, or not having said, contradicts nobody."""
    if question.type == Question.Type.NOTE or mine is None or other is None:
        return False
    if isinstance(mine, Mapping) or mine in UNSAID_LIST or other in UNSAID_LIST:
        return False
    return bool(mine != other)


UNSAID_LIST: Sequence[Any] = sorted(UNSAID)
