"""What a checklist version must be: pure checks of its questions, and its content as one hash.

They see questions as objects, stored or not, so that a file is judged before anything is written.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from reports.models import ChecklistFile, Question, Section
from reports.services.checklists.compiled import RATING, YES_NO

Type = Question.Type
LISTED = (Type.YES_NO, Type.RATING, Type.CHOICE, Type.CHOICES, Type.VIOLATION)
Problem = tuple[str, str]  # the question's code, the reason


def answers_of(question: Question, violations: AbstractSet[str]) -> AbstractSet[str]:
    """The answers a question can have, where they can be listed."""
    if question.type == Type.YES_NO:
        return set(YES_NO)
    if question.type == Type.RATING:
        return set(RATING)
    if question.type == Type.VIOLATION:
        return violations
    return {str(choice["code"]) for choice in question.choices}


def question_problems(
    questions: Sequence[Question], *, languages: Sequence[str], violations: AbstractSet[str]
) -> list[Problem]:
    """Everything wrong with one version's questions, in their order."""
    by_code = {question.code: question for question in questions}
    found: list[Problem] = []
    sms: dict[str, str] = {}
    for question in questions:
        found += [(question.code, reason) for reason in _alone(question, languages)]
        found += [(question.code, reason) for reason in _finding(question, violations)]
        found += [(question.code, reason) for reason in _condition(question, by_code, violations)]
        if question.sms_code:
            other = sms.setdefault(question.sms_code.casefold(), question.code)
            if other != question.code:
                found.append((question.code, _("its sms_code is that of %(other)s") % {"other": other}))
    return found


def continuity_problems(questions: Sequence[Question], earlier: Sequence[Question]) -> list[Problem]:
    """Where a code would change what it stands for since any earlier version: figures are pooled by code."""
    now = {question.code: question for question in questions}
    found = set()
    for before in earlier:
        after = now.get(before.code)
        if after is None:
            continue
        values = {"code": before.code}
        if after.type != before.type:
            found.add((before.code, _("%(code)s changes its type; give the new question a new code") % values))
        elif {c["code"] for c in after.choices} != {c["code"] for c in before.choices}:
            found.add((before.code, _("%(code)s changes its choices; give the new question a new code") % values))
        if _meaning(after) != _meaning(before):
            found.add((before.code, _("%(code)s changes its meaning; give the new question a new code") % values))
    order = {question.code: place for place, question in enumerate(questions)}
    return sorted(found, key=lambda one: (order[one[0]], one[1]))


def content_hash(
    code: str, sections: Sequence[Section], questions: Sequence[Question], files: Iterable[ChecklistFile] = ()
) -> str:
    """SHA-256 over a version's content as canonical JSON: equal content, equal hash, wherever it is stored."""
    content: dict[str, Any] = {
        "checklist": code,
        "sections": [{"code": section.code, "titles": section.titles} for section in sections],
        "questions": [question_content(question) for question in questions],
    }
    if hashes := {file.name: file.sha256 for file in files}:
        content["files"] = hashes
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def question_content(question: Question) -> dict[str, Any]:
    """All that makes a question what it is, as JSON."""
    plain = ("code", "type", "labels", "hints", "choices", "required", "relevant_question", "relevant_answers")
    more = {"xlsform": question.xlsform} if question.xlsform else {}
    return (
        {name: getattr(question, name) for name in plain}
        | more
        | {
            "section": question.section.code if question.section else "",
            "minimum": _number(question.minimum),
            "maximum": _number(question.maximum),
            "violation_answers": question.violation_answers,
            "violation_code": question.violation_code,
            "control": question.control,
            "sms_code": question.sms_code,
        }
    )


def _number(value: Decimal | None) -> str | None:
    return None if value is None else format(Decimal(value).normalize() + 0, "f")


def _meaning(question: Question) -> tuple[Any, ...]:
    return (frozenset(question.violation_answers), question.violation_code, question.control)


def _alone(question: Question, languages: Sequence[str]) -> Iterator[str]:
    if question.type not in Type.values:
        known = ", ".join(Type.values)
        yield _("type %(type)s is unknown; there are %(known)s") % {"type": question.type or "''", "known": known}
        return
    yield from _missing(question.labels, languages, _("it has no label in %(languages)s"))
    if question.type in (Type.CHOICE, Type.CHOICES):
        codes = [str(choice["code"]) for choice in question.choices]
        if not codes:
            yield _("it has no choices")
        for code in sorted({code for code in codes if codes.count(code) > 1}):
            yield _("choice %(code)s is there twice") % {"code": code}
        for choice in question.choices:
            reason = _("choice %(code)s has no label in %(languages)s")
            yield from _missing(choice.get("labels", {}), languages, reason, code=choice["code"])
    elif question.choices:
        yield _("only choice and choices have choices")
    yield from _limits(question)
    if question.type == Type.NOTE and question.required:
        yield _("a note has no answer, so none can be required")


def _missing(words: Mapping[str, str], languages: Sequence[str], reason: str, **values: object) -> Iterator[str]:
    missing = [language for language in languages if not words.get(language)]
    if missing:
        yield reason % {"languages": ", ".join(missing), **values}


def _limits(question: Question) -> Iterator[str]:
    low, high = question.minimum, question.maximum
    if low is None and high is None:
        return
    if question.type not in (Type.INTEGER, Type.DECIMAL):
        yield _("only numbers have min and max")
    elif low is not None and high is not None and low > high:
        yield _("its min is greater than its max")
    elif question.type == Type.INTEGER and any(one is not None and one != int(one) for one in (low, high)):
        yield _("the limits of a whole number are whole")


def _finding(question: Question, violations: AbstractSet[str]) -> Iterator[str]:
    answers, code = question.violation_answers, question.violation_code
    if question.type == Type.VIOLATION:
        if answers != ["*"] or code:
            yield _("a question of type violation has violation_answer * and no violation_code")
        return
    if bool(answers) != bool(code):
        yield _("violation_answer and violation_code belong together")
    if code and code not in violations:
        yield _("violation %(code)s is unknown") % {"code": code}
    if answers and question.type not in LISTED:
        yield _("an answer of type %(type)s cannot be a finding") % {"type": question.type}
    elif answers:
        yield from _unknown(answers, answers_of(question, violations), _("violation_answer %(answer)s is no answer"))


def _condition(question: Question, by_code: Mapping[str, Question], violations: AbstractSet[str]) -> Iterator[str]:
    asked, answers = question.relevant_question, question.relevant_answers
    if bool(asked) != bool(answers):
        yield _("relevant_question and relevant_answer belong together")
        return
    if not asked:
        return
    other = by_code.get(asked)
    if other is None:
        yield _("relevant_question %(code)s is unknown") % {"code": asked}
        return
    if _in_circle(question, by_code):
        yield _("its condition leads back to itself")
    if other.type not in LISTED:
        yield _("no condition can be put on %(code)s of type %(type)s") % {"code": asked, "type": other.type}
        return
    yield from _unknown(
        answers, answers_of(other, violations), _("relevant_answer %(answer)s is no answer to %(code)s"), code=asked
    )


def _unknown(given: Sequence[str], known: AbstractSet[str], reason: str, **values: object) -> Iterator[str]:
    for answer in given:
        if answer not in known:
            yield reason % {"answer": answer, **values}


def _in_circle(question: Question, by_code: Mapping[str, Question]) -> bool:
    seen = {question.code}
    above = by_code.get(question.relevant_question)
    while above is not None and above.code not in seen:
        seen.add(above.code)
        above = by_code.get(above.relevant_question)
    return above is not None and above.code == question.code
