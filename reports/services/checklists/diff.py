"""Differences between a checklist draft and the version in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from observer.models import Election
from reports.models import Question
from reports.services.checklists.csv_files import ChecklistDraft
from reports.services.checklists.publishing import find_version_in_force, read_xlsform_draft
from reports.services.checklists.validation import build_question_content, compute_content_hash

NEW, CHANGED, MOVED, GONE = "new", "changed", "moved", "gone"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One changed field of a question, before and after.

    `language` is "" where the field has none.
    """

    field: str
    language: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """One question that differs."""

    code: str
    kind: str  # NEW, CHANGED, MOVED or GONE
    labels: Mapping[str, str]
    cells: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ChecklistPreview:
    """What publishing a draft would change.

    `seen`: the key of the version in force, 0 for none; `number`: its number. `same`: how many
    questions stay unchanged.
    """

    code: str
    seen: int
    number: int
    identical: bool
    changes: tuple[QuestionChange, ...]
    same: int
    titles: tuple[FieldChange, ...]


def preview_xlsform(*, election: Election, source: bytes, file: str, files: Mapping[str, bytes]) -> ChecklistPreview:
    """Compares an XLSForm with the version in force. Writes nothing.

    Raises BadTable with every bad cell, as importing it would.
    """
    return preview_draft(
        election=election, draft=read_xlsform_draft(election=election, source=source, file=file, files=files)
    )


def preview_draft(*, election: Election, draft: ChecklistDraft) -> ChecklistPreview:
    """Compares a draft with the version in force. Writes nothing."""
    current = find_version_in_force(election=election, code=draft.code)
    before = list(current.questions.select_related("section").order_by("order", "pk")) if current else []
    changes = compare_questions(before, draft.questions)
    titles = _compare_fields({"titles": current.checklist.titles if current else {}}, {"titles": draft.titles})
    draft_hash = compute_content_hash(draft.code, draft.sections, draft.questions, draft.files)
    return ChecklistPreview(
        code=draft.code,
        seen=current.pk if current else 0,
        number=current.number if current else 0,
        identical=current is not None and current.content_hash == draft_hash,
        changes=changes,
        same=len(draft.questions) - sum(change.kind != GONE for change in changes),
        titles=titles if draft.titles else (),
    )


def compare_questions(before: Sequence[Question], after: Sequence[Question]) -> tuple[QuestionChange, ...]:
    """Lists the questions that differ.

    They are in the order of the new version; those that are gone come last. Pure: no database.
    """
    old = {question.code: question for question in before}
    new = {question.code: question for question in after}
    kept_before, kept_after = (
        [question.code for question in before if question.code in new],
        [question.code for question in after if question.code in old],
    )
    blocks = SequenceMatcher(None, kept_before, kept_after, autojunk=False).get_matching_blocks()
    in_place = {code for block in blocks for code in kept_after[block.b : block.b + block.size]}
    found = []
    for question in after:
        if question.code not in old:
            found.append(
                QuestionChange(
                    question.code,
                    NEW,
                    question.labels,
                    _compare_fields({}, build_question_content(question), ignored=("labels", "code")),
                )
            )
        elif fields := _compare_fields(build_question_content(old[question.code]), build_question_content(question)):
            found.append(QuestionChange(question.code, CHANGED, question.labels, fields))
        elif question.code not in in_place:
            found.append(QuestionChange(question.code, MOVED, question.labels))
    return (
        *found,
        *(QuestionChange(question.code, GONE, question.labels) for question in before if question.code not in new),
    )


def _compare_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], ignored: Sequence[str] = ()
) -> tuple[FieldChange, ...]:
    found = []
    for field in dict.fromkeys((*after, *before)):
        if field in ignored:
            continue
        old, new = _format_field(before.get(field)), _format_field(after.get(field))
        for language in dict.fromkeys((*new, *old)):
            if old.get(language, "") != new.get(language, ""):
                found.append(FieldChange(field, language, old.get(language, ""), new.get(language, "")))
    return tuple(found)


def _format_field(value: Any) -> dict[str, str]:
    """Formats a field as text, by language.

    The language is "" where the field has none.
    """
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], Mapping):  # choices
        languages = dict.fromkeys(code for choice in value for code in choice.get("labels", {}))
        return {
            code: "; ".join(f"{choice['code']}: {choice.get('labels', {}).get(code, '')}" for choice in value)
            for code in languages
        } or {"": "; ".join(str(choice["code"]) for choice in value)}
    if isinstance(value, list):
        return {"": ", ".join(map(str, value))} if value else {}
    return {"": str(value)} if value not in (None, "", False) else {}
