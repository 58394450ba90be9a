"""Correction of one answer by phone.

A dictated report supersedes the stored one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import User
from reports.models import Report, Violation
from reports.problems import Rejected
from reports.services.checklists.compiled import load_forms
from reports.services.intake.dictation import DictatedReport, dictate_report, find_newest_report
from reports.services.intake.submission import Outcome
from reports.services.review.decisions import decide_violation

EMPTY_VALUES: tuple[Any, ...] = (None, "", [])


def correct_answer(
    *, report: Report, uuid: UUID, code: str, value: Any, newest_seen: int | None, user: User, now: datetime
) -> Outcome:
    """Stores a correction of a report with another answer to `code`.

    The observer and the time of the observation stay the same. An empty `value` removes the answer. What
    the desk decided about the report's violations is copied where the new report raises them too. Raises
    Rejected where the report no longer counts or the answer cannot be read or is the same, and
    NewerReportExists where a report newer than `newest_seen` has come.
    """
    answers = {key: given for key, given in report.answers.items() if key != code}
    if value not in EMPTY_VALUES:
        answers[code] = value
    with transaction.atomic():
        row = Report.objects.select_related("commission__election", "observer", "contest").get(pk=report.pk)
        is_stored = Report.objects.filter(uuid=uuid).exists()
        if not is_stored and (not row.is_eligible or row.superseded):
            raise Rejected("invalid_report", _("This report does not count any more: correct the one that does."))
        if not is_stored and answers == row.answers:
            raise Rejected("invalid_answers", _("This is the answer already."), f"answers.{code}")
        outcome = dictate_report(
            dictated=_build_dictated_report(row, uuid, answers, newest_seen),
            election=row.commission.election,
            user=user,
            now=now,
        )
        if outcome.kind == "stored":
            _copy_violation_decisions(row, Report.objects.get(uuid=uuid), user, now)
    return outcome


def get_newest_sequence(report: Report) -> int:
    """The sequence of the newest report, for a correction form.

    Of those by this report's observer on its checklist and place; 0 where there is none.
    """
    checklist = report.version.checklist.code
    newest_report = find_newest_report(observer=report.observer, commission=report.commission, checklist=checklist)
    return newest_report.pk if newest_report else 0


def _build_dictated_report(row: Report, uuid: UUID, answers: Mapping[str, Any], newest: int | None) -> DictatedReport:
    return DictatedReport(
        uuid=uuid,
        observer=row.observer,
        commission=row.commission,
        form=load_forms({row.version_id})[row.version_id],
        observed_at=row.observed_at,
        answers=answers,
        slot=row.slot,
        contest=row.contest.code if row.contest else "",
        comment=row.comment,
        outside=row.outside,
        supersedes=row.uuid,
        newest_seen=newest,
    )


def _copy_violation_decisions(old_report: Report, new_report: Report, user: User, now: datetime) -> None:
    old_by_code = {one.code: one for one in old_report.violations.select_related("case")}
    for violation in new_report.violations.all():
        old_violation = old_by_code.get(violation.code)
        if old_violation is not None and (
            old_violation.state != Violation.State.REPORTED or old_violation.case is not None
        ):
            decide_violation(
                violation=violation,
                state=old_violation.state,
                user=user,
                now=now,
                case=old_violation.case,
                note=old_violation.note,
            )
