"""Comparison of reports: versions, other observers, contradictions.

Other observers' reports are about the same place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from reports.models import Question, Report
from reports.services.schedule.expectations import NON_ANSWERS

MAX_OTHER_REPORTS = 4
MAX_VERSIONS = 20


def load_versions(report: Report, rows: "QuerySet[Report]") -> list[Report]:
    """Other versions of this report among `rows`.

    The newest first, at most MAX_VERSIONS. These are the report that it corrects, the reports that correct it,
    and other corrections and superseded reports by the same observer on the same checklist, place, contest and
    slot.
    """
    same = Q(observer=report.observer_id, version__checklist=report.version.checklist_id, slot=report.slot)
    same &= Q(commission=report.commission_id, contest=report.contest_id)
    linked = Q(uuid=report.supersedes) | Q(supersedes=report.uuid) if report.supersedes else Q(supersedes=report.uuid)
    related = rows.filter(linked | same & (Q(superseded=True) | Q(supersedes__isnull=False))).exclude(pk=report.pk)
    return list(related.select_related("version__checklist").defer("body").order_by("-sequence")[:MAX_VERSIONS])


def collect_corrected_keys(rows: "QuerySet[Report]") -> set[int]:
    """Keys of these reports and of all that they correct.

    Directly or through other reports.
    """
    found: dict[int, None] = {}
    batch = list(rows.order_by().values_list("pk", "supersedes", "observer_id"))
    while batch:
        found |= dict.fromkeys(pk for pk, _target, _observer in batch)
        targets = {target: observer for _pk, target, observer in batch if target is not None}
        older = Report.objects.filter(uuid__in=list(targets)).order_by()
        batch = [
            (pk, target, observer)
            for pk, uuid, target, observer in older.values_list("pk", "uuid", "supersedes", "observer_id")
            if pk not in found and targets[uuid] == observer
        ]
    return set(found)


def load_other_reports(report: Report, rows: "QuerySet[Report]") -> list[Report]:
    """Reports of other observers on the same place and checklist.

    Those among `rows`, of the same contest and slot. The nearest in time first, at most MAX_OTHER_REPORTS of
    the 50 newest.
    """
    reports = rows.filter(commission=report.commission_id, version__checklist=report.version.checklist_id)
    reports = reports.filter(slot=report.slot, contest=report.contest_id, superseded=False, rehearsal=report.rehearsal)
    reports = (
        reports.exclude(observer=report.observer_id).select_related("observer", "version__checklist").defer("body")
    )
    nearest = sorted(reports.order_by("-sequence")[:50], key=lambda one: abs(one.observed_at - report.observed_at))
    return nearest[:MAX_OTHER_REPORTS]


def is_contradiction(question: Question, answer: Any, other_answer: Any) -> bool:
    """Whether two answers contradict each other.

    Missing answers, "not observed" and "not applicable" contradict no answer.
    """
    if question.type == Question.Type.NOTE or answer is None or other_answer is None:
        return False
    if isinstance(answer, Mapping) or answer in NON_ANSWER_LIST or other_answer in NON_ANSWER_LIST:
        return False
    return bool(answer != other_answer)


NON_ANSWER_LIST: Sequence[Any] = sorted(NON_ANSWERS)
