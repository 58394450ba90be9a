"""Papers of a case: what is filed where and by when, what was answered, and the appeal against that."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import User
from observer.services.trail import trail_add
from observer.words import in_language
from reports.models import Case, Complaint
from reports.problems import Rejected
from reports.services.cases.deadlines import Term, holidays_of, term_ends, terms_of
from reports.services.review.optimistic_lock import row_revise

TEXT_MAX = 50_000


def complaint_open(
    *, case: Case, term: str, starts_at: datetime, user: User, now: datetime, appeals: Complaint | None = None
) -> Complaint:
    """A paper to be filed within `term`, which runs from `starts_at`; its forum is the pack's.

    An appeal is against a complaint of the same case that was answered, once. Raises Rejected.
    """
    found = _term(case, term)
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
            due_at=_ends(case, found, starts_at),
            forum=in_language(found.forum)[:200],
            created_by=user,
            created_at=now,
        )
        trail_add(
            action="complaint.open",
            subject=complaint,
            now=now,
            user=user,
            detail={"case": case.pk, "term": term},
            election=case.commission.election_id,
        )
    return complaint


def complaint_write(*, complaint: Complaint, forum: str, text: str, user: User, now: datetime, seen: int) -> None:
    """Its words, until it is filed. Raises Changed where `seen` is past, Rejected where it was filed."""

    def change(row: Complaint) -> None:
        if row.filed_at is not None:
            raise Rejected("invalid_report", _("What was filed is no longer changed."), "text")
        row.forum, row.text = forum.strip()[:200], text.strip()[:TEXT_MAX]

    _revise(complaint, change, "complaint.write", user, now, seen)


def complaint_file(
    *, complaint: Complaint, filed_at: datetime, answer_term: str, user: User, now: datetime, seen: int
) -> None:
    """It was handed in: from then on the forum's own term runs."""
    term = _term(complaint.case, answer_term) if answer_term else None

    def change(row: Complaint) -> None:
        if row.filed_at is not None or filed_at > now:
            raise Rejected("invalid_report", _("It was filed already, or in the future."), "filed_at")
        row.filed_at, row.answer_term = filed_at, answer_term
        row.answer_due_at = _ends(row.case, term, filed_at) if term else None

    _revise(complaint, change, "complaint.file", user, now, seen)


def complaint_answer(
    *, complaint: Complaint, answered_at: datetime, outcome: str, user: User, now: datetime, seen: int
) -> None:
    """What they answered, and when."""

    def change(row: Complaint) -> None:
        if outcome not in Complaint.Outcome.values or not outcome:
            raise Rejected("invalid_report", _("Say what was answered."), "outcome")
        if row.filed_at is None or answered_at < row.filed_at or answered_at > now:
            raise Rejected("invalid_report", _("An answer comes after the filing and before now."), "answered_at")
        row.answered_at, row.outcome = answered_at, outcome

    _revise(complaint, change, "complaint.answer", user, now, seen)


def complaints_waiting(complaint: Complaint) -> datetime | None:
    """What counts down now: the filing, else the answer; None where nothing does."""
    if complaint.filed_at is None:
        return complaint.due_at
    return complaint.answer_due_at if complaint.answered_at is None else None


def _term(case: Case, code: str) -> Term:
    found = terms_of(case.commission.election).get(code)
    if found is None:
        raise Rejected("invalid_report", _("The pack has no such term."), "term")
    return found


def _ends(case: Case, term: Term, starts_at: datetime) -> datetime:
    place = case.commission
    return term_ends(term=term, starts_at=starts_at, zone=place.zone, holidays=holidays_of(place.election))


def _revise(
    complaint: Complaint, change: Callable[[Complaint], None], action: str, user: User, now: datetime, seen: int
) -> None:
    case = complaint.case
    row_revise(
        complaint,
        change,
        action=action,
        user=user,
        now=now,
        seen=seen,
        detail={"case": case.pk},
        election=case.commission.election_id,
    )
