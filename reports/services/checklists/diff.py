"""What a checklist about to be published would change against the version in force, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from observer.models import Election
from reports.models import Question
from reports.services.checklists.csv_files import Draft
from reports.services.checklists.publishing import version_in_force, xlsform_draft
from reports.services.checklists.validation import content_hash, question_content

NEW, CHANGED, MOVED, GONE = "new", "changed", "moved", "gone"


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing about a question: which field, in which language ("" where it has none), before and after."""

    field: str
    language: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    code: str
    kind: str  # NEW, CHANGED, MOVED or GONE
    labels: Mapping[str, str]
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """`seen`: key of the version in force, 0 for none; `number` its number. `same`: questions that stay as they are."""

    code: str
    seen: int
    number: int
    identical: bool
    changes: tuple[Change, ...]
    same: int
    titles: tuple[Cell, ...]


def xlsform_preview(*, election: Election, source: bytes, file: str, files: Mapping[str, bytes]) -> Preview:
    """Writes nothing. Raises BadTable with every bad cell, as importing would."""
    return draft_preview(
        election=election, draft=xlsform_draft(election=election, source=source, file=file, files=files)
    )


def draft_preview(*, election: Election, draft: Draft) -> Preview:
    force = version_in_force(election=election, code=draft.code)
    before = list(force.questions.select_related("section").order_by("order", "pk")) if force else []
    changes = questions_changed(before, draft.questions)
    titles = _cells({"titles": force.checklist.titles if force else {}}, {"titles": draft.titles})
    of_draft = content_hash(draft.code, draft.sections, draft.questions, draft.files)
    return Preview(
        code=draft.code,
        seen=force.pk if force else 0,
        number=force.number if force else 0,
        identical=force is not None and force.content_hash == of_draft,
        changes=changes,
        same=len(draft.questions) - sum(one.kind != GONE for one in changes),
        titles=titles if draft.titles else (),
    )


def questions_changed(before: Sequence[Question], after: Sequence[Question]) -> tuple[Change, ...]:
    """Pure. In the order of the new version; what is gone comes last."""
    old = {one.code: one for one in before}
    new = {one.code: one for one in after}
    stayed, kept = [one.code for one in before if one.code in new], [one.code for one in after if one.code in old]
    blocks = SequenceMatcher(None, stayed, kept, autojunk=False).get_matching_blocks()
    in_place = {code for block in blocks for code in kept[block.b : block.b + block.size]}
    found = []
    for one in after:
        if one.code not in old:
            found.append(
                Change(one.code, NEW, one.labels, _cells({}, question_content(one), besides=("labels", "code")))
            )
        elif cells := _cells(question_content(old[one.code]), question_content(one)):
            found.append(Change(one.code, CHANGED, one.labels, cells))
        elif one.code not in in_place:
            found.append(Change(one.code, MOVED, one.labels))
    return (*found, *(Change(one.code, GONE, one.labels) for one in before if one.code not in new))


def _cells(before: Mapping[str, Any], after: Mapping[str, Any], besides: Sequence[str] = ()) -> tuple[Cell, ...]:
    found = []
    for field in dict.fromkeys((*after, *before)):
        if field in besides:
            continue
        old, new = _texts(before.get(field)), _texts(after.get(field))
        for language in dict.fromkeys((*new, *old)):
            if old.get(language, "") != new.get(language, ""):
                found.append(Cell(field, language, old.get(language, ""), new.get(language, "")))
    return tuple(found)


def _texts(value: Any) -> dict[str, str]:
    """A field as text, one for each language that it speaks."""
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
