"""Publishing checklists: a new wording is a new version, and a published one never changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from observer.models import Election, User
from observer.services.registry.commissions import election_lock
from observer.services.spreadsheets.tables import BadLine, BadTable
from observer.services.trail import trail_add
from reports.models import Checklist, ChecklistFile, ChecklistVersion, Question, Section, ViolationType
from reports.problems import FieldError, Rejected
from reports.services.checklists.csv_files import Draft, Reading, checklist_read, checklists_read
from reports.services.checklists.validation import Problem, content_hash, continuity_problems, question_problems
from reports.services.checklists.xlsform.media import workbook_load
from reports.services.checklists.xlsform.parse import xlsform_read


class Superseded(Exception):
    """Another version came into force since the reader looked."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an import did: versions now in force that are new, and codes whose content was published before."""

    new: tuple[ChecklistVersion, ...]
    unchanged: tuple[str, ...]


def checklists_import(*, election: Election, path: Path, now: datetime, user: User | None = None) -> Published:
    """Publishes the checklists of a folder (`index.csv` and `<code>.csv`), or the one of a `<code>.csv` or .xlsx.

    A single CSV file is a new wording of a checklist that the election has; an XLSForm may be a new
    checklist too, and the pictures and sounds it shows lie in `<its name>-media`. Content that is
    already in force is passed over. Raises BadTable with every bad line, and has changed nothing then.
    """
    if path.suffix.lower() == ".xlsx":
        source, files = workbook_load(path=path)
        return xlsform_import(election=election, source=source, file=path.name, files=files, now=now, user=user)
    reading = _reading(election)
    if path.is_dir():
        drafts, bad = checklists_read(folder=path, reading=reading)
    else:
        draft, bad = checklist_read(path=path, file=path.name, reading=reading)
        drafts = [draft] if draft else []
    with transaction.atomic():
        election_lock(election)
        bad += [line for draft in drafts for line in _against_stored(election, draft)]
        if bad:
            raise BadTable(bad)
        return checklists_publish(election=election, drafts=drafts, now=now, user=user)


def xlsform_import(
    *,
    election: Election,
    source: bytes,
    file: str,
    files: Mapping[str, bytes],
    now: datetime,
    seen: int | None = None,
    user: User | None = None,
) -> Published:
    """Publishes the checklist of an XLSForm; `files` are the pictures and sounds it shows.

    `seen`: the key of the version in force that it was compared with, 0 for none. Raises as
    `checklists_import`, and Superseded where another is in force by now.
    """
    draft = xlsform_draft(election=election, source=source, file=file, files=files)
    with transaction.atomic():
        election_lock(election)
        force = version_in_force(election=election, code=draft.code)
        if seen is not None and seen != (force.pk if force else 0):
            raise Superseded
        if bad := _against_stored(election, draft):
            raise BadTable(bad)
        return checklists_publish(election=election, drafts=[draft], now=now, user=user)


def xlsform_draft(*, election: Election, source: bytes, file: str, files: Mapping[str, bytes]) -> Draft:
    """What an XLSForm would publish. Raises BadTable with every bad cell."""
    known = {one.code: one for one in Checklist.objects.filter(election=election)}
    draft = xlsform_read(source=source, file=file, reading=_reading(election), known=known, files=files)
    if bad := _against_stored(election, draft):
        raise BadTable(bad)
    return draft


def version_in_force(*, election: Election, code: str) -> ChecklistVersion | None:
    """The latest published version of this checklist."""
    rows = ChecklistVersion.objects.filter(checklist__election=election, checklist__code=code)
    return rows.filter(published_at__isnull=False).order_by("number").last()


def _reading(election: Election) -> Reading:
    return Reading(
        languages=election.languages,
        choice_languages=(election.rules or {}).get("choice_languages") or election.languages,
        violations=set(ViolationType.objects.filter(election=election).values_list("code", flat=True)),
    )


def checklists_publish(
    *, election: Election, drafts: Iterable[Draft], now: datetime, user: User | None = None
) -> Published:
    """Publishes drafts that were read without a problem."""
    new: list[ChecklistVersion] = []
    unchanged: list[str] = []
    for draft in drafts:
        version = checklist_publish(election=election, draft=draft, now=now, user=user)
        if version is None:
            unchanged.append(draft.code)
        else:
            new.append(version)
    return Published(tuple(new), tuple(unchanged))


