"""Reading answers against a published form, and what they say: pure, no database.

A wrong *figure* is evidence and passes; what cannot be read at all is refused with its field.
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

TEXT_MAX = 20_000
FILES_MAX = 20
_PLAIN_NUMBER = re.compile(r"^[+-]?\d{1,15}(\.\d{1,12})?$", re.ASCII)


class Unfit(Exception):
    """An answer of the wrong kind: a stable code and words for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def text_clean(value: str) -> str:
    """NFC, line ends LF, trimmed: how every text is stored, so that a retry by another keyboard is the same."""
    return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip()


def number_plain(value: Any) -> Decimal:
    """A finite number of at most 15 digits before and 12 after the point, whatever way it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Unfit("wrong_type", _("A number is expected."))
    try:
        if isinstance(value, float):
            number = Decimal(str(value))  # as it was written, not its binary neighbour
        else:
            number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise Unfit("wrong_type", _("A number is expected.")) from None
    if not number.is_finite() or number.adjusted() > 15:
        raise Unfit("out_of_range", _("This number is too large."))
    plain = format(number.normalize() + 0, "f")
    if not _PLAIN_NUMBER.match(plain):
        raise Unfit("out_of_range", _("This number has too many digits."))
    return Decimal(plain)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit("wrong_type", _("A text is expected."))
    if len(value) > TEXT_MAX:
        raise Unfit("too_long", _("At most %(most)d characters.") % {"most": TEXT_MAX})
    return text_clean(value)


def _choice(field: Field, value: Any) -> str:
    chosen = _text(field, value)
    if chosen and chosen not in field.choices:
        raise Unfit(
            "unknown_choice", _("This is not one of the answers: %(answers)s.") % {"answers": ", ".join(field.choices)}
        )
    return chosen


def _choices(field: Field, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unfit("wrong_type", _("A list of answers is expected."))
    return sorted({chosen for chosen in (_choice(field, one) for one in value) if chosen})


def _integer(field: Field, value: Any) -> int | str:
    if value == "":
        return ""
    number = number_plain(value)
    if number != number.to_integral_value():
        raise Unfit("wrong_type", _("A whole number is expected."))
    return int(number)


def _decimal(field: Field, value: Any) -> str:
    # As text: a JSON number would come back from the database as a binary fraction.
    return "" if value == "" else format(number_plain(value), "f")


def _time(field: Field, value: Any) -> str:
    given = _text(field, value)
    if not given:
        return ""
    try:
        parsed = time.fromisoformat(given)
    except ValueError:
        raise Unfit("wrong_type", _("A time like 07:30 is expected.")) from None
    return parsed.replace(microsecond=0, tzinfo=None).isoformat("minutes" if parsed.second == 0 else "seconds")


def _date(field: Field, value: Any) -> str:
    given = _text(field, value)
    if not given:
        return ""
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise Unfit("wrong_type", _("A date like 2022-11-20 is expected.")) from None


def _files(field: Field, value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    if len(names) > FILES_MAX:
        raise Unfit("too_long", _("At most %(most)d files.") % {"most": FILES_MAX})
    return sorted({name for name in (_text(field, one)[:200] for one in names) if name})


def _location(field: Field, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise Unfit("wrong_type", _("A place with lat and lon is expected."))
    lat, lon = number_plain(value.get("lat")), number_plain(value.get("lon"))
    if abs(lat) > 90 or abs(lon) > 180:
        raise Unfit("out_of_range", _("There is no such place on Earth."))
    place = {"lat": round(float(lat), 5), "lon": round(float(lon), 5)}
    if value.get("accuracy") is not None:
        place["accuracy"] = round(float(number_plain(value["accuracy"])), 1)
    return place


def _nothing(field: Field, value: Any) -> str:
    raise Unfit("no_answer_expected", _("This is a note; it takes no answer."))


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "yes_no": _choice,
    "rating": _choice,
    "choice": _choice,
    "choices": _choices,
    "integer": _integer,
    "decimal": _decimal,
    "text": _text,
    "time": _time,
    "date": _date,
    "photo": _files,
    "file": _files,
    "location": _location,
    "violation": _text,
    "note": _nothing,
}


def answers_read(form: Form, raw: Mapping[str, Any], violation_codes: Collection[str] = ()) -> dict[str, Any]:
    """The answers in their stored form; absent and empty ones are left out.

    `violation_codes` are the election's, needed where the form asks for one. Raises Rejected
    `invalid_answers` with every wrong field, as `answers.CODE`.
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
            read = _READERS[field.type](field, value)
        except Unfit as unfit:
            errors.add(f"answers.{code}", unfit.code, unfit.detail)
            continue
        if field.type == "violation" and read and read not in violation_codes:
            errors.add(f"answers.{code}", "unknown_choice", _("There is no such violation code."))
        elif read != "" and read != []:
            answers[code] = read
    errors.raise_if_any("invalid_answers", _("Some answers cannot be read."))
    return answers


def answers_missing(form: Form, answers: Mapping[str, Any], photographed: Collection[str] = ()) -> list[str]:
    """Codes of required questions that were asked and not answered; `photographed` have files instead."""
    missing = [code for code in form.required if code not in answers and code not in photographed]
    if not missing:
        return []
    asked = form.asked({**dict.fromkeys(missing), **answers})
    return [code for code in missing if code in asked]


def answers_out_of_limits(form: Form, answers: Mapping[str, Any]) -> list[str]:
    """Codes of numbers below their minimum or above their maximum. Evidence, not an error."""
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


def findings(form: Form, answers: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Violation codes that these answers raise, each with the questions that raise it."""
    raised: dict[str, tuple[str, ...]] = {}
    for code, value in form.asked(answers).items():
        field = form.fields[code]
        given = value if isinstance(value, list) else (value,)
        if field.answer_is_code:
            codes = [str(one) for one in given]
        elif field.raises and any(one in field.findings for one in given):
            codes = [field.raises]
        else:
            continue
        for one in codes:
            raised[one] = (*raised.get(one, ()), code)
    return raised
