"""Labels of answers, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from observer.words import get_translation
from reports.models import Question

# Of the answers that every checklist shares.
SHARED_ANSWER_LABELS = {
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "not_observed": gettext_lazy("not observed"),
    "not_applicable": gettext_lazy("not applicable"),
    "very_good": gettext_lazy("very good"),
    "good": gettext_lazy("good"),
    "bad": gettext_lazy("bad"),
    "very_bad": gettext_lazy("very bad"),
}


def format_answer(question: Question, value: Any) -> str:
    """Formats one answer as text; an em dash where there is none."""
    if value is None:
        return "—"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    if isinstance(value, list):
        return ", ".join(format_answer(question, item) for item in value)
    labels = {str(choice["code"]): get_translation(choice.get("labels", {})) for choice in question.choices}
    if question.type in (Question.Type.YES_NO, Question.Type.RATING):
        return str(SHARED_ANSWER_LABELS.get(str(value), value))
    return labels.get(str(value)) or str(value)
