"""The words of the answers that every checklist shares, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from observer.words import in_language
from reports.models import Question

ANSWERS = {
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "not_observed": gettext_lazy("not observed"),
    "not_applicable": gettext_lazy("not applicable"),
    "very_good": gettext_lazy("very good"),
    "good": gettext_lazy("good"),
    "bad": gettext_lazy("bad"),
    "very_bad": gettext_lazy("very bad"),
}


def answer_words(question: Question, value: Any) -> str:
    """One answer in words; an em dash where there is none."""
    if value is None:
        return "—"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    if isinstance(value, list):
        return ", ".join(answer_words(question, one) for one in value)
    labels = {str(choice["code"]): in_language(choice.get("labels", {})) for choice in question.choices}
    if question.type in (Question.Type.YES_NO, Question.Type.RATING):
        return str(ANSWERS.get(str(value), value))
    return labels.get(str(value)) or str(value)
