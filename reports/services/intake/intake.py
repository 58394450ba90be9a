"""The one door: every report of every channel comes in here, and nowhere else.

What it promises: a submission with a receipt is on disk, once, however often and by whomever it is
sent; one that is refused is kept with its bytes; nothing that is stored is changed by a later one.
`docs/architecture.md` tells the way of a report.
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
from reports.services.background.recompute_queue import due_add, due_rows
from reports.services.checklists.answer_reading import findings
from reports.services.checklists.compiled import Form, form_named
from reports.services.intake import announcements
from reports.services.intake.canonical import VERSION, Content, content_read, content_sha256
from reports.services.intake.flags import flags_of
from reports.services.intake.receipts import receipt_of
from reports.services.intake.refusals import body_keep
from reports.services.intake.submission import Outcome, Submission
from reports.services.review.review_queue import check_flagged, check_rows
from reports.services.review.superseding import observers_lock, superseding_settle
from reports.services.storage.intake_sql import Found, Looked, look, reports_insert, rows_insert


def accept(submission: Submission, *, now: datetime) -> Outcome:
    """Takes one report: an outcome of kind `stored` or `duplicate`, else one with a problem.

    It is durable when this returns, unless the caller holds a transaction of its own. Database
    errors other than those a retry can mend are raised: then nothing was stored or kept.
    """
    return accept_many([submission], now=now)[0]


def accept_many(submissions: Sequence[Submission], *, now: datetime) -> list[Outcome]:
    """Takes any number of reports in one transaction; their outcomes in the same order.

    A report that is refused spoils no other. Of several with one id in one call, each is judged
    after the one before it.
    """
    outcomes: dict[int, Outcome] = {}
    waiting = list(enumerate(submissions))
    while waiting:
        wave: list[tuple[int, Submission]] = []
        later: list[tuple[int, Submission]] = []
        taken: set[UUID | None] = {None}
        for number, submission in waiting:
            again = submission.uuid is not None and submission.uuid in taken
            (later if again else wave).append((number, submission))
            taken.add(submission.uuid)
        found = _accept_wave([submission for _number, submission in wave], now)
        outcomes.update(zip((number for number, _submission in wave), found, strict=True))
        waiting = later
    return [outcomes[number] for number in range(len(submissions))]


def _accept_wave(wave: Sequence[Submission], now: datetime) -> list[Outcome]:
    try:
        with transaction.atomic():
            return _accept_set(wave, now)
    except (IntegrityError, DataError, OperationalError) as error:
        # Somebody took one of the ids between our look and our insert, or waits for one that we took
        # while we wait for theirs, or the database cannot hold one of the values. Each alone, so that
        # one spoils no other.
        if isinstance(error, OperationalError) and not _is_deadlock(error):
            raise
        return [_accept_alone(submission, now) for submission in wave]


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


def _accept_alone(submission: Submission, now: datetime) -> Outcome:
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return _accept_set([submission], now)[0]
        except IntegrityError:
            continue  # look again: now it is there
        except DataError:
            break
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
    problem = Rejected("invalid_report", _("A value cannot be stored."))
    with transaction.atomic():
        return body_keep(submission=submission, problem=problem, kind="invalid", now=now)


@dataclass
class _Draft:
    """One submission on its way: what is known of it so far."""

    submission: Submission
    form: Form | None = None
    content: Content | None = None
    problem: Rejected | None = None
    place: Found | None = None
    contest: Contest | None = None
    report: Report | None = None
    raised: tuple[str, ...] = ()
    outcome: Outcome | None = None
    known: dict[UUID, Evidence] = field(default_factory=dict)
    files: list[Evidence] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """Election and observer."""
        return self.submission.sender.election.pk, self.submission.sender.observer.pk


def _accept_set(wave: Sequence[Submission], now: datetime) -> list[Outcome]:
    drafts = [_Draft(submission) for submission in wave]
    _read(drafts)
    observers_lock(submission.sender.observer.pk for submission in wave)
    looked = _look(drafts)
    waited_for = _meet_known(drafts, now) if any(one.reports_are_known for one in looked.values()) else set()
    fresh = [draft for draft in drafts if draft.outcome is None and draft.problem is None]
    _locate(fresh, looked)
    _check_evidence(fresh, any(one.files_are_known for one in looked.values()))
    fresh = [draft for draft in fresh if draft.problem is None]
    if fresh:
        _store(fresh, waited_for, now)
    for draft in drafts:
        if draft.problem is not None and draft.outcome is None:
            draft.outcome = body_keep(
                submission=draft.submission, problem=draft.problem, kind=_kind(draft.problem), now=now
            )
    return [draft.outcome for draft in drafts if draft.outcome is not None]


def _kind(problem: Rejected) -> str:
    return "conflict" if problem.code == "changed_content" else "invalid"


def _read(drafts: Iterable[_Draft]) -> None:
    """Form and content of each, or its problem. Immutable things only, so no lock is needed yet."""
    codes: dict[int, frozenset[str]] = {}
    for draft in drafts:
        submission = draft.submission
        election = submission.sender.election
        try:
            if submission.unread is not None:
                raise submission.unread
            draft.form = form_named(election.pk, submission.checklist, submission.version)
            if draft.form is None:
                raise Rejected("unknown_checklist", _("This election has no such checklist or version."), "checklist")
            if draft.form.asks_for_violation and election.pk not in codes:
                types = ViolationType.objects.filter(election=election).values_list("code", flat=True)
                codes[election.pk] = frozenset(types)
            draft.content = content_read(submission, draft.form, codes.get(election.pk, frozenset()))
        except Rejected as problem:
            draft.problem = problem


def _look(drafts: Iterable[_Draft]) -> dict[tuple[int, int], Looked]:
    """All that must be known of each observer's reports, in one statement an observer."""
    own: dict[tuple[int, int], list[_Draft]] = defaultdict(list)
    for draft in drafts:
        own[draft.key].append(draft)
    return {
        (election, observer): look(
            election=election,
            observer=observer,
            codes={draft.content.commission for draft in some if draft.content is not None},
            ids={draft.submission.uuid for draft in some if draft.submission.uuid is not None},
            files={one.uuid for draft in some for one in draft.submission.evidence},
        )
        for (election, observer), some in own.items()
    }


