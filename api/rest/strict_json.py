"""The strict JSON parser of this API.

Refused as `malformed`: what is not UTF-8 or not JSON, nesting deeper than 32, NUL characters and lone surrogates
(raw or escaped: no database stores them), NaN and Infinity, numbers that no figure needs (exponents beyond 30,
integers beyond 30 digits), and duplicate keys, which two parsers may read differently. Whole numbers become `int`,
all others `Decimal`.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from django.utils.translation import gettext as _

from reports.problems import Rejected

MAX_DEPTH = 32
MAX_DIGITS = 30
MAX_EXPONENT = 30
MAX_NUMBER_LENGTH = 64

_SUSPECT_ESCAPE = re.compile(
    r"\\u(?:0000|[dD][89a-fA-F])"
)  # may be a NUL or half of a surrogate pair, or a valid emoji
_FORBIDDEN_CHARACTER = re.compile("[\x00\ud800-\udfff]")
# An unclosed string extends to the end of the text; otherwise each of its quotes would be tried as a start.
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a batch.

    Its exact bytes as received, and its value or the problem with it.
    """

    body: bytes
    value: Any = None
    problem: Rejected | None = None


def make_malformed(detail: str) -> Rejected:
    return Rejected("malformed", detail)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise make_malformed(_("A key is given twice in one object."))
    return value


def _parse_integer(text: str) -> int:
    if len(text) > MAX_DIGITS + (text[0] == "-"):
        raise make_malformed(_("A number is too large."))
    return int(text)


def _parse_decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise make_malformed(_("A number is too long."))
    _mantissa, mark, exponent = text.replace("E", "e").partition("e")
    if mark and (len(exponent) > 4 or abs(int(exponent)) > MAX_EXPONENT):
        raise make_malformed(_("A number is too large or too small."))
    number = Decimal(text)
    if number.adjusted() > MAX_EXPONENT:
        raise make_malformed(_("A number is too large or too small."))
    return number


def _reject_constant(text: str) -> None:
    raise make_malformed(_("%(text)s is not a JSON number.") % {"text": text})


