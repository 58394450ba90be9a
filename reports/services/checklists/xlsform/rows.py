"""Building an XLSForm's rows (https://xlsform.org) from a checklist version.

People download them as a workbook, and the forms for phones are made of them. The columns that only
this platform uses are in `OWN_COLUMNS` and `OWN_SETTINGS`; other readers of XLSForms ignore them.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils.translation import override

from observer.models import Election
from reports.models import ChecklistVersion, Question, Section, ViolationType
from reports.services.checklists.answer_labels import SHARED_ANSWER_LABELS
from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS
from reports.services.checklists.xlsform.names import build_xml_names

Row = dict[str, str]
Workbook = dict[str, list[Row]]

OWN_COLUMNS = ("code", "question_type", "violation_answer", "violation_code", "control_figure", "sms_code")
OWN_SETTINGS = ("order", "stage", "place_level", "repeat")
VIOLATIONS_LIST = "violations"
SHARED_LISTS = ("yes_no", "rating", VIOLATIONS_LIST)
XLSFORM_TYPES: Mapping[str, str] = {
    "yes_no": "select_one yes_no",
    "rating": "select_one rating",
    "violation": f"select_one {VIOLATIONS_LIST}",
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


def build_workbook(version: ChecklistVersion, *, election: Election, violations: Iterable[ViolationType]) -> Workbook:
    """Builds the rows of a version.

    `violations` are the types that a question of type violation offers. The version's `checklist` must
    be loaded.
    """
    languages = election.languages
    questions = list(version.questions.select_related("section").order_by("order", "pk"))
    names = build_xml_names(question.code for question in questions)
    survey = list(_build_survey_rows(questions, names, languages))
    choices = [row for question in questions for row in _build_choice_rows(question, names[question.code], languages)]
    types = {question.type for question in questions}
    for kind, codes in (("yes_no", YES_NO_ANSWERS), ("rating", RATING_ANSWERS)):
        if kind in types:
            choices += [{"list_name": kind, "name": code, **_build_answer_labels(code, languages)} for code in codes]
    if "violation" in types:
        choices += [
            {"list_name": VIOLATIONS_LIST, "name": one.code, **build_translated_columns("label", one.names, languages)}
            for one in violations
        ]
    return {"survey": survey, "choices": choices, "settings": [_build_settings_row(version, languages)]}


def build_column_name(column: str, language: str) -> str:
    """Builds a translated column's name, such as `label::Қазақша (kk)`."""
    return f"{column}::{format_language(language)}"


def get_list_name(name: str) -> str:
    """Returns the name of a question's list of choices.

    `name` is that of the question.
    """
    return f"{name}-list" if name in SHARED_LISTS else name


def format_language(code: str) -> str:
    """Formats a language as XLSForms name it: `Қазақша (kk)`."""
    name = dict(settings.LANGUAGES).get(code) or LANG_INFO.get(code, {}).get("name_local") or code
    return f"{name} ({code})"


def build_translated_columns(column: str, words: Mapping[str, str], languages: Sequence[str]) -> Row:
    """Builds the columns of a translated text.

    A language without a text gets another's.
    """
    fallback = next((text for text in words.values() if text), "")
    return (
        {build_column_name(column, language): words.get(language) or fallback for language in languages}
        if fallback
        else {}
    )


def _build_survey_rows(
    questions: Sequence[Question], names: Mapping[str, str], languages: Sequence[str]
) -> Iterable[Row]:
    by_code = {question.code: question for question in questions}
    groups = _GroupRows([question.section for question in questions], names.values(), languages)
    for question in questions:
        yield from groups.switch_to(question.section, (question.xlsform or {}).get("group_appearance", ""))
        yield _build_question_row(question, names, by_code, languages)
    yield from groups.switch_to(None)


class _GroupRows:
    """The rows that begin and end groups, which are the sections.

    Each run of questions of one section is a group, so that the order of questions stays. No group has
    the name of a question.
    """

    def __init__(
        self, sections: Sequence[Section | None], question_names: Iterable[str], languages: Sequence[str]
    ) -> None:
        used = {name.lower() for name in question_names}
        names = build_xml_names(sorted({section.code for section in sections if section}))
        self.names = {code: f"section-{name}" if name.lower() in used else name for code, name in names.items()}
        self.languages = languages
        self.open_code: str = ""
        self.runs: dict[str, int] = {}

    def switch_to(self, section: Section | None, appearance: str = "") -> Iterable[Row]:
        """Yields the rows that end one group and begin the next.

        None where the section stays the same.
        """
        code = section.code if section else ""
        if code == self.open_code:
            return
        if self.open_code:
            yield {"type": "end_group"}
        if section:
            run = self.runs[code] = self.runs.get(code, 0) + 1
            name = self.names[code] + (f"-{run}" if run > 1 else "")
            row = {
                "type": "begin_group",
                "name": name,
                **build_translated_columns("label", section.titles, self.languages),
            }
            optional_columns = {"code": code if name != code else "", "appearance": appearance}
            yield row | {column: text for column, text in optional_columns.items() if text}
        self.open_code = code


