"""A report as a person reads it: questions with their words, answers with theirs, findings marked."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from observer.words import in_language
from reports.models import Question, Report
from reports.services.checklists.answer_labels import answer_words


def answers_table(report: Report, questions: Iterable[Question]) -> SafeString:
    """A table of every question of the report's version; one without an answer shows a dash."""
    rows = [_row(question, report.answers) for question in questions if question.type != Question.Type.NOTE]
    head = format_html("<tr><th>{}</th><th>{}</th><th>{}</th><th></th></tr>", _("Code"), _("Question"), _("Answer"))
    body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
    return format_html("<table>{}{}</table>", head, body)


def _row(question: Question, answers: Mapping[str, Any]) -> tuple[str, str, SafeString | str, SafeString | str]:
    value = answers.get(question.code)
    given = value if isinstance(value, list) else [value]
    found = any(one in question.violation_answers for one in given) or (
        value is not None and question.violation_answers == ["*"]
    )
    raised = question.violation_code or (str(value) if found else "")
    mark = format_html("<strong>⚑ {}</strong>", raised) if found else ""
    return question.code, in_language(question.labels), answer_words(question, value), mark