_decoder = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=_parse_integer,
    parse_float=_parse_decimal,
    parse_constant=_reject_constant,
)


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses `body` as a JSON object. Raises Rejected `malformed`."""
    value = _decode_json(_decode_utf8(body))
    if not isinstance(value, dict):
        raise make_malformed(_("A JSON object is expected."))
    return value


def parse_batch(body: bytes, key: str) -> list[Element]:
    """Parses the list under `key` in the JSON object `body`.

    Returns its elements in order. An element that this parser refuses affects only itself, as long as its brackets
    and quotes show where it ends; this holds even for bytes that are no UTF-8. Raises Rejected `malformed` where
    the object around the list cannot be read, and `invalid_report` where it has no such list.
    """
    # Bytes that are no UTF-8 become lone surrogates, which are then refused in the element where they are.
    text = body.decode("utf-8", "surrogateescape")
    elements: list[Element] | None = None
    seen: set[str] = set()
    position = _skip_mark(text, 0, "{")
    if text[position : position + 1] == "}":
        position += 1
    else:
        while True:
            name, position = _read_key(text, position)
            if name in seen:
                raise make_malformed(_("A key is given twice in one object."))
            seen.add(name)
            if name == key and text[position : position + 1] == "[":
                elements, position = _read_elements(text, position)
            else:
                end = _find_value_end(text, position)
                _decode_json(text[position:end])
                position = end
            position = _skip_space(text, position)
            if text[position : position + 1] != ",":
                break
            position = _skip_space(text, position + 1)
        position = _skip_mark(text, position, "}", skip=False)
    if _skip_space(text, position) != len(text):
        raise make_malformed(_("Something follows the JSON object."))
    if elements is None:
        raise Rejected("invalid_report", _("A list is expected here."), key)
    return elements


def _decode_utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise make_malformed(_("Byte %(at)d is not UTF-8.") % {"at": error.start}) from None


def _decode_json(text: str) -> Any:
    if text.count("[") + text.count("{") > MAX_DEPTH:  # with fewer brackets it cannot be deeper
        _check_depth(text)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise make_malformed(
            _("This is not JSON: line %(line)d, column %(column)d.") % {"line": error.lineno, "column": error.colno}
        ) from None
    _check_texts(text, value)
    return value


def _check_texts(text: str, value: Any) -> None:
    if (_SUSPECT_ESCAPE.search(text) and _has_forbidden_text(value)) or (
        not text.isascii() and _FORBIDDEN_CHARACTER.search(text)
    ):
        raise make_malformed(_("A text contains a NUL character or half of a surrogate pair."))


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise make_malformed(_("The JSON is nested deeper than %(most)d.") % {"most": MAX_DEPTH})
        elif mark in ("]", "}"):
            depth -= 1


def _has_forbidden_text(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_FORBIDDEN_CHARACTER.search(value))
    if isinstance(value, dict):
        return any(_has_forbidden_text(key) or _has_forbidden_text(one) for key, one in value.items())
    if isinstance(value, list):
        return any(map(_has_forbidden_text, value))
    return False


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _skip_mark(text: str, position: int, mark: str, skip: bool = True) -> int:
    """Returns the position after `mark` and after the space that follows it."""
    position = _skip_space(text, position)
    if text[position : position + 1] != mark:
        raise make_malformed(_("The JSON around the list cannot be read."))
    return _skip_space(text, position + 1) if skip else position + 1


def _read_key(text: str, position: int) -> tuple[str, int]:
    """Reads a key of the outer object.

    Returns it and the position where its value begins.
    """
    if text[position : position + 1] != '"':
        raise make_malformed(_("The JSON around the list cannot be read."))
    try:
        name, position = scanstring(text, position + 1, True)
    except json.JSONDecodeError:
        raise make_malformed(_("The JSON around the list cannot be read.")) from None
    if _FORBIDDEN_CHARACTER.search(name):
        raise make_malformed(_("A text contains a NUL character or half of a surrogate pair."))
    return name, _skip_mark(text, position, ":")


def _find_value_end(text: str, position: int) -> int:
    """Finds where the value at `position` ends, by brackets and quotes alone."""
    if text[position : position + 1] not in ("[", "{", '"'):
        end = position
        while end < len(text) and text[end] not in ",]} \t\n\r":
            end += 1
        if end == position:
            raise make_malformed(_("The JSON around the list cannot be read."))
        return end
    depth = 0
    for found in _STRUCTURE.finditer(text, position):
        mark = found[0]
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        if depth == 0:
            return found.end()
    raise make_malformed(_("The JSON is not closed."))


def _read_elements(text: str, position: int) -> tuple[list[Element], int]:
    """Reads the list at `position`.

    Returns its elements and the position after it.
    """
    elements: list[Element] = []
    position = _skip_mark(text, position, "[")
    if text[position : position + 1] == "]":
        return elements, position + 1
    while True:
        element, position = _read_element(text, position)
        elements.append(element)
        position = _skip_space(text, position)
        if text[position : position + 1] == "]":
            return elements, position + 1
        position = _skip_mark(text, position, ",")


def _read_element(text: str, position: int) -> tuple[Element, int]:
    """Reads one element. Returns it and the position after it.

    Its end is found by parsing it, or where that fails by its brackets.
    """
    try:
        value, end = _decoder.raw_decode(text, position)
        source = text[position:end]
        if source.count("[") + source.count("{") > MAX_DEPTH:
            _check_depth(source)
        _check_texts(source, value)
        return Element(_encode_utf8(source), value), end
    except (Rejected, json.JSONDecodeError, RecursionError):
        end = _find_value_end(text, position)
        source = text[position:end]
    try:
        return Element(_encode_utf8(source), _decode_json(source)), end
    except Rejected as problem:
        return Element(_encode_utf8(source), problem=problem), end


def _encode_utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
