"""Importing and publishing checklists.

A new wording is a new version; a published version never changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from observer.models import Election, User
from observer.services.registry.commissions import lock_election
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.trail import add_trail_entry
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section, ViolationType
from reports.problems import FieldError, Rejected
from reports.services.checklists.csv_files import ChecklistDraft, ReadingContext, read_checklist, read_checklists
from reports.services.checklists.validation import (
    Problem,
    compute_content_hash,
    find_continuity_problems,
    find_question_problems,
)
from reports.services.checklists.xlsform.media import load_workbook_files
from reports.services.checklists.xlsform.parse import parse_xlsform


class StaleVersion(Exception):
    """Another version came into force since the comparison."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import.

    `new` are the new versions, `unchanged` the codes whose content was already in force.
    """

    new: tuple[ChecklistVersion, ...]
    unchanged: tuple[str, ...]


def import_checklists(*, election: Election, path: Path, now: datetime, user: User | None = None) -> ImportResult:
    """Publishes the checklists of a folder or of one file.

    A folder has `index.csv` and a `<code>.csv` for each checklist. A single `<code>.csv` is a new
    wording of a checklist that the election has. An XLSForm (.xlsx) may be a new checklist too; its
    pictures and sounds are in the folder `<its name>-media`. Content that is already in force is
    skipped. Raises BadTable with every bad line; then nothing was changed.
    """
    if path.suffix.lower() == ".xlsx":
        source, files = load_workbook_files(path=path)
        return import_xlsform(election=election, source=source, file=path.name, files=files, now=now, user=user)
    context = _build_context(election)
    if path.is_dir():
        drafts, bad = read_checklists(folder=path, context=context)
    else:
        draft, bad = read_checklist(path=path, file=path.name, context=context)
        drafts = [draft] if draft else []
    with transaction.atomic():
        lock_election(election)
        bad += [line for draft in drafts for line in _find_conflicts(election, draft)]
        if bad:
            raise BadTable(bad)
        return publish_checklists(election=election, drafts=drafts, now=now, user=user)


def import_xlsform(
    *,
    election: Election,
    source: bytes,
    file: str,
    files: Mapping[str, bytes],
    now: datetime,
    compared_version_id: int | None = None,
    user: User | None = None,
) -> ImportResult:
    """Publishes the checklist of an XLSForm.

    `files` are its pictures and sounds, by name. `compared_version_id`: the key of the version in force
    that it was compared with, 0 for none; None means no check. Raises BadTable as `import_checklists`
    does, and StaleVersion where another version is in force by now.
    """
    draft = read_xlsform_draft(election=election, source=source, file=file, files=files)
    with transaction.atomic():
        lock_election(election)
        current = find_version_in_force(election=election, code=draft.code)
        if compared_version_id is not None and compared_version_id != (current.pk if current else 0):
            raise StaleVersion
        if bad := _find_conflicts(election, draft):
            raise BadTable(bad)
        return publish_checklists(election=election, drafts=[draft], now=now, user=user)


def read_xlsform_draft(*, election: Election, source: bytes, file: str, files: Mapping[str, bytes]) -> ChecklistDraft:
    """Reads an XLSForm as a draft that can be published.

    Raises BadTable with every bad cell.
    """
    checklists = {checklist.code: checklist for checklist in Checklist.objects.filter(election=election)}
    draft = parse_xlsform(
        source=source, file=file, context=_build_context(election), checklists=checklists, files=files
    )
    if bad := _find_conflicts(election, draft):
        raise BadTable(bad)
    return draft


def find_version_in_force(*, election: Election, code: str) -> ChecklistVersion | None:
    """Finds the latest published version of this checklist."""
    rows = ChecklistVersion.objects.filter(checklist__election=election, checklist__code=code)
    return rows.filter(published_at__isnull=False).order_by("number").last()


def _build_context(election: Election) -> ReadingContext:
    return ReadingContext(
        languages=election.languages,
        choice_languages=(election.rules or {}).get("choice_languages") or election.languages,
        violations=set(ViolationType.objects.filter(election=election).values_list("code", flat=True)),
    )


def publish_checklists(
    *, election: Election, drafts: Iterable[ChecklistDraft], now: datetime, user: User | None = None
) -> ImportResult:
    """Publishes drafts that were read without problems."""
    new: list[ChecklistVersion] = []
    unchanged: list[str] = []
    for draft in drafts:
        version = publish_checklist(election=election, draft=draft, now=now, user=user)
        if version is None:
            unchanged.append(draft.code)
        else:
            new.append(version)
    return ImportResult(tuple(new), tuple(unchanged))


def publish_checklist(
    *, election: Election, draft: ChecklistDraft, now: datetime, user: User | None = None
) -> ChecklistVersion | None:
    """Publishes a draft as the version in force.

    Returns None where its content is in force already. Raises Rejected (`invalid_checklist`) where it
    cannot be published.
    """
    with transaction.atomic():
        lock_election(election)
        problems = _find_conflicts(election, draft)
        if problems:
            errors = tuple(FieldError(f"line {one.line}", "invalid_checklist", one.reason) for one in problems)
            raise Rejected("invalid_checklist", _("The checklist cannot be published."), errors=errors)
        checklist = _get_or_create_checklist(election, draft)
        latest = checklist.versions.filter(published_at__isnull=False).order_by("number").last()
        if latest and latest.content_hash == compute_content_hash(
            checklist.code, draft.sections, draft.questions, draft.files
        ):
            return None
        number = (checklist.versions.aggregate(most=Max("number"))["most"] or 0) + 1
        version = ChecklistVersion.objects.create(checklist=checklist, number=number)
        for section in draft.sections:
            section.version = version
        Section.objects.bulk_create(draft.sections)
        for question in draft.questions:
            question.version = version
        Question.objects.bulk_create(draft.questions)
        for file in draft.files:
            file.version = version
        ChecklistFile.objects.bulk_create(draft.files)
        return publish_version(version=version, now=now, user=user)


def publish_version(*, version: ChecklistVersion, now: datetime, user: User | None = None) -> ChecklistVersion:
    """Publishes a stored version, which can then never change. Idempotent.

    Raises Rejected (`invalid_checklist`) with every problem: of the version itself, or where a code
    had another meaning in an earlier version.
    """
    with transaction.atomic():
        checklist = Checklist.objects.select_related("election").get(pk=version.checklist_id)
        lock_election(checklist.election)
        version = ChecklistVersion.objects.get(pk=version.pk)
        if version.published_at is not None:
            return version
        questions = list(version.questions.select_related("section").order_by("order", "pk"))
        sections = list(version.sections.order_by("order", "pk"))
        _raise_problems(_find_problems(checklist, questions))
        version.published_at = now
        version.content_hash = compute_content_hash(checklist.code, sections, questions, version.files.all())
        version.save(update_fields=["published_at", "content_hash"])
        detail = {"checklist": checklist.code, "version": version.number, "sha256": version.content_hash}
        add_trail_entry(action="checklist.publish", subject=version, now=now, user=user, detail=detail)
    return version


def _find_problems(checklist: Checklist, questions: Sequence[Question]) -> list[Problem]:
    violations = set(ViolationType.objects.filter(election=checklist.election_id).values_list("code", flat=True))
    found = find_question_problems(questions, languages=checklist.election.languages, violations=violations)
    if not questions:
        found.append(("", _("It has no questions.")))
    return found + find_continuity_problems(questions, _load_earlier_questions(checklist))


def _raise_problems(problems: Sequence[Problem]) -> None:
    if problems:
        errors = tuple(FieldError(code, "invalid_checklist", reason) for code, reason in problems)
        detail = " ".join(f"{code}: {reason}." if code else reason for code, reason in problems)
        raise Rejected("invalid_checklist", detail, errors=errors)


def _load_earlier_questions(checklist: Checklist) -> list[Question]:
    return list(
        Question.objects.filter(version__checklist=checklist, version__published_at__isnull=False).order_by(
            "version__number", "order"
        )
    )


def _find_conflicts(election: Election, draft: ChecklistDraft) -> list[BadLine]:
    """Finds conflicts of a draft with the stored checklist of its code."""
    checklist = Checklist.objects.filter(election=election, code=draft.code).first()
    if checklist is None:
        if draft.stage is None:
            reason = _("the election has no checklist %(code)s: import a folder with index.csv") % {"code": draft.code}
            return [BadLine(draft.file, 0, reason)]
        return []
    found = [
        BadLine(draft.file, draft.lines[code], reason)
        for code, reason in find_continuity_problems(draft.questions, _load_earlier_questions(checklist))
    ]
    for name in ("stage", "place", "repeat"):
        wanted, current = getattr(draft, name), getattr(checklist, name)
        if wanted is not None and wanted != current and checklist.versions.filter(published_at__isnull=False).exists():
            values = {"name": name, "stands": current, "wanted": wanted}
            reason = _("its %(name)s is %(stands)s since it was published and cannot become %(wanted)s") % values
            found.append(BadLine(draft.file, 0, reason))
    return found


def _get_or_create_checklist(election: Election, draft: ChecklistDraft) -> Checklist:
    if draft.stage is None:
        return Checklist.objects.get(election=election, code=draft.code)
    fields = {name: getattr(draft, name) for name in ("order", "stage", "place", "repeat", "titles")}
    checklist, created = Checklist.objects.get_or_create(election=election, code=draft.code, defaults=fields)
    changed = [name for name, value in fields.items() if getattr(checklist, name) != value]
    if changed and not created:
        for name in changed:
            setattr(checklist, name, fields[name])
        checklist.save(update_fields=changed)
    return checklist
