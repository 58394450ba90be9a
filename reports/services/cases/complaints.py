"""Complaints of a case: where and by when they are filed, the answers, and the appeals."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import User
from observer.services.trail import add_trail_entry
from observer.words import get_translation
from reports.models import Case, Complaint
from reports.problems import Rejected
from reports.services.cases.deadlines import Deadline, compute_due_at, get_deadlines, get_holidays
from reports.services.review.optimistic_lock import update_with_revision

MAX_TEXT_CHARACTERS = 50_000


def open_complaint(
    *, case: Case, term: str, starts_at: datetime, user: User, now: datetime, appeals: Complaint | None = None
) -> Complaint:
    """Creates a complaint to be filed within `term`, a deadline code of the pack.

    The deadline runs from `starts_at`; the forum is the one the pack names for it. `appeals` makes it an appeal
    against a complaint of the same case that was answered; each answer can be appealed once. Raises Rejected.
    """
    deadline = _get_deadline(case, term)
    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        if appeals is not None:
            appeals = Complaint.objects.get(pk=appeals.pk)
            if appeals.case_id != case.pk or appeals.answered_at is None:
                raise Rejected("invalid_report", _("Only an answer can be appealed."), "appeals")
            if Complaint.objects.filter(appeals=appeals).exists():
                raise Rejected("invalid_report", _("There is an appeal against this answer already."), "appeals")
        complaint = Complaint.objects.create(
            case=case,
            appeals=appeals,
            term=term,
            starts_at=starts_at,
            due_at=_compute_due_at(case, deadline, starts_at),
            forum=get_translation(deadline.forum)[:200],
            created_by=user,
            created_at=now,
        )
        add_trail_entry(
            action="complaint.open",
            subject=complaint,
            now=now,
            user=user,
            detail={"case": case.pk, "term": term},
            election=case.commission.election_id,
        )
    return complaint


def edit_complaint(*, complaint: Complaint, forum: str, text: str, user: User, now: datetime, seen: int) -> None:
    """Changes forum and text of a complaint that is not filed yet.

    `seen` is the revision that the user saw. Raises EditConflict where a colleague has changed the
    complaint since, Rejected where it was filed already.
    """

    def change(row: Complaint) -> None:
        if row.filed_at is not None:
            raise Rejected("invalid_report", _("What was filed is no longer changed."), "text")
        row.forum, row.text = forum.strip()[:200], text.strip()[:MAX_TEXT_CHARACTERS]

    _save_change(complaint, change, "complaint.write", user, now, seen)


def file_complaint(
    *, complaint: Complaint, filed_at: datetime, answer_term: str, user: User, now: datetime, seen: int
) -> None:
    """Records that a complaint was filed; from then on the forum's deadline to answer runs.

    `answer_term` is that deadline's code, or "". `seen` is the revision that the user saw. Raises EditConflict and
    Rejected.
    """
    answer_deadline = _get_deadline(complaint.case, answer_term) if answer_term else None

    def change(row: Complaint) -> None:
        if row.filed_at is not None or filed_at > now:
            raise Rejected("invalid_report", _("It was filed already, or in the future."), "filed_at")
        row.filed_at, row.answer_term = filed_at, answer_term
        row.answer_due_at = _compute_due_at(row.case, answer_deadline, filed_at) if answer_deadline else None

    _save_change(complaint, change, "complaint.file", user, now, seen)


def record_complaint_answer(
    *, complaint: Complaint, answered_at: datetime, outcome: str, user: User, now: datetime, seen: int
) -> None:
    """Records when the forum answered a complaint, and the outcome.

    `seen` is the revision that the user saw. Raises EditConflict and Rejected.
    """

    def change(row: Complaint) -> None:
        if outcome not in Complaint.Outcome.values or not outcome:
            raise Rejected("invalid_report", _("Say what was answered."), "outcome")
        if row.filed_at is None or answered_at < row.filed_at or answered_at > now:
            raise Rejected("invalid_report", _("An answer comes after the filing and before now."), "answered_at")
        row.answered_at, row.outcome = answered_at, outcome

    _save_change(complaint, change, "complaint.answer", user, now, seen)


def get_pending_deadline(complaint: Complaint) -> datetime | None:
    """Returns by when the complaint must be filed, else answered; None if neither is due."""
    if complaint.filed_at is None:
        return complaint.due_at
    return complaint.answer_due_at if complaint.answered_at is None else None


def _get_deadline(case: Case, code: str) -> Deadline:
    deadline = get_deadlines(case.commission.election).get(code)
    if deadline is None:
        raise Rejected("invalid_report", _("The pack has no such term."), "term")
    return deadline


def _compute_due_at(case: Case, deadline: Deadline, starts_at: datetime) -> datetime:
    place = case.commission
    return compute_due_at(
        deadline=deadline, starts_at=starts_at, zone=place.zone, holidays=get_holidays(place.election)
    )


def _save_change(
    complaint: Complaint, change: Callable[[Complaint], None], action: str, user: User, now: datetime, seen: int
) -> None:
    case = complaint.case
    update_with_revision(
        complaint,
        change,
        action=action,
        user=user,
        now=now,
        seen=seen,
        detail={"case": case.pk},
        election=case.commission.election_id,
    )
