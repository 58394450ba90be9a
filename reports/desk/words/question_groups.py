"""A checklist as a form on paper would be: its questions in the reader's language, and what was answered. Pure but for the words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from observer.words import in_language
from reports.models import Question, ViolationType
from reports.services.checklists.answer_labels import ANSWERS
from reports.services.checklists.compiled import RATING, YES_NO

Word = str | Promise
BY_FILE = frozenset({Question.Type.PHOTO, Question.Type.FILE})
RADIO = frozenset({Question.Type.YES_NO, Question.Type.RATING, Question.Type.CHOICE})
KINDS = {
    Question.Type.CHOICES: "checks",
    Question.Type.VIOLATION: "select",
    Question.Type.NOTE: "note",
    Question.Type.TEXT: "lines",
    Question.Type.TIME: "time",
    Question.Type.DATE: "date",
    Question.Type.LOCATION: "place",
    Question.Type.INTEGER: "number",
    Question.Type.DECIMAL: "number",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the form. `only_if`: the question and the answers on which it is asked."""

    code: str
    kind: str
    label: str
    hint: str
    required: bool
    options: list[tuple[str, Word, bool]]
    value: str
    error: str
    parent: str
    only_if: list[str]
    only_if_words: str

    @property
    def name(self) -> str:
        return f"q-{self.code}"


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    questions: list[Asked]


def answers_posted(questions: Iterable[Question], data: QueryDict) -> dict[str, Any]:
    """What was typed, as a channel hands it in: raw values, of which the checklist makes answers or problems."""
    given: dict[str, Any] = {}
    for one in questions:
        name = f"q-{one.code}"
        if one.type == Question.Type.NOTE or one.type in BY_FILE:
            continue
        if one.type == Question.Type.CHOICES:
            given[one.code] = data.getlist(name)
            continue
        text = data.get(name, "").replace("\0", "").strip()
        if not text:
            continue
        if one.type in (Question.Type.INTEGER, Question.Type.DECIMAL):
            text = "".join(text.split()).replace(",", ".")
        given[one.code] = _place(text) if one.type == Question.Type.LOCATION else text
    return given


def _place(text: str) -> dict[str, str]:
    """ "43.25, 76.9" as a place; whatever else was typed is left for the checklist to refuse."""
    parts = text.replace(";", " ").replace(", ", " ").split()
    if len(parts) == 1:
        parts = text.split(",")
    return {"lat": parts[0], "lon": parts[1] if len(parts) == 2 else ""}


def groups_of(
    questions: Iterable[Question],
    *,
    data: QueryDict | None,
    errors: Mapping[str, str],
    violations: Iterable[ViolationType],
    order: list[str],
) -> list[Group]:
    """The form in its sections; `data` is what was typed before, `errors` what is wrong with it, by code."""
    codes = [(row.code, f"{row.code} {in_language(row.names, order=order)}") for row in violations]
    labels: dict[str, str] = {}
    groups: list[Group] = []
    section: int | None = -1
    for one in questions:
        labels[one.code] = in_language(one.labels, order=order) or one.code
        if one.section_id != section:
            section = one.section_id
            title = in_language(one.section.titles, order=order) if one.section else ""
            groups.append(Group(title, []))
        groups[-1].questions.append(_asked(one, data, errors.get(one.code, ""), codes, labels, order))
    return groups


def _asked(
    one: Question,
    data: QueryDict | None,
    error: str,
    codes: list[tuple[str, str]],
    labels: Mapping[str, str],
    order: list[str],
) -> Asked:
    name = f"q-{one.code}"
    chosen = set(data.getlist(name)) if data is not None else set[str]()
    kind = "file" if one.type in BY_FILE else "radio" if one.type in RADIO else KINDS[Question.Type(one.type)]
    options: list[tuple[str, Word, bool]] = [(code, word, code in chosen) for code, word in _options(one, codes, order)]
    if kind == "radio":
        options.append(("", _("no answer"), not chosen - {""}))
    condition = ""
    if one.relevant_question:
        answers = ", ".join(str(ANSWERS.get(answer, answer)) for answer in one.relevant_answers)
        condition = _("Only if “%(question)s”: %(answers)s") % {
            "question": labels.get(one.relevant_question, one.relevant_question),
            "answers": answers,
        }
    return Asked(
        code=one.code,
        kind=kind,
        label=labels[one.code],
        hint=in_language(one.hints, order=order),
        required=one.required,
        options=options,
        value=data.get(name, "") if data is not None else "",
        error=error,
        parent=one.relevant_question,
        only_if=[str(answer) for answer in one.relevant_answers],
        only_if_words=condition,
    )


def _options(one: Question, codes: list[tuple[str, str]], order: list[str]) -> list[tuple[str, Word]]:
    if one.type in (Question.Type.YES_NO, Question.Type.RATING):
        return [(code, ANSWERS[code]) for code in (YES_NO if one.type == Question.Type.YES_NO else RATING)]
    if one.type == Question.Type.VIOLATION:
        return list(codes)
    return [
        (str(choice["code"]), in_language(choice.get("labels", {}), order=order) or str(choice["code"]))
        for choice in one.choices
    ]
