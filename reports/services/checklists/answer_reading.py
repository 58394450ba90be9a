"""Reading answers against a published checklist, and finding violations in them.

A wrong *figure* is evidence and is accepted. An answer that cannot be read at all is refused, and
the error names its field. Pure: no database.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from reports.problems import Errors
from reports.services.checklists.compiled import Field, Form

MAX_TEXT_CHARACTERS = 20_000
MAX_FILES = 20
_PLAIN_NUMBER = re.compile(r"^[+-]?\d{1,15}(\.\d{1,12})?$", re.ASCII)


class InvalidAnswer(Exception):
    """An answer that cannot be read.

    `code` is stable, `detail` is for people.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def normalize_text(value: str) -> str:
    """Normalizes a text as it is stored: NFC, line ends LF, trimmed.

    So a retry from another keyboard has the same content.
    """
    return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip()


def parse_number(value: Any) -> Decimal:
    """Parses a number.

    It must be finite, with at most 15 digits before the point and 12 after it. Accepts int, float,
    Decimal and text. Raises InvalidAnswer.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise InvalidAnswer("wrong_type", _("A number is expected."))
    try:
        if isinstance(value, float):
            number = Decimal(str(value))  # as it was written, not the exact value of the binary fraction
        else:
            number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise InvalidAnswer("wrong_type", _("A number is expected.")) from None
    if not number.is_finite() or number.adjusted() > 15:
        raise InvalidAnswer("out_of_range", _("This number is too large."))
    plain = format(number.normalize() + 0, "f")
    if not _PLAIN_NUMBER.match(plain):
        raise InvalidAnswer("out_of_range", _("This number has too many digits."))
    return Decimal(plain)


def _read_text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidAnswer("wrong_type", _("A text is expected."))
    if len(value) > MAX_TEXT_CHARACTERS:
        raise InvalidAnswer("too_long", _("At most %(most)d characters.") % {"most": MAX_TEXT_CHARACTERS})
    return normalize_text(value)


def _read_choice(field: Field, value: Any) -> str:
    choice = _read_text(field, value)
    if choice and choice not in field.choices:
        raise InvalidAnswer(
            "unknown_choice", _("This is not one of the answers: %(answers)s.") % {"answers": ", ".join(field.choices)}
        )
    return choice


def _read_choices(field: Field, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidAnswer("wrong_type", _("A list of answers is expected."))
    return sorted({choice for choice in (_read_choice(field, item) for item in value) if choice})


def _read_integer(field: Field, value: Any) -> int | str:
    if value == "":
        return ""
    number = parse_number(value)
    if number != number.to_integral_value():
        raise InvalidAnswer("wrong_type", _("A whole number is expected."))
    return int(number)


def _read_decimal(field: Field, value: Any) -> str:
    # As text: a JSON number would be read from the database as a binary fraction.
    return "" if value == "" else format(parse_number(value), "f")


def _read_time(field: Field, value: Any) -> str:
    text = _read_text(field, value)
    if not text:
        return ""
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        raise InvalidAnswer("wrong_type", _("A time like 07:30 is expected.")) from None
    return parsed.replace(microsecond=0, tzinfo=None).isoformat("minutes" if parsed.second == 0 else "seconds")


def _read_date(field: Field, value: Any) -> str:
    text = _read_text(field, value)
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidAnswer("wrong_type", _("A date like 2022-11-20 is expected.")) from None


def _read_files(field: Field, value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    if len(names) > MAX_FILES:
        raise InvalidAnswer("too_long", _("At most %(most)d files.") % {"most": MAX_FILES})
    return sorted({name for name in (_read_text(field, item)[:200] for item in names) if name})


def _read_location(field: Field, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise InvalidAnswer("wrong_type", _("A place with lat and lon is expected."))
    lat, lon = parse_number(value.get("lat")), parse_number(value.get("lon"))
    if abs(lat) > 90 or abs(lon) > 180:
        raise InvalidAnswer("out_of_range", _("There is no such place on Earth."))
    place = {"lat": round(float(lat), 5), "lon": round(float(lon), 5)}
    if value.get("accuracy") is not None:
        place["accuracy"] = round(float(parse_number(value["accuracy"])), 1)
    return place


def _refuse_answer(field: Field, value: Any) -> str:
    raise InvalidAnswer("no_answer_expected", _("This is a note; it takes no answer."))


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "yes_no": _read_choice,
    "rating": _read_choice,
    "choice": _read_choice,
    "choices": _read_choices,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "text": _read_text,
    "time": _read_time,
    "date": _read_date,
    "photo": _read_files,
    "file": _read_files,
    "location": _read_location,
    "violation": _read_text,
    "note": _refuse_answer,
}


def read_answers(form: Form, raw: Mapping[str, Any], violation_codes: Collection[str] = ()) -> dict[str, Any]:
    """Reads answers into their stored form; absent and empty ones are left out.

    `violation_codes` are the election's; they are needed where the checklist asks for one. Raises
    Rejected `invalid_answers` with every wrong field, named `answers.CODE`.
    """
    answers: dict[str, Any] = {}
    errors = Errors()
    for code, value in raw.items():
        field = form.fields.get(code)
        if field is None:
            errors.add(f"answers.{code[:80]}", "unknown_question", _("This checklist has no such question."))
            continue
        if value is None:
            continue
        try:
            answer = _READERS[field.type](field, value)
        except InvalidAnswer as error:
            errors.add(f"answers.{code}", error.code, error.detail)
            continue
        if field.type == "violation" and answer and answer not in violation_codes:
            errors.add(f"answers.{code}", "unknown_choice", _("There is no such violation code."))
        elif answer != "" and answer != []:
            answers[code] = answer
    errors.raise_if_any("invalid_answers", _("Some answers cannot be read."))
    return answers


def find_missing_answers(form: Form, answers: Mapping[str, Any], codes_with_files: Collection[str] = ()) -> list[str]:
    """Lists the codes of required questions that were asked and not answered.

    `codes_with_files` are those of questions that have files instead of an answer.
    """
    missing = [code for code in form.required if code not in answers and code not in codes_with_files]
    if not missing:
        return []
    asked = form.filter_asked_answers({**dict.fromkeys(missing), **answers})
    return [code for code in missing if code in asked]


def find_answers_out_of_limits(form: Form, answers: Mapping[str, Any]) -> list[str]:
    """Lists the codes of numbers below their minimum or above their maximum.

    Such a number is evidence and no error.
    """
    found = []
    for code, value in answers.items():
        field = form.fields[code]
        if field.type not in ("integer", "decimal"):
            continue
        number = Decimal(value)
        if (field.minimum is not None and number < field.minimum) or (
            field.maximum is not None and number > field.maximum
        ):
            found.append(code)
    return found


def find_raised_violations(form: Form, answers: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Finds the violation codes that these answers raise, each with its questions' codes."""
    raised: dict[str, tuple[str, ...]] = {}
    for code, value in form.filter_asked_answers(answers).items():
        field = form.fields[code]
        given = value if isinstance(value, list) else (value,)
        if field.answer_is_code:
            codes = [str(item) for item in given]
        elif field.raises and any(item in field.findings for item in given):
            codes = [field.raises]
        else:
            continue
        for item in codes:
            raised[item] = (*raised.get(item, ()), code)
    return raised