def _build_question_row(
    question: Question, names: Mapping[str, str], by_code: Mapping[str, Question], languages: Sequence[str]
) -> Row:
    extras: Mapping[str, Any] = question.xlsform or {}
    name = names[question.code]
    row = {
        "type": _get_type(question, name, extras),
        "name": name,
        **build_translated_columns("label", question.labels, languages),
    }
    row |= {build_column_name("hint", language): text for language, text in question.hints.items()}
    if question.required:
        row["required"] = "yes"
    row |= {key: extras[key] for key in ("required", "appearance", "parameters", "default") if key in extras}
    for key in ("required_message", "constraint_message", "guidance_hint"):
        row |= {build_column_name(key, language): text for language, text in extras.get(key, {}).items()}
    row |= _build_media_columns(extras)
    parent = by_code.get(question.relevant_question)
    relevant = extras.get("relevant") or (format_relevant(question, parent, names) if parent else "")
    constraint = extras.get("constraint") or format_limits(question.minimum, question.maximum)
    own_columns = {
        "code": question.code if name != question.code else "",
        "question_type": question.type,
        "violation_answer": " ".join(question.violation_answers),
        "violation_code": question.violation_code,
        "control_figure": question.control,
        "sms_code": question.sms_code,
    }
    return {
        key: text
        for key, text in (row | {"relevant": relevant, "constraint": constraint} | own_columns).items()
        if text
    }


def _get_type(question: Question, name: str, extras: Mapping[str, Any]) -> str:
    if "type" in extras:  # XLSForm has several types for this one of the platform: audio, video, barcode
        return str(extras["type"])
    if extras.get("offered"):
        return f"select_one {get_list_name(name)}"
    if question.type in (Question.Type.CHOICE, Question.Type.CHOICES):
        return f"select_{'one' if question.type == Question.Type.CHOICE else 'multiple'} {get_list_name(name)}"
    return XLSFORM_TYPES[question.type]


def _build_choice_rows(question: Question, name: str, languages: Sequence[str]) -> Iterable[Row]:
    for choice in question.choices:
        row = {
            "list_name": get_list_name(name),
            "name": str(choice["code"]),
            **build_translated_columns("label", choice.get("labels", {}), languages),
        }
        yield row | _build_media_columns(choice)
    for code in (question.xlsform or {}).get("offered", ()):
        yield {"list_name": get_list_name(name), "name": code, **_build_answer_labels(code, languages)}


def _build_media_columns(holder: Mapping[str, Any]) -> Row:
    """Builds the columns `media::image` for all languages, or `media::image::Language` for some."""
    row: Row = {}
    for kind, files in holder.get("media", {}).items():
        for language, file in files.items():
            row[f"media::{kind}" if language == "" else build_column_name(f"media::{kind}", language)] = file
    return row


def _build_answer_labels(code: str, languages: Sequence[str]) -> Row:
    row: Row = {}
    for language in languages:
        with override(language):
            row[build_column_name("label", language)] = str(SHARED_ANSWER_LABELS[code])
    return row


def format_relevant(question: Question, parent: Question, names: Mapping[str, str]) -> str:
    """Formats a question's condition as an XPath expression.

    `parse_relevant` can read it. `parent` is the question on whose answer it depends.
    """
    reference = f"${{{names[parent.code]}}}"
    if parent.type == Question.Type.CHOICES:
        return " or ".join(f"selected({reference}, '{answer}')" for answer in question.relevant_answers)
    return " or ".join(f"{reference} = '{answer}'" for answer in question.relevant_answers)


def format_limits(low: Decimal | None, high: Decimal | None) -> str:
    """Formats limits as an XPath constraint.

    `parse_limits` can read it. Returns "" where there are none.
    """
    parts = [
        f". {sign} {format(limit.normalize() + 0, 'f')}"
        for sign, limit in ((">=", low), ("<=", high))
        if limit is not None
    ]
    return " and ".join(parts)


def _build_settings_row(version: ChecklistVersion, languages: Sequence[str]) -> Row:
    checklist = version.checklist
    title = next((checklist.titles[one] for one in languages if checklist.titles.get(one)), checklist.code)
    return {
        "form_id": checklist.code,
        "form_title": title,
        "version": str(version.number),
        "default_language": format_language(languages[0]),
        "order": str(checklist.order),
        "stage": checklist.stage,
        "place_level": checklist.place,
        "repeat": checklist.repeat,
        **{build_column_name("checklist_title", language): text for language, text in checklist.titles.items()},
    }