def _meet_known(drafts: Sequence[_Draft], now: datetime) -> set[UUID]:
    """Gives a report that is known already its receipt or its conflict, before any other judgement.

    Returns the ids of fresh reports that a stored one has been waiting to supersede.
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
            _meet(draft, report, files[report.pk], now)
    return {row.supersedes for row in rows if row.supersedes is not None}


def _meet(draft: _Draft, report: Report, files: Sequence[Evidence], now: datetime) -> None:
    sender, announced = draft.submission.sender, draft.submission.evidence
    same = (
        report.observer_id == sender.observer.pk
        and draft.form is not None
        and draft.form.version_id == report.version_id  # of this election: the content does not name it
        and draft.content is not None
        and content_sha256(draft.content) == report.content_sha256
    )
    try:
        if not same:
            raise Rejected(
                "changed_content", _("Another report was stored under this id. The stored one stands."), "id"
            )
        known = {row.uuid: row for row in files}
        if all(one.uuid in known for one in announced):
            announcements.raise_on_conflict(announced, known, sender=sender, report=report)
            draft.outcome = Outcome("duplicate", receipt=receipt_of(report, files))
        else:
            announcements.attach(report=report, announcements=announced, sender=sender, now=now)
            draft.outcome = Outcome("duplicate", receipt=receipt_of(report))
        draft.problem = None
    except Rejected as problem:
        draft.problem = problem


def _locate(drafts: Sequence[_Draft], looked: Mapping[tuple[int, int], Looked]) -> None:
    """Commission and contest of each, within its own election."""
    contests: dict[tuple[int, str], Contest | None] = {}
    for draft in drafts:
        content, election = draft.content, draft.submission.sender.election.pk
        assert content is not None
        draft.place = looked[draft.key].places.get(content.commission)
        if draft.place is None:
            draft.problem = Rejected("unknown_commission", _("This election has no such commission."), "commission")
        elif content.contest:
            named = (election, content.contest)
            if named not in contests:
                contests[named] = Contest.objects.filter(election=election, code=content.contest).first()
            draft.contest = contests[named]
            if draft.contest is None:
                draft.problem = Rejected("invalid_report", _("This election has no such contest."), "contest")


def _check_evidence(drafts: Sequence[_Draft], any_is_known: bool) -> None:
    announced = (one for draft in drafts for one in draft.submission.evidence)
    known = announcements.known_evidence(announced) if any_is_known else {}
    claimed: set[UUID] = set()
    for draft in drafts:
        submission = draft.submission
        if draft.problem is not None:
            continue  # it will not be stored, so it takes no file from another
        draft.known = {one.uuid: known[one.uuid] for one in submission.evidence if one.uuid in known}
        try:
            announcements.raise_on_conflict(submission.evidence, draft.known, sender=submission.sender, report=None)
            ids = {one.uuid for one in submission.evidence}
            if ids & claimed:
                raise Rejected("changed_content", _("Another file was announced under this id."), "evidence")
            claimed |= ids
        except Rejected as problem:
            draft.problem = problem


def _store(drafts: Sequence[_Draft], waited_for: set[UUID], now: datetime) -> None:
    """Inserts the reports and all that hangs on them: violations, files awaited, what is due."""
    for draft in drafts:
        draft.report = _row(draft, now)
    reports = [draft.report for draft in drafts if draft.report]
    elections = {draft.report.uuid: draft.submission.sender.election.pk for draft in drafts if draft.report}
    said = {report.uuid: set(report.flags) for report in reports}
    checks = check_rows(reports=[(one.report, elections[one.report.uuid], one.raised) for one in drafts if one.report])
    violations = [Violation(report=draft.report, code=code) for draft in drafts for code in draft.raised]
    due = {report.commission_id for report in reports}
    reports_insert(reports, violations, checks, due_rows(commissions=due, now=now))
    _store_files(drafts, now)
    linked = [
        draft.report
        for draft in drafts
        if draft.report
        and draft.form
        and (
            draft.form.repeat == Checklist.Repeat.ONCE
            or draft.report.supersedes is not None
            or draft.report.uuid in waited_for
        )
    ]
    touched = superseding_settle(reports=linked, now=now) if linked else set()
    due_add(commissions=touched - due, now=now)
    for report in linked:
        if set(report.flags) - said[report.uuid]:
            check_flagged(report=report, election=elections[report.uuid])
    for draft in drafts:
        if draft.report:
            draft.outcome = Outcome("stored", receipt=receipt_of(draft.report, draft.files))


def _store_files(drafts: Sequence[_Draft], now: datetime) -> None:
    """The files announced: new rows, and those that were kept with a refused body."""
    for draft in drafts:
        announced, sender = draft.submission.evidence, draft.submission.sender
        if draft.report and announced:
            fresh = announcements.rows(announced, draft.known, sender=sender, now=now, report=draft.report)
            draft.files = [*sorted(draft.known.values(), key=lambda row: row.pk), *fresh]
            announcements.adopt(announced, draft.known, draft.report)
    rows_insert([row for draft in drafts for row in draft.files if row.pk is None])


def _row(draft: _Draft, now: datetime) -> Report:
    submission, content, form, place = draft.submission, draft.content, draft.form, draft.place
    assert content is not None and form is not None and place is not None and submission.uuid is not None
    sender = submission.sender
    flags = flags_of(submission=submission, content=content, form=form, place=place, now=now)
    draft.raised = tuple(findings(form, content.answers))
    return Report(
        uuid=submission.uuid,
        commission_id=place.id,
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
        lat=content.place.lat if content.place else None,
        lon=content.place.lon if content.place else None,
        accuracy=content.place.accuracy if content.place else None,
        outside=content.outside,
        supersedes=content.supersedes,
        content_sha256=content_sha256(content),
        canonical_version=VERSION,
        body=crypto.encrypt_body(submission.body),
        flags=flags,
        rehearsal="rehearsal" in flags,
        quarantined=place.aside,
        state=Report.State.HELD if "held" in flags else Report.State.RECEIVED,
        changed_at=now,
    )
