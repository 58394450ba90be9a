"""Reports that an observer dictates to the desk by phone.

Intake stores them as any other report.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from observer.models import Commission, Election, Observer, User
from observer.services.trail import add_trail_entry
from reports.models import Report, ViolationType
from reports.services.checklists.answer_reading import read_answers
from reports.services.checklists.compiled import Form
from reports.services.intake.intake import accept_submission
from reports.services.intake.submission import Outcome, Sender, Submission
from reports.services.review.superseding import lock_observers

CHANNEL = "desk"


class NewerReportExists(Exception):
    """A newer report came while the form was filled in.

    It is by the same observer on the same checklist and place.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report.pk))
        self.report = report


@dataclass(frozen=True, slots=True)
class DictatedReport:
    """A form that the desk has filled in.

    `uuid` is made when the form is opened, so that sending it twice stores one report. `newest_seen` is the
    sequence of the newest report that existed when the form was opened; None stores the report whatever
    has come meanwhile.
    """

    uuid: UUID
    observer: Observer
    commission: Commission
    form: Form
    observed_at: datetime
    answers: Mapping[str, Any]
    slot: str = ""
    contest: str = ""
    comment: str = ""
    outside: bool = False
    supersedes: UUID | None = None
    newest_seen: int | None = None


def dictate_report(*, dictated: DictatedReport, election: Election, user: User, now: datetime) -> Outcome:
    """Stores a dictated report as the observer's, with `user` as its author.

    The same form sent again gets the same receipt. Raises Rejected `invalid_answers` with every field that
    cannot be read, or NewerReportExists. Then nothing is kept, because the user can correct it at once.
    """
    form = dictated.form
    codes = frozenset[str]()
    if form.asks_for_violation:
        codes = frozenset(ViolationType.objects.filter(election=election).values_list("code", flat=True))
    answers = form.filter_asked_answers(read_answers(form, dictated.answers, codes))
    with transaction.atomic():
        lock_observers([dictated.observer.pk])
        _raise_on_newer_report(dictated)
        outcome = accept_submission(_build_submission(dictated, answers, election, user), now=now)
        if outcome.kind == "stored":
            detail = {
                "observer": dictated.observer.code,
                "commission": dictated.commission.code,
                "checklist": form.code,
            }
            add_trail_entry(
                action="report.dictate",
                subject=f"report:{dictated.uuid}",
                now=now,
                user=user,
                detail=detail,
                election=election.pk,
            )
    return outcome


def find_newest_report(*, observer: Observer, commission: Commission, checklist: str) -> Report | None:
    """The newest report by this observer on this checklist and place.

    In any state.
    """
    rows = Report.objects.filter(observer=observer, commission=commission, version__checklist__code=checklist)
    return rows.defer("body").order_by("-sequence").first()


def _raise_on_newer_report(dictated: DictatedReport) -> None:
    if dictated.newest_seen is None:
        return
    newest = find_newest_report(
        observer=dictated.observer, commission=dictated.commission, checklist=dictated.form.code
    )
    if newest is not None and newest.sequence > dictated.newest_seen and newest.uuid != dictated.uuid:
        raise NewerReportExists(newest)


def _build_submission(
    dictated: DictatedReport, answers: Mapping[str, Any], election: Election, user: User
) -> Submission:
    body = {
        "id": str(dictated.uuid),
        "checklist": {"code": dictated.form.code, "version": dictated.form.number},
        "commission": dictated.commission.code,
        "contest": dictated.contest or None,
        "slot": dictated.slot or None,
        "observed_at": dictated.observed_at.isoformat(),
        "answers": answers,
        "comment": dictated.comment,
        "outside": dictated.outside,
        "supersedes": str(dictated.supersedes) if dictated.supersedes else None,
        "observer": dictated.observer.code,
        "dictated_to": user.pk,
    }
    return Submission(
        sender=Sender(
            election=election,
            observer=dictated.observer,
            device=None,
            channel=CHANNEL,
            source=Report.Source.DESK,
            author=user,
        ),
        body=json.dumps(body, ensure_ascii=False).encode(),
        uuid=dictated.uuid,
        checklist=dictated.form.code,
        version=dictated.form.number,
        commission=dictated.commission.code,
        observed_at=dictated.observed_at,
        contest=dictated.contest,
        slot=dictated.slot,
        answers=answers,
        comment=dictated.comment,
        outside=dictated.outside,
        supersedes=dictated.supersedes,
    )
