"""Validation of checklist questions, and the hash of a version's content.

Questions are passed as objects, stored or not, so that a file is checked before anything is
written. Pure: no database.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from reports.models import ChecklistFile, Question, Section
from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS

Type = Question.Type
TYPES_WITH_LISTED_ANSWERS = (Type.YES_NO, Type.RATING, Type.CHOICE, Type.CHOICES, Type.VIOLATION)
Problem = tuple[str, str]  # the question's code, the reason


def list_possible_answers(question: Question, violations: AbstractSet[str]) -> AbstractSet[str]:
    """Lists the possible answers of a question with listed answers."""
    if question.type == Type.YES_NO:
        return set(YES_NO_ANSWERS)
    if question.type == Type.RATING:
        return set(RATING_ANSWERS)
    if question.type == Type.VIOLATION:
        return violations
    return {str(choice["code"]) for choice in question.choices}


def find_question_problems(
    questions: Sequence[Question], *, languages: Sequence[str], violations: AbstractSet[str]
) -> list[Problem]:
    """Finds all problems of one version's questions, in the order of the questions."""
    by_code = {question.code: question for question in questions}
    found: list[Problem] = []
    codes_by_sms_code: dict[str, str] = {}
    for question in questions:
        found += [(question.code, reason) for reason in _check_question(question, languages)]
        found += [(question.code, reason) for reason in _check_finding(question, violations)]
        found += [(question.code, reason) for reason in _check_condition(question, by_code, violations)]
        if question.sms_code:
            other = codes_by_sms_code.setdefault(question.sms_code.casefold(), question.code)
            if other != question.code:
                found.append((question.code, _("its sms_code is that of %(other)s") % {"other": other}))
    return found


def find_continuity_problems(questions: Sequence[Question], earlier: Sequence[Question]) -> list[Problem]:
    """Finds codes whose type, choices or meaning differ from an earlier version.

    That is a problem because the figures of all versions are added up by code.
    """
    current = {question.code: question for question in questions}
    problems = set()
    for before in earlier:
        after = current.get(before.code)
        if after is None:
            continue
        values = {"code": before.code}
        if after.type != before.type:
            problems.add((before.code, _("%(code)s changes its type; give the new question a new code") % values))
        elif {c["code"] for c in after.choices} != {c["code"] for c in before.choices}:
            problems.add((before.code, _("%(code)s changes its choices; give the new question a new code") % values))
        if _get_meaning(after) != _get_meaning(before):
            problems.add((before.code, _("%(code)s changes its meaning; give the new question a new code") % values))
    positions = {question.code: position for position, question in enumerate(questions)}
    return sorted(problems, key=lambda problem: (positions[problem[0]], problem[1]))


def compute_content_hash(
    code: str, sections: Sequence[Section], questions: Sequence[Question], files: Iterable[ChecklistFile] = ()
) -> str:
    """Computes the SHA-256 of a version's content as canonical JSON.

    Equal content has an equal hash, wherever it is stored.
    """
    content: dict[str, Any] = {
        "checklist": code,
        "sections": [{"code": section.code, "titles": section.titles} for section in sections],
        "questions": [build_question_content(question) for question in questions],
    }
    if hashes := {file.name: file.sha256 for file in files}:
        content["files"] = hashes
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def build_question_content(question: Question) -> dict[str, Any]:
    """Builds the complete content of a question as JSON."""
    copied = ("code", "type", "labels", "hints", "choices", "required", "relevant_question", "relevant_answers")
    extras = {"xlsform": question.xlsform} if question.xlsform else {}
    return (
        {name: getattr(question, name) for name in copied}
        | extras
        | {
            "section": question.section.code if question.section else "",
            "minimum": _format_number(question.minimum),
            "maximum": _format_number(question.maximum),
            "violation_answers": question.violation_answers,
            "violation_code": question.violation_code,
            "control": question.control,
            "sms_code": question.sms_code,
        }
    )


def _format_number(value: Decimal | None) -> str | None:
    return None if value is None else format(Decimal(value).normalize() + 0, "f")


