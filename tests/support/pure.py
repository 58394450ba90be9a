"""A form, a phone and a submission without a database, for what is pure."""

from typing import Any

from observer.models import Device, Election, Observer
from reports.models import Question
from reports.services.checklists.compiled import Form, _field
from reports.services.intake.submission import Submission
from tests.support.door import submission
from tests.support.world import PLACE, QUESTIONS, REPEAT, Phone, payload

VIOLATION_CODES = frozenset({"ACC-01", "ACC-03", "FRD-05"})


def form_of(questions: list[dict[str, Any]], code: str = "voting", number: int = 1) -> Form:
    """These questions as intake would read them from a published version."""
    fields = {}
    for question in questions:
        choices = [{"code": choice} for choice in question.get("choices", [])]
        fields[question["code"]] = _field(Question(**{**question, "choices": choices}))
    return Form(
        version_id=1,
        election_id=1,
        code=code,
        number=number,
        stage=code,
        place=PLACE.get(code, "precinct"),
        repeat=REPEAT.get(code, "visit"),
        fields=fields,
    )


FORMS = {code: form_of(questions, code) for code, questions in QUESTIONS.items()}


def phone(code: str = "OB-2222") -> Phone:
    election = Election(slug="test-2022")
    observer = Observer(code=code)
    return Phone(observer, Device(observer=observer, election=election), "")


def spoken(body: dict[str, Any], observer: str = "OB-2222") -> Submission:
    """The submission of a body that leaves out what does not matter."""
    return submission(phone(observer), payload(body.get("checklist", {}).get("code", "voting")) | body)
