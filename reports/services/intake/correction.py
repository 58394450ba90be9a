"""One answer of a stored report, corrected on the phone: a dictated report stands in its place."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import User
from reports.models import Report, Violation
from reports.problems import Rejected
from reports.services.checklists.compiled import forms_of
from reports.services.intake.dictation import Dictated, newest_of, report_dictate
from reports.services.intake.submission import Outcome
from reports.services.review.decisions import violation_decide

UNSAID: tuple[Any, ...] = (None, "", [])


def answer_correct(
    *, report: Report, uuid: UUID, code: str, value: Any, newest: int | None, user: User, now: datetime
) -> Outcome:
    """The same report with another answer to `code`, by the same observer, about the same moment.

    What the desk found out about its violations is taken along where they are still told. Raises Rejected
    where the report no longer stands or the answer cannot be read, Meanwhile where a newer one came.
    """
    answers = {key: given for key, given in report.answers.items() if key != code}
    if value not in UNSAID:
        answers[code] = value
    with transaction.atomic():
        row = Report.objects.select_related("commission__election", "observer", "contest").get(pk=report.pk)
        known = Report.objects.filter(uuid=uuid).exists()
        if not known and (not row.is_eligible or row.superseded):
            raise Rejected("invalid_report", _("This report does not count any more: correct the one that does."))
        if not known and answers == row.answers:
            raise Rejected("invalid_answers", _("This is the answer already."), f"answers.{code}")
        outcome = report_dictate(
            dictated=_dictated(row, uuid, answers, newest), election=row.commission.election, user=user, now=now
        )
        if outcome.kind == "stored":
            _take_along(row, Report.objects.get(uuid=uuid), user, now)
    return outcome


def newest_seen(report: Report) -> int:
    """What a form that corrects this report says it had seen."""
    checklist = report.version.checklist.code
    found = newest_of(observer=report.observer, commission=report.commission, checklist=checklist)
    return found.pk if found else 0


def _dictated(row: Report, uuid: UUID, answers: Mapping[str, Any], newest: int | None) -> Dictated:
    return Dictated(
        uuid=uuid,
        observer=row.observer,
        commission=row.commission,
        form=forms_of({row.version_id})[row.version_id],
        observed_at=row.observed_at,
        answers=answers,
        slot=row.slot,
        contest=row.contest.code if row.contest else "",
        comment=row.comment,
        outside=row.outside,
        supersedes=row.uuid,
        newest=newest,
    )


def _take_along(old: Report, new: Report, user: User, now: datetime) -> None:
    decided = {one.code: one for one in old.violations.select_related("case")}
    for one in new.violations.all():
        before = decided.get(one.code)
        if before is not None and (before.state != Violation.State.REPORTED or before.case is not None):
            violation_decide(violation=one, state=before.state, user=user, now=now, case=before.case, note=before.note)
