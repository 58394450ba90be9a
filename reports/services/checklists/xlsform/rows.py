"""A checklist version as the rows of an XLSForm (https://xlsform.org): what people download, and what phones' forms are made of.

Columns that are ours alone are in `OURS` and `OUR_SETTINGS`; every other reader passes over them.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils.translation import override

from observer.models import Election
from reports.models import ChecklistVersion, Question, Section, ViolationType
from reports.services.checklists.answer_labels import ANSWERS
from reports.services.checklists.compiled import RATING, YES_NO
from reports.services.checklists.xlsform.names import names_of

Row = dict[str, str]
Workbook = dict[str, list[Row]]

OURS = ("code", "question_type", "violation_answer", "violation_code", "control_figure", "sms_code")
OUR_SETTINGS = ("order", "stage", "place_level", "repeat")
VIOLATIONS = "violations"
SHARED_LISTS = ("yes_no", "rating", VIOLATIONS)
TYPES: Mapping[str, str] = {
    "yes_no": "select_one yes_no",
    "rating": "select_one rating",
    "violation": f"select_one {VIOLATIONS}",
    "integer": "integer",
    "decimal": "decimal",
    "text": "text",
    "time": "time",
    "date": "date",
    "photo": "image",
    "file": "file",
    "location": "geopoint",
    "note": "note",
}


def workbook_of(version: ChecklistVersion, *, election: Election, violations: Iterable[ViolationType]) -> Workbook:
    """The version's rows; `violations` are the codes that a question for one offers. `checklist` must be loaded."""
    languages = election.languages
    questions = list(version.questions.select_related("section").order_by("order", "pk"))
    names = names_of(question.code for question in questions)
    survey = list(_survey(questions, names, languages))
    choices = [row for question in questions for row in _choices(question, names[question.code], languages)]
    types = {question.type for question in questions}
    for kind, codes in (("yes_no", YES_NO), ("rating", RATING)):
        if kind in types:
            choices += [{"list_name": kind, "name": code, **_answer_words(code, languages)} for code in codes]
    if "violation" in types:
        choices += [
            {"list_name": VIOLATIONS, "name": one.code, **named("label", one.names, languages)} for one in violations
        ]
    return {"survey": survey, "choices": choices, "settings": [_settings(version, languages)]}


def column_of(column: str, language: str) -> str:
    """`label::Қазақша (kk)`."""
    return f"{column}::{language_name(language)}"


def list_of(name: str) -> str:
    """The list of choices of the question with this name."""
    return f"{name}-list" if name in SHARED_LISTS else name


def language_name(code: str) -> str:
    """As XLSForms name languages: `Қазақша (kk)`."""
    name = dict(settings.LANGUAGES).get(code) or LANG_INFO.get(code, {}).get("name_local") or code
    return f"{name} ({code})"


def named(column: str, words: Mapping[str, str], languages: Sequence[str]) -> Row:
    """A text by language as columns; a language without one shows another's."""
    some = next((text for text in words.values() if text), "")
    return {column_of(column, language): words.get(language) or some for language in languages} if some else {}


def _survey(questions: Sequence[Question], names: Mapping[str, str], languages: Sequence[str]) -> Iterable[Row]:
    by_code = {question.code: question for question in questions}
    group = _Groups([question.section for question in questions], names.values(), languages)
    for question in questions:
        yield from group.until(question.section, (question.xlsform or {}).get("group_appearance", ""))
        yield _question(question, names, by_code, languages)
    yield from group.until(None)


class _Groups:
    """Sections as groups: one a run of questions, so that the order stays. Their names are no question's."""

    def __init__(self, sections: Sequence[Section | None], taken: Iterable[str], languages: Sequence[str]) -> None:
        used = {name.lower() for name in taken}
        names = names_of(sorted({section.code for section in sections if section}))
        self.names = {code: f"section-{name}" if name.lower() in used else name for code, name in names.items()}
        self.languages = languages
        self.open: str = ""
        self.runs: dict[str, int] = {}

    def until(self, section: Section | None, appearance: str = "") -> Iterable[Row]:
        """The rows that close one group and open the next, where the section changes."""
        code = section.code if section else ""
        if code == self.open:
            return
        if self.open:
            yield {"type": "end_group"}
        if section:
            run = self.runs[code] = self.runs.get(code, 0) + 1
            name = self.names[code] + (f"-{run}" if run > 1 else "")
            row = {"type": "begin_group", "name": name, **named("label", section.titles, self.languages)}
            more = {"code": code if name != code else "", "appearance": appearance}
            yield row | {column: text for column, text in more.items() if text}
        self.open = code