def checklist_publish(
    *, election: Election, draft: Draft, now: datetime, user: User | None = None
) -> ChecklistVersion | None:
    """The draft as the version in force from now on; None where its content already is.

    Raises Rejected (`invalid_checklist`) where it cannot be published.
    """
    with transaction.atomic():
        election_lock(election)
        problems = _against_stored(election, draft)
        if problems:
            errors = tuple(FieldError(f"line {one.line}", "invalid_checklist", one.reason) for one in problems)
            raise Rejected("invalid_checklist", _("The checklist cannot be published."), errors=errors)
        checklist = _checklist(election, draft)
        latest = checklist.versions.filter(published_at__isnull=False).order_by("number").last()
        if latest and latest.content_hash == content_hash(checklist.code, draft.sections, draft.questions, draft.files):
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
        return version_publish(version=version, now=now, user=user)


def version_publish(*, version: ChecklistVersion, now: datetime, user: User | None = None) -> ChecklistVersion:
    """Puts a stored version in force, for ever. Doing it twice changes nothing.

    Raises Rejected (`invalid_checklist`) with every problem: of its own, or against what a code
    meant in any earlier version.
    """
    with transaction.atomic():
        checklist = Checklist.objects.select_related("election").get(pk=version.checklist_id)
        election_lock(checklist.election)
        version = ChecklistVersion.objects.get(pk=version.pk)
        if version.published_at is not None:
            return version
        questions = list(version.questions.select_related("section").order_by("order", "pk"))
        sections = list(version.sections.order_by("order", "pk"))
        _refuse(_problems(checklist, questions))
        version.published_at = now
        version.content_hash = content_hash(checklist.code, sections, questions, version.files.all())
        version.save(update_fields=["published_at", "content_hash"])
        detail = {"checklist": checklist.code, "version": version.number, "sha256": version.content_hash}
        trail_add(action="checklist.publish", subject=version, now=now, user=user, detail=detail)
    return version


def _problems(checklist: Checklist, questions: Sequence[Question]) -> list[Problem]:
    violations = set(ViolationType.objects.filter(election=checklist.election_id).values_list("code", flat=True))
    found = question_problems(questions, languages=checklist.election.languages, violations=violations)
    if not questions:
        found.append(("", _("It has no questions.")))
    return found + continuity_problems(questions, _earlier(checklist))


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        errors = tuple(FieldError(code, "invalid_checklist", reason) for code, reason in problems)
        detail = " ".join(f"{code}: {reason}." if code else reason for code, reason in problems)
        raise Rejected("invalid_checklist", detail, errors=errors)


def _earlier(checklist: Checklist) -> list[Question]:
    return list(
        Question.objects.filter(version__checklist=checklist, version__published_at__isnull=False).order_by(
            "version__number", "order"
        )
    )


def _against_stored(election: Election, draft: Draft) -> list[BadLine]:
    """What the election's own checklist of this code forbids the draft."""
    checklist = Checklist.objects.filter(election=election, code=draft.code).first()
    if checklist is None:
        if draft.stage is None:
            reason = _("the election has no checklist %(code)s: import a folder with index.csv") % {"code": draft.code}
            return [BadLine(draft.file, 0, reason)]
        return []
    found = [
        BadLine(draft.file, draft.lines[code], reason)
        for code, reason in continuity_problems(draft.questions, _earlier(checklist))
    ]
    for name in ("stage", "place", "repeat"):
        wanted, stands = getattr(draft, name), getattr(checklist, name)
        if wanted is not None and wanted != stands and checklist.versions.filter(published_at__isnull=False).exists():
            values = {"name": name, "stands": stands, "wanted": wanted}
            reason = _("its %(name)s is %(stands)s since it was published and cannot become %(wanted)s") % values
            found.append(BadLine(draft.file, 0, reason))
    return found


def _checklist(election: Election, draft: Draft) -> Checklist:
    if draft.stage is None:
        return Checklist.objects.get(election=election, code=draft.code)
    fields = {name: getattr(draft, name) for name in ("order", "stage", "place", "repeat", "titles")}
    checklist, made = Checklist.objects.get_or_create(election=election, code=draft.code, defaults=fields)
    changed = [name for name, value in fields.items() if getattr(checklist, name) != value]
    if changed and not made:
        for name in changed:
            setattr(checklist, name, fields[name])
        checklist.save(update_fields=changed)
    return checklist
