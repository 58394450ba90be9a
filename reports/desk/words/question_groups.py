"""Checklist questions as a form, and parsing its posted answers.

The form is HTML or paper; questions are grouped by section. Pure functions, apart from the texts, which are in the
reader's language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.models import Question, ViolationType
from reports.services.checklists.answer_labels import SHARED_ANSWER_LABELS
from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS

Label = str | Promise
FILE_TYPES = frozenset({Question.Type.PHOTO, Question.Type.FILE})
RADIO_TYPES = frozenset({Question.Type.YES_NO, Question.Type.RATING, Question.Type.CHOICE})
INPUT_KINDS = {
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
class FormQuestion:
    """One question of the form.

    It is asked only if the question `parent` has one of the answers `only_if`; `only_if_words` says so in words.
    `options` are (code, label, is chosen).
    """

    code: str
    kind: str
    label: str
    hint: str
    required: bool
    options: list[tuple[str, Label, bool]]
    value: str
    error: str
    parent: str
    only_if: list[str]
    only_if_words: str

    @property
    def name(self) -> str:
        """The name of the input in the form."""
        return f"q-{self.code}"


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    title: str
    questions: list[FormQuestion]


def parse_posted_answers(questions: Iterable[Question], data: QueryDict) -> dict[str, Any]:
    """The raw answers of a posted form, by question code.

    They are as any channel submits them: the checklist validates them later. Empty fields are left out, except
    multiple choices, which are a list that may be empty. Notes and files are not read.
    """
    answers: dict[str, Any] = {}
    for one in questions:
        name = f"q-{one.code}"
        if one.type == Question.Type.NOTE or one.type in FILE_TYPES:
            continue
        if one.type == Question.Type.CHOICES:
            answers[one.code] = data.getlist(name)
            continue
        text = data.get(name, "").replace("\0", "").strip()
        if not text:
            continue
        if one.type in (Question.Type.INTEGER, Question.Type.DECIMAL):
            text = "".join(text.split()).replace(",", ".")
        answers[one.code] = _parse_location(text) if one.type == Question.Type.LOCATION else text
    return answers


def _parse_location(text: str) -> dict[str, str]:
    """Splits "43.25, 76.9" into latitude and longitude.

    Anything else is left for the checklist to refuse.
    """
    parts = text.replace(";", " ").replace(", ", " ").split()
    if len(parts) == 1:
        parts = text.split(",")
    return {"lat": parts[0], "lon": parts[1] if len(parts) == 2 else ""}


def build_question_groups(
    questions: Iterable[Question],
    *,
    data: QueryDict | None,
    errors: Mapping[str, str],
    violation_types: Iterable[ViolationType],
    order: list[str],
) -> list[QuestionGroup]:
    """The form in its sections. `data`: what was typed before; `errors`: messages by question code."""
    violation_options = [(row.code, f"{row.code} {get_translation(row.names, order=order)}") for row in violation_types]
    labels: dict[str, str] = {}
    groups: list[QuestionGroup] = []
    section: int | None = -1
    for one in questions:
        labels[one.code] = get_translation(one.labels, order=order) or one.code
        if one.section_id != section:
            section = one.section_id
            title = get_translation(one.section.titles, order=order) if one.section else ""
            groups.append(QuestionGroup(title, []))
        groups[-1].questions.append(
            _build_question(one, data, errors.get(one.code, ""), violation_options, labels, order)
        )
    return groups


def _build_question(
    question: Question,
    data: QueryDict | None,
    error: str,
    violation_options: list[tuple[str, str]],
    labels: Mapping[str, str],
    order: list[str],
) -> FormQuestion:
    name = f"q-{question.code}"
    chosen = set(data.getlist(name)) if data is not None else set[str]()
    kind = (
        "file"
        if question.type in FILE_TYPES
        else "radio"
        if question.type in RADIO_TYPES
        else INPUT_KINDS[Question.Type(question.type)]
    )
    options: list[tuple[str, Label, bool]] = [
        (code, word, code in chosen) for code, word in _build_options(question, violation_options, order)
    ]
    if kind == "radio":
        options.append(("", _("no answer"), not chosen - {""}))
    condition = ""
    if question.relevant_question:
        answers = ", ".join(str(SHARED_ANSWER_LABELS.get(answer, answer)) for answer in question.relevant_answers)
        condition = _("Only if “%(question)s”: %(answers)s") % {
            "question": labels.get(question.relevant_question, question.relevant_question),
            "answers": answers,
        }
    return FormQuestion(
        code=question.code,
        kind=kind,
        label=labels[question.code],
        hint=get_translation(question.hints, order=order),
        required=question.required,
        options=options,
        value=data.get(name, "") if data is not None else "",
        error=error,
        parent=question.relevant_question,
        only_if=[str(answer) for answer in question.relevant_answers],
        only_if_words=condition,
    )


def _build_options(
    question: Question, violation_options: list[tuple[str, str]], order: list[str]
) -> list[tuple[str, Label]]:
    if question.type in (Question.Type.YES_NO, Question.Type.RATING):
        return [
            (code, SHARED_ANSWER_LABELS[code])
            for code in (YES_NO_ANSWERS if question.type == Question.Type.YES_NO else RATING_ANSWERS)
        ]
    if question.type == Question.Type.VIOLATION:
        return list(violation_options)
    return [
        (str(choice["code"]), get_translation(choice.get("labels", {}), order=order) or str(choice["code"]))
        for choice in question.choices
    ]