def _get_meaning(question: Question) -> tuple[Any, ...]:
    return (frozenset(question.violation_answers), question.violation_code, question.control)


def _check_question(question: Question, languages: Sequence[str]) -> Iterator[str]:
    if question.type not in Type.values:
        known = ", ".join(Type.values)
        yield _("type %(type)s is unknown; there are %(known)s") % {"type": question.type or "''", "known": known}
        return
    yield from _check_languages(question.labels, languages, _("it has no label in %(languages)s"))
    if question.type in (Type.CHOICE, Type.CHOICES):
        codes = [str(choice["code"]) for choice in question.choices]
        if not codes:
            yield _("it has no choices")
        for code in sorted({code for code in codes if codes.count(code) > 1}):
            yield _("choice %(code)s is there twice") % {"code": code}
        for choice in question.choices:
            reason = _("choice %(code)s has no label in %(languages)s")
            yield from _check_languages(choice.get("labels", {}), languages, reason, code=choice["code"])
    elif question.choices:
        yield _("only choice and choices have choices")
    yield from _check_limits(question)
    if question.type == Type.NOTE and question.required:
        yield _("a note has no answer, so none can be required")


def _check_languages(
    words: Mapping[str, str], languages: Sequence[str], reason: str, **values: object
) -> Iterator[str]:
    missing = [language for language in languages if not words.get(language)]
    if missing:
        yield reason % {"languages": ", ".join(missing), **values}


def _check_limits(question: Question) -> Iterator[str]:
    low, high = question.minimum, question.maximum
    if low is None and high is None:
        return
    if question.type not in (Type.INTEGER, Type.DECIMAL):
        yield _("only numbers have min and max")
    elif low is not None and high is not None and low > high:
        yield _("its min is greater than its max")
    elif question.type == Type.INTEGER and any(limit is not None and limit != int(limit) for limit in (low, high)):
        yield _("the limits of a whole number are whole")


def _check_finding(question: Question, violations: AbstractSet[str]) -> Iterator[str]:
    answers, code = question.violation_answers, question.violation_code
    if question.type == Type.VIOLATION:
        if answers != ["*"] or code:
            yield _("a question of type violation has violation_answer * and no violation_code")
        return
    if bool(answers) != bool(code):
        yield _("violation_answer and violation_code belong together")
    if code and code not in violations:
        yield _("violation %(code)s is unknown") % {"code": code}
    if answers and question.type not in TYPES_WITH_LISTED_ANSWERS:
        yield _("an answer of type %(type)s cannot be a finding") % {"type": question.type}
    elif answers:
        yield from _check_answers_known(
            answers, list_possible_answers(question, violations), _("violation_answer %(answer)s is no answer")
        )


def _check_condition(
    question: Question, by_code: Mapping[str, Question], violations: AbstractSet[str]
) -> Iterator[str]:
    code, answers = question.relevant_question, question.relevant_answers
    if bool(code) != bool(answers):
        yield _("relevant_question and relevant_answer belong together")
        return
    if not code:
        return
    other = by_code.get(code)
    if other is None:
        yield _("relevant_question %(code)s is unknown") % {"code": code}
        return
    if _is_circular(question, by_code):
        yield _("its condition leads back to itself")
    if other.type not in TYPES_WITH_LISTED_ANSWERS:
        yield _("no condition can be put on %(code)s of type %(type)s") % {"code": code, "type": other.type}
        return
    yield from _check_answers_known(
        answers,
        list_possible_answers(other, violations),
        _("relevant_answer %(answer)s is no answer to %(code)s"),
        code=code,
    )


def _check_answers_known(given: Sequence[str], known: AbstractSet[str], reason: str, **values: object) -> Iterator[str]:
    for answer in given:
        if answer not in known:
            yield reason % {"answer": answer, **values}


def _is_circular(question: Question, by_code: Mapping[str, Question]) -> bool:
    seen = {question.code}
    parent = by_code.get(question.relevant_question)
    while parent is not None and parent.code not in seen:
        seen.add(parent.code)
        parent = by_code.get(parent.relevant_question)
    return parent is not None and parent.code == question.code