def _question(
    question: Question, names: Mapping[str, str], by_code: Mapping[str, Question], languages: Sequence[str]
) -> Row:
    more: Mapping[str, Any] = question.xlsform or {}
    name = names[question.code]
    row = {"type": _type(question, name, more), "name": name, **named("label", question.labels, languages)}
    row |= {column_of("hint", language): text for language, text in question.hints.items()}
    if question.required:
        row["required"] = "yes"
    row |= {key: more[key] for key in ("required", "appearance", "parameters", "default") if key in more}
    for key in ("required_message", "constraint_message", "guidance_hint"):
        row |= {column_of(key, language): text for language, text in more.get(key, {}).items()}
    row |= _media(more)
    asked = by_code.get(question.relevant_question)
    relevant = more.get("relevant") or (relevant_text(question, asked, names) if asked else "")
    constraint = more.get("constraint") or limits_text(question.minimum, question.maximum)
    ours = {
        "code": question.code if name != question.code else "",
        "question_type": question.type,
        "violation_answer": " ".join(question.violation_answers),
        "violation_code": question.violation_code,
        "control_figure": question.control,
        "sms_code": question.sms_code,
    }
    return {key: text for key, text in (row | {"relevant": relevant, "constraint": constraint} | ours).items() if text}


def _type(question: Question, name: str, more: Mapping[str, Any]) -> str:
    if "type" in more:  # a kind of ours that XLSForm has several of: audio, video, barcode
        return str(more["type"])
    if more.get("offered"):
        return f"select_one {list_of(name)}"
    if question.type in (Question.Type.CHOICE, Question.Type.CHOICES):
        return f"select_{'one' if question.type == Question.Type.CHOICE else 'multiple'} {list_of(name)}"
    return TYPES[question.type]


def _choices(question: Question, name: str, languages: Sequence[str]) -> Iterable[Row]:
    for choice in question.choices:
        row = {
            "list_name": list_of(name),
            "name": str(choice["code"]),
            **named("label", choice.get("labels", {}), languages),
        }
        yield row | _media(choice)
    for code in (question.xlsform or {}).get("offered", ()):
        yield {"list_name": list_of(name), "name": code, **_answer_words(code, languages)}


def _media(more: Mapping[str, Any]) -> Row:
    """`media::image` for every language, or `media::image::Language` for some."""
    row: Row = {}
    for kind, files in more.get("media", {}).items():
        for language, file in files.items():
            row[f"media::{kind}" if language == "" else column_of(f"media::{kind}", language)] = file
    return row


def _answer_words(code: str, languages: Sequence[str]) -> Row:
    row: Row = {}
    for language in languages:
        with override(language):
            row[column_of("label", language)] = str(ANSWERS[code])
    return row


def relevant_text(question: Question, asked: Question, names: Mapping[str, str]) -> str:
    """`relevant_if` as an expression; `conditions_read` turns exactly this back."""
    reference = f"${{{names[asked.code]}}}"
    if asked.type == Question.Type.CHOICES:
        return " or ".join(f"selected({reference}, '{answer}')" for answer in question.relevant_answers)
    return " or ".join(f"{reference} = '{answer}'" for answer in question.relevant_answers)


def limits_text(low: Decimal | None, high: Decimal | None) -> str:
    parts = [
        f". {sign} {format(limit.normalize() + 0, 'f')}"
        for sign, limit in ((">=", low), ("<=", high))
        if limit is not None
    ]
    return " and ".join(parts)


def _settings(version: ChecklistVersion, languages: Sequence[str]) -> Row:
    checklist = version.checklist
    title = next((checklist.titles[one] for one in languages if checklist.titles.get(one)), checklist.code)
    return {
        "form_id": checklist.code,
        "form_title": title,
        "version": str(version.number),
        "default_language": language_name(languages[0]),
        "order": str(checklist.order),
        "stage": checklist.stage,
        "place_level": checklist.place,
        "repeat": checklist.repeat,
        **{column_of("checklist_title", language): text for language, text in checklist.titles.items()},
    }
