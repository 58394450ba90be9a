"""A checklist that the desk fills in for an observer on the phone: the same door, marked as dictated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from observer.models import Commission, Election, Observer, User
from observer.services.trail import trail_add
from reports.models import Report, ViolationType
from reports.services.checklists.answer_reading import answers_read
from reports.services.checklists.compiled import Form
from reports.services.intake.intake import accept
from reports.services.intake.submission import Outcome, Sender, Submission
from reports.services.review.superseding import observers_lock

CHANNEL = "desk"


class Meanwhile(Exception):
    """Another report of this observer on this checklist and place came in while the form was filled."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report.pk))
        self.report = report


@dataclass(frozen=True, slots=True)
class Dictated:
    """What was filled in. `uuid` was born with the form, so that sending it twice is one report.

    `newest` is the sequence of the newest report that the desk had seen when the form was opened;
    None where it wants its report stored whatever came in meanwhile.
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
    newest: int | None = None


def report_dictate(*, dictated: Dictated, election: Election, user: User, now: datetime) -> Outcome:
    """Stores it as this observer's report, typed by `user`. The same form again gives the same receipt.

    Raises Rejected `invalid_answers` with every field that cannot be read, and Meanwhile; nothing is
    kept then, for whoever typed it can be asked at once.
    """
    form = dictated.form
    codes = frozenset[str]()
    if form.asks_for_violation:
        codes = frozenset(ViolationType.objects.filter(election=election).values_list("code", flat=True))
    answers = form.asked(answers_read(form, dictated.answers, codes))
    with transaction.atomic():
        observers_lock([dictated.observer.pk])
        _look_for_newer(dictated)
        outcome = accept(_submission(dictated, answers, election, user), now=now)
        if outcome.kind == "stored":
            detail = {
                "observer": dictated.observer.code,
                "commission": dictated.commission.code,
                "checklist": form.code,
            }
            trail_add(
                action="report.dictate",
                subject=f"report:{dictated.uuid}",
                now=now,
                user=user,
                detail=detail,
                election=election.pk,
            )
    return outcome


def newest_of(*, observer: Observer, commission: Commission, checklist: str) -> Report | None:
    """The newest report by this observer about this place on this checklist, whatever became of it."""
    rows = Report.objects.filter(observer=observer, commission=commission, version__checklist__code=checklist)
    return rows.defer("body").order_by("-sequence").first()


def _look_for_newer(dictated: Dictated) -> None:
    if dictated.newest is None:
        return
    newest = newest_of(observer=dictated.observer, commission=dictated.commission, checklist=dictated.form.code)
    if newest is not None and newest.sequence > dictated.newest and newest.uuid != dictated.uuid:
        raise Meanwhile(newest)


def _submission(dictated: Dictated, answers: Mapping[str, Any], election: Election, user: User) -> Submission:
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
