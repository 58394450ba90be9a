"""The answers of a report as an HTML table.

Questions and answers are shown with their texts, findings are marked.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.models import Question, Report
from reports.services.checklists.answer_labels import format_answer


def render_answers_table(report: Report, questions: Iterable[Question]) -> SafeString:
    """A table of all questions of the report's checklist version.

    A question without an answer shows a dash.
    """
    rows = [_build_row(question, report.answers) for question in questions if question.type != Question.Type.NOTE]
    head = format_html("<tr><th>{}</th><th>{}</th><th>{}</th><th></th></tr>", _("Code"), _("Question"), _("Answer"))
    body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
    return format_html("<table>{}{}</table>", head, body)


def _build_row(question: Question, answers: Mapping[str, Any]) -> tuple[str, str, SafeString | str, SafeString | str]:
    value = answers.get(question.code)
    values = value if isinstance(value, list) else [value]
    is_finding = any(one in question.violation_answers for one in values) or (
        value is not None and question.violation_answers == ["*"]
    )
    violation_code = question.violation_code or (str(value) if is_finding else "")
    mark = format_html("<strong>⚑ {}</strong>", violation_code) if is_finding else ""
    return question.code, get_translation(question.labels), format_answer(question, value), mark
