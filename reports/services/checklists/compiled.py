"""Published checklist versions as immutable values, cached in the process.

Intake checks answers against them, and figures are counted with them. Published versions never
change, so each is read from the database once in the life of a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from threading import Lock
from typing import Any

from reports.models import Checklist, ChecklistVersion, Question

YES_NO_ANSWERS = ("yes", "no", "not_observed", "not_applicable")
RATING_ANSWERS = ("very_good", "good", "bad", "very_bad")
NEGATIVE_RATINGS = ("bad", "very_bad")


@dataclass(frozen=True)
class Field:
    """One question of a published checklist.

    `findings` are the answers that are a finding; `raises` is the violation code that a finding
    raises. Where the answer itself is the violation code, `answer_is_code` is true and these two are
    empty. `phone_decides`: whether it is asked depends on an XLSForm condition that only the phone can
    evaluate.
    """

    code: str
    type: str
    required: bool
    choices: tuple[str, ...]
    relevant_question: str
    relevant_answers: tuple[str, ...]
    minimum: Decimal | None
    maximum: Decimal | None
    findings: tuple[str, ...]
    raises: str
    answer_is_code: bool
    labels: Mapping[str, str]
    phone_decides: bool = False


@dataclass(frozen=True)
class Form:
    """One published version of one checklist."""

    version_id: int
    election_id: int
    code: str
    number: int
    stage: str
    place: str
    repeat: str
    fields: Mapping[str, Field]

    @cached_property
    def conditional(self) -> tuple[Field, ...]:
        """The questions that are asked only after a certain answer to another question."""
        return tuple(f for f in self.fields.values() if f.relevant_question)

    @cached_property
    def always_asked(self) -> frozenset[str]:
        """Codes of the questions that are always asked."""
        return frozenset(f.code for f in self.fields.values() if not f.relevant_question)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Codes of the questions that need an answer where asked.

        As far as the server can tell: questions that only the phone can judge are not among them.
        """
        return tuple(f.code for f in self.fields.values() if f.required and not f.phone_decides and f.type != "note")

    @cached_property
    def asks_for_violation(self) -> bool:
        return any(f.type == "violation" for f in self.fields.values())

    def filter_asked_answers(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the answers to questions that were asked; other answers do not count.

        A condition on a question that was itself not asked is false, at any depth.
        """
        if not self.conditional:
            return dict(answers)
        is_asked: dict[str, bool] = {}

        def check_asked(field: Field, path: tuple[str, ...] = ()) -> bool:
            if not field.relevant_question:
                return True
            if field.code not in is_asked:
                parent = self.fields.get(field.relevant_question)
                given = answers.get(field.relevant_question)
                given_answers = given if isinstance(given, list) else [given]
                is_asked[field.code] = (
                    parent is not None
                    and parent.code not in path
                    and any(str(answer) in field.relevant_answers for answer in given_answers if answer is not None)
                    and check_asked(parent, (*path, field.code))
                )
            return is_asked[field.code]

        return {
            code: value
            for code, value in answers.items()
            if code in self.always_asked or check_asked(self.fields[code])
        }


_forms_by_id: dict[int, Form] = {}
_forms_by_name: dict[tuple[int, str, int], Form] = {}
_lock = Lock()


def find_form(election_id: int, code: str, number: int) -> Form | None:
    """Finds the published version `number` of checklist `code`.

    Returns None where there is none.
    """
    found = _forms_by_name.get((election_id, code, number))
    if found is None:
        version = (
            ChecklistVersion.objects.select_related("checklist")
            .filter(checklist__election=election_id, checklist__code=code, number=number, published_at__isnull=False)
            .first()
        )
        found = _cache_form(version) if version else None
    return found


def load_forms(version_ids: set[int]) -> dict[int, Form]:
    """Loads published versions by their ids."""
    missing = version_ids - _forms_by_id.keys()
    if missing:
        for version in ChecklistVersion.objects.select_related("checklist").filter(pk__in=missing):
            _cache_form(version)
    return {key: _forms_by_id[key] for key in version_ids}


def clear_cache() -> None:
    """Empties the cache.

    For tests, because each test's database uses the same keys again.
    """
    with _lock:
        _forms_by_id.clear()
        _forms_by_name.clear()


def _cache_form(version: ChecklistVersion) -> Form:
    form = _build_form(version, version.checklist)
    with _lock:
        _forms_by_id[form.version_id] = form
        _forms_by_name[(form.election_id, form.code, form.number)] = form
    return form


def _build_form(version: ChecklistVersion, checklist: Checklist) -> Form:
    return Form(
        version_id=version.pk,
        election_id=checklist.election_id,
        code=checklist.code,
        number=version.number,
        stage=checklist.stage,
        place=checklist.place,
        repeat=checklist.repeat,
        fields={question.code: _build_field(question) for question in version.questions.order_by("order", "pk")},
    )


def _build_field(question: Question) -> Field:
    choices = {"yes_no": YES_NO_ANSWERS, "rating": RATING_ANSWERS}.get(
        question.type, tuple(str(choice["code"]) for choice in question.choices)
    )
    raising_answers = tuple(question.violation_answers)
    return Field(
        code=question.code,
        type=question.type,
        required=question.required,
        choices=choices,
        relevant_question=question.relevant_question,
        relevant_answers=tuple(question.relevant_answers),
        minimum=question.minimum,
        maximum=question.maximum,
        findings=() if raising_answers == ("*",) else raising_answers,
        raises=question.violation_code,
        answer_is_code=raising_answers == ("*",),
        labels=question.labels,
        phone_decides=bool({"relevant", "required"} & (question.xlsform or {}).keys()),
    )
