"""Intake: the only way by which reports are stored.

Reports of all channels come here. It guarantees: a submission with a receipt is on disk exactly once, however
often and by whomever it is sent; a refused submission is kept with its bytes; a stored report is never changed
by a later submission. `docs/architecture.md` describes the way of a report.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import DataError, IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from observer import crypto
from observer.models import Contest
from reports.models import Checklist, Evidence, Report, Violation, ViolationType
from reports.problems import Rejected
from reports.services.background.recompute_queue import build_due_rows, mark_due
from reports.services.checklists.answer_reading import find_raised_violations
from reports.services.checklists.compiled import Form, find_form
from reports.services.intake import announcements
from reports.services.intake.canonical import CANONICAL_VERSION, Content, hash_content, read_content
from reports.services.intake.flags import compute_flags
from reports.services.intake.receipts import build_receipt
from reports.services.intake.refusals import store_refused_body
from reports.services.intake.submission import Outcome, Submission
from reports.services.review.review_queue import build_checks, queue_flagged_report
from reports.services.review.superseding import lock_observers, update_superseded
from reports.services.storage.intake_sql import (
    IntakeCommission,
    IntakeLookup,
    insert_reports,
    insert_rows,
    load_intake_lookup,
)


def accept_submission(submission: Submission, *, now: datetime) -> Outcome:
    """Stores one report; returns its outcome.

    The outcome's kind is `stored` or `duplicate`, or it has a problem. The result is durable when this returns,
    unless the caller has opened a transaction. Raises database errors that a retry here cannot solve; then
    nothing was stored or kept.
    """
    return accept_submissions([submission], now=now)[0]


def accept_submissions(submissions: Sequence[Submission], *, now: datetime) -> list[Outcome]:
    """Stores any number of reports in one transaction.

    Returns their outcomes in the same order. A refused report does not affect the others. Where several have
    the same id, each is processed after the one before it.
    """
    outcomes: dict[int, Outcome] = {}
    remaining = list(enumerate(submissions))
    while remaining:
        batch: list[tuple[int, Submission]] = []
        later: list[tuple[int, Submission]] = []
        batch_ids: set[UUID | None] = {None}
        for index, submission in remaining:
            is_repeated = submission.uuid is not None and submission.uuid in batch_ids
            (later if is_repeated else batch).append((index, submission))
            batch_ids.add(submission.uuid)
        batch_outcomes = _accept_batch([submission for _index, submission in batch], now)
        outcomes.update(zip((index for index, _submission in batch), batch_outcomes, strict=True))
        remaining = later
    return [outcomes[index] for index in range(len(submissions))]


def _accept_batch(batch: Sequence[Submission], now: datetime) -> list[Outcome]:
    try:
        with transaction.atomic():
            return _process_batch(batch, now)
    except (IntegrityError, DataError, OperationalError) as error:
        # Another process inserted one of the ids after our lookup, or there was a deadlock with it, or the
        # database cannot hold one of the values. Each report is tried again alone, so that one that fails
        # does not affect the others.
        if isinstance(error, OperationalError) and not _is_deadlock(error):
            raise
        return [_accept_single(submission, now) for submission in batch]


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


def _accept_single(submission: Submission, now: datetime) -> Outcome:
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return _process_batch([submission], now)[0]
        except IntegrityError:
            continue  # the next lookup will find the row
        except DataError:
            break
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
    problem = Rejected("invalid_report", _("A value cannot be stored."))
    with transaction.atomic():
        return store_refused_body(submission=submission, problem=problem, kind="invalid", now=now)


@dataclass
class _Draft:
    """One submission during processing, with what is known of it so far."""

    submission: Submission
    form: Form | None = None
    content: Content | None = None
    problem: Rejected | None = None
    commission: IntakeCommission | None = None
    contest: Contest | None = None
    report: Report | None = None
    violation_codes: tuple[str, ...] = ()
    outcome: Outcome | None = None
    known_files: dict[UUID, Evidence] = field(default_factory=dict)
    files: list[Evidence] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """Election and observer."""
        return self.submission.sender.election.pk, self.submission.sender.observer.pk


def _process_batch(batch: Sequence[Submission], now: datetime) -> list[Outcome]:
    drafts = [_Draft(submission) for submission in batch]
    _read_contents(drafts)
    lock_observers(submission.sender.observer.pk for submission in batch)
    lookups = _look_up_known(drafts)
    awaited_ids = (
        _answer_known_reports(drafts, now) if any(one.has_known_reports for one in lookups.values()) else set()
    )
    new_drafts = [draft for draft in drafts if draft.outcome is None and draft.problem is None]
    _find_commissions(new_drafts, lookups)
    _check_evidence(new_drafts, any(one.has_known_files for one in lookups.values()))
    new_drafts = [draft for draft in new_drafts if draft.problem is None]
    if new_drafts:
        _store_reports(new_drafts, awaited_ids, now)
    for draft in drafts:
        if draft.problem is not None and draft.outcome is None:
            draft.outcome = store_refused_body(
                submission=draft.submission, problem=draft.problem, kind=_get_outcome_kind(draft.problem), now=now
            )
    return [draft.outcome for draft in drafts if draft.outcome is not None]


def _get_outcome_kind(problem: Rejected) -> str:
    return "conflict" if problem.code == "changed_content" else "invalid"


def _read_contents(drafts: Iterable[_Draft]) -> None:
    """Sets each draft's form and content, or its problem.

    It reads only data that never changes, so no lock is needed yet.
    """
    codes: dict[int, frozenset[str]] = {}
    for draft in drafts:
        submission = draft.submission
        election = submission.sender.election
        try:
            if submission.problem is not None:
                raise submission.problem
            draft.form = find_form(election.pk, submission.checklist, submission.version)
            if draft.form is None:
                raise Rejected("unknown_checklist", _("This election has no such checklist or version."), "checklist")
            if draft.form.asks_for_violation and election.pk not in codes:
                types = ViolationType.objects.filter(election=election).values_list("code", flat=True)
                codes[election.pk] = frozenset(types)
            draft.content = read_content(submission, draft.form, codes.get(election.pk, frozenset()))
        except Rejected as problem:
            draft.problem = problem


def _look_up_known(drafts: Iterable[_Draft]) -> dict[tuple[int, int], IntakeLookup]:
    """Loads what intake must know of each observer's reports.

    One statement per observer.
    """
    drafts_by_key: dict[tuple[int, int], list[_Draft]] = defaultdict(list)
    for draft in drafts:
        drafts_by_key[draft.key].append(draft)
    return {
        (election, observer): load_intake_lookup(
            election=election,
            observer=observer,
            codes={draft.content.commission for draft in own_drafts if draft.content is not None},
            ids={draft.submission.uuid for draft in own_drafts if draft.submission.uuid is not None},
            files={one.uuid for draft in own_drafts for one in draft.submission.evidence},
        )
        for (election, observer), own_drafts in drafts_by_key.items()
    }


def _answer_known_reports(drafts: Sequence[_Draft], now: datetime) -> set[UUID]:
    """Gives known reports their receipt or conflict.

    This comes before any other check. A report is known when its id is stored already. Returns the ids that
    stored reports name as the report that they supersede.
    """
    ids = [draft.submission.uuid for draft in drafts if draft.submission.uuid is not None]
    related = Report.objects.filter(Q(uuid__in=ids) | Q(supersedes__in=ids)).defer("body", "answers", "comment")
    rows = list(related)
    stored = {row.uuid: row for row in rows}
    files: dict[int, list[Evidence]] = defaultdict(list)
    for row in Evidence.objects.filter(report__uuid__in=ids).order_by("pk"):
        files[row.report_id or 0].append(row)
    for draft in drafts:
        report = stored.get(draft.submission.uuid) if draft.submission.uuid is not None else None
        if report is not None:
            _answer_known_report(draft, report, files[report.pk], now)
    return {row.supersedes for row in rows if row.supersedes is not None}


def _answer_known_report(draft: _Draft, report: Report, files: Sequence[Evidence], now: datetime) -> None:
    sender, announced = draft.submission.sender, draft.submission.evidence
    is_same = (
        report.observer_id == sender.observer.pk
        and draft.form is not None
        and draft.form.version_id == report.version_id  # of this election: the content does not name it
        and draft.content is not None
        and hash_content(draft.content) == report.content_sha256
    )
    try:
        if not is_same:
            raise Rejected(
                "changed_content", _("Another report was stored under this id. The stored one stands."), "id"
            )
        known_files = {row.uuid: row for row in files}
        if all(one.uuid in known_files for one in announced):
            announcements.raise_on_conflict(announced, known_files, sender=sender, report=report)
            draft.outcome = Outcome("duplicate", receipt=build_receipt(report, files))
        else:
            announcements.attach_files(report=report, announcements=announced, sender=sender, now=now)
            draft.outcome = Outcome("duplicate", receipt=build_receipt(report))
        draft.problem = None
    except Rejected as problem:
        draft.problem = problem


def _find_commissions(drafts: Sequence[_Draft], lookups: Mapping[tuple[int, int], IntakeLookup]) -> None:
    """Sets each draft's commission and contest.

    Both must be of its own election.
    """
    contests: dict[tuple[int, str], Contest | None] = {}
    for draft in drafts:
        content, election = draft.content, draft.submission.sender.election.pk
        assert content is not None
        draft.commission = lookups[draft.key].commissions.get(content.commission)
        if draft.commission is None:
            draft.problem = Rejected("unknown_commission", _("This election has no such commission."), "commission")
        elif content.contest:
            contest_key = (election, content.contest)
            if contest_key not in contests:
                contests[contest_key] = Contest.objects.filter(election=election, code=content.contest).first()
            draft.contest = contests[contest_key]
            if draft.contest is None:
                draft.problem = Rejected("invalid_report", _("This election has no such contest."), "contest")


def _check_evidence(drafts: Sequence[_Draft], any_is_known: bool) -> None:
    announced = (one for draft in drafts for one in draft.submission.evidence)
    known = announcements.load_known_evidence(announced) if any_is_known else {}
    claimed: set[UUID] = set()
    for draft in drafts:
        submission = draft.submission
        if draft.problem is not None:
            continue  # it will not be stored, so it must not claim a file id
        draft.known_files = {one.uuid: known[one.uuid] for one in submission.evidence if one.uuid in known}
        try:
            announcements.raise_on_conflict(
                submission.evidence, draft.known_files, sender=submission.sender, report=None
            )
            ids = {one.uuid for one in submission.evidence}
            if ids & claimed:
                raise Rejected("changed_content", _("Another file was announced under this id."), "evidence")
            claimed |= ids
        except Rejected as problem:
            draft.problem = problem


def _store_reports(drafts: Sequence[_Draft], awaited_ids: set[UUID], now: datetime) -> None:
    """Inserts the reports with their violations, checks, announced files and due rows."""
    for draft in drafts:
        draft.report = _build_report(draft, now)
    reports = [draft.report for draft in drafts if draft.report]
    elections = {draft.report.uuid: draft.submission.sender.election.pk for draft in drafts if draft.report}
    flags_before = {report.uuid: set(report.flags) for report in reports}
    checks = build_checks(
        reports=[(one.report, elections[one.report.uuid], one.violation_codes) for one in drafts if one.report]
    )
    violations = [Violation(report=draft.report, code=code) for draft in drafts for code in draft.violation_codes]
    due = {report.commission_id for report in reports}
    insert_reports(reports, violations, checks, build_due_rows(commissions=due, now=now))
    _store_files(drafts, now)
    linked = [
        draft.report
        for draft in drafts
        if draft.report
        and draft.form
        and (
            draft.form.repeat == Checklist.Repeat.ONCE
            or draft.report.supersedes is not None
            or draft.report.uuid in awaited_ids
        )
    ]
    touched = update_superseded(reports=linked, now=now) if linked else set()
    mark_due(commissions=touched - due, now=now)
    for report in linked:
        if set(report.flags) - flags_before[report.uuid]:
            queue_flagged_report(report=report, election=elections[report.uuid])
    for draft in drafts:
        if draft.report:
            draft.outcome = Outcome("stored", receipt=build_receipt(draft.report, draft.files))


def _store_files(drafts: Sequence[_Draft], now: datetime) -> None:
    """Stores the announced files of new reports.

    New rows are inserted; files that were kept with a refused body are moved.
    """
    for draft in drafts:
        announced, sender = draft.submission.evidence, draft.submission.sender
        if draft.report and announced:
            new_rows = announcements.build_evidence_rows(
                announced, draft.known_files, sender=sender, now=now, report=draft.report
            )
            draft.files = [*sorted(draft.known_files.values(), key=lambda row: row.pk), *new_rows]
            announcements.move_refused_files(announced, draft.known_files, draft.report)
    insert_rows([row for draft in drafts for row in draft.files if row.pk is None])


def _build_report(draft: _Draft, now: datetime) -> Report:
    submission, content, form, commission = draft.submission, draft.content, draft.form, draft.commission
    assert content is not None and form is not None and commission is not None and submission.uuid is not None
    sender = submission.sender
    flags = compute_flags(submission=submission, content=content, form=form, commission=commission, now=now)
    draft.violation_codes = tuple(find_raised_violations(form, content.answers))
    return Report(
        uuid=submission.uuid,
        commission_id=commission.id,
        version_id=form.version_id,
        contest_id=draft.contest.pk if draft.contest else None,
        slot=content.slot,
        observer_id=sender.observer.pk,
        device_id=sender.device.pk if sender.device else None,
        submitter_id=sender.submitter.pk if sender.submitter else None,
        author_id=sender.author.pk if sender.author else None,
        channel=sender.channel,
        source=sender.source,
        observed_at=content.observed_at,
        sent_at=submission.sent_at,
        received_at=now,
        answers=content.answers,
        comment=content.comment,
        lat=content.location.lat if content.location else None,
        lon=content.location.lon if content.location else None,
        accuracy=content.location.accuracy if content.location else None,
        outside=content.outside,
        supersedes=content.supersedes,
        content_sha256=hash_content(content),
        canonical_version=CANONICAL_VERSION,
        body=crypto.encrypt_body(submission.body),
        flags=flags,
        rehearsal="rehearsal" in flags,
        quarantined=commission.is_set_aside,
        state=Report.State.HELD if "held" in flags else Report.State.RECEIVED,
        changed_at=now,
    )
