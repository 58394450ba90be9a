"""A form, a phone and a submission without a database.

For tests of pure functions.
"""

from typing import Any

from observer.models import Device, Election, Observer
from reports.models import Question
from reports.services.checklists.compiled import Form, _build_field
from reports.services.intake.submission import Submission
from tests.support.intake import build_submission
from tests.support.world import PLACE, QUESTIONS, REPEAT, Phone, payload

VIOLATION_CODES = frozenset({"ACC-01", "ACC-03", "FRD-05"})


def build_form(questions: list[dict[str, Any]], code: str = "voting", number: int = 1) -> Form:
    """A form of these questions.

    As intake would load it from a published version.
    """
    fields = {}
    for question in questions:
        choices = [{"code": choice} for choice in question.get("choices", [])]
        fields[question["code"]] = _build_field(Question(**{**question, "choices": choices}))
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


FORMS = {code: build_form(questions, code) for code, questions in QUESTIONS.items()}


def build_phone(code: str = "OB-2222") -> Phone:
    election = Election(slug="test-2022")
    observer = Observer(code=code)
    return Phone(observer, Device(observer=observer, election=election), "")


def build_pure_submission(body: dict[str, Any], observer: str = "OB-2222") -> Submission:
    """The submission of a body.

    What the body leaves out has default values.
    """
    return build_submission(build_phone(observer), payload(body.get("checklist", {}).get("code", "voting")) | body)
