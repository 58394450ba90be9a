"""A published checklist version as immutable values: what intake checks against and summaries count by.

Published versions never change, so one read serves the life of the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from threading import Lock
from typing import Any

from reports.models import Checklist, ChecklistVersion, Question

YES_NO = ("yes", "no", "not_observed", "not_applicable")
RATING = ("very_good", "good", "bad", "very_bad")
NEGATIVE = ("bad", "very_bad")


@dataclass(frozen=True)
class Field:
    """One question. `findings`: the answers that are a finding; `raises`: the code one raises.

    Where the answer itself is the violation code, `answer_is_code` is true and the two are empty.
    `phone_decides`: an XLSForm's condition says whether it is asked, and only the phone can judge it.
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
        """The questions that are asked only after another's answer."""
        return tuple(f for f in self.fields.values() if f.relevant_question)

    @cached_property
    def always(self) -> frozenset[str]:
        """Codes of the questions that are asked whatever was answered."""
        return frozenset(f.code for f in self.fields.values() if not f.relevant_question)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Codes of the questions that want an answer where they are asked, as far as we can judge."""
        return tuple(f.code for f in self.fields.values() if f.required and not f.phone_decides and f.type != "note")

    @cached_property
    def asks_for_violation(self) -> bool:
        return any(f.type == "violation" for f in self.fields.values())

    def asked(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The answers to questions that were asked. An answer to a question that was not is no answer.

        A condition on a question that was itself not asked does not hold, through any depth.
        """
        if not self.conditional:
            return dict(answers)
        verdicts: dict[str, bool] = {}

        def holds(field: Field, trail: tuple[str, ...] = ()) -> bool:
            if not field.relevant_question:
                return True
            if field.code not in verdicts:
                parent = self.fields.get(field.relevant_question)
                given = answers.get(field.relevant_question)
                listed = given if isinstance(given, list) else [given]
                verdicts[field.code] = (
                    parent is not None
                    and parent.code not in trail
                    and any(str(one) in field.relevant_answers for one in listed if one is not None)
                    and holds(parent, (*trail, field.code))
                )
            return verdicts[field.code]

        return {code: value for code, value in answers.items() if code in self.always or holds(self.fields[code])}


_by_id: dict[int, Form] = {}
_by_name: dict[tuple[int, str, int], Form] = {}
_lock = Lock()


def form_named(election_id: int, code: str, number: int) -> Form | None:
    """The published version `number` of checklist `code`, or None where there is no such."""
    found = _by_name.get((election_id, code, number))
    if found is None:
        version = (
            ChecklistVersion.objects.select_related("checklist")
            .filter(checklist__election=election_id, checklist__code=code, number=number, published_at__isnull=False)
            .first()
        )
        found = _remember(version) if version else None
    return found


def forms_of(version_ids: set[int]) -> dict[int, Form]:
    """Published versions by id."""
    missing = version_ids - _by_id.keys()
    if missing:
        for version in ChecklistVersion.objects.select_related("checklist").filter(pk__in=missing):
            _remember(version)
    return {key: _by_id[key] for key in version_ids}


def forget() -> None:
    """Empties the memory; for tests, whose databases begin anew with the same keys."""
    with _lock:
        _by_id.clear()
        _by_name.clear()


def _remember(version: ChecklistVersion) -> Form:
    form = _read(version, version.checklist)
    with _lock:
        _by_id[form.version_id] = form
        _by_name[(form.election_id, form.code, form.number)] = form
    return form


def _read(version: ChecklistVersion, checklist: Checklist) -> Form:
    return Form(
        version_id=version.pk,
        election_id=checklist.election_id,
        code=checklist.code,
        number=version.number,
        stage=checklist.stage,
        place=checklist.place,
        repeat=checklist.repeat,
        fields={question.code: _field(question) for question in version.questions.order_by("order", "pk")},
    )


def _field(question: Question) -> Field:
    choices = {"yes_no": YES_NO, "rating": RATING}.get(
        question.type, tuple(str(choice["code"]) for choice in question.choices)
    )
    raising = tuple(question.violation_answers)
    return Field(
        code=question.code,
        type=question.type,
        required=question.required,
        choices=choices,
        relevant_question=question.relevant_question,
        relevant_answers=tuple(question.relevant_answers),
        minimum=question.minimum,
        maximum=question.maximum,
        findings=() if raising == ("*",) else raising,
        raises=question.violation_code,
        answer_is_code=raising == ("*",),
        labels=question.labels,
        phone_decides=bool({"relevant", "required"} & (question.xlsform or {}).keys()),
    )
