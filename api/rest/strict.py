"""The one JSON parser of this API: bytes in, Python values out, and nothing that hurts later.

Refused as `malformed`: what is not UTF-8 or not JSON, nesting deeper than 32, NUL characters and
lone surrogates (raw or escaped: no database stores them), NaN and Infinity, numbers that no
figure needs (exponents beyond 30, integers beyond 30 digits), and duplicate keys, which two
readers read differently. Whole numbers come as `int`, all others as `Decimal`.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from django.utils.translation import gettext as _

from reports.problems import Rejected

DEPTH_MAX = 32
DIGITS_MAX = 30
EXPONENT_MAX = 30
NUMBER_LENGTH_MAX = 64

_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")  # maybe a NUL or half of a pair, maybe an innocent emoji
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
# A string that is never closed ends at the end: else each of its quotes would be tried as a beginning.
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a batch: its exact bytes as received, and its value or what is wrong with it."""

    body: bytes
    value: Any = None
    problem: Rejected | None = None


def malformed(detail: str) -> Rejected:
    return Rejected("malformed", detail)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed(_("A key is given twice in one object."))
    return found


def _whole(text: str) -> int:
    if len(text) > DIGITS_MAX + (text[0] == "-"):
        raise malformed(_("A number is too large."))
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_MAX:
        raise malformed(_("A number is too long."))
    _mantissa, mark, exponent = text.replace("E", "e").partition("e")
    if mark and (len(exponent) > 4 or abs(int(exponent)) > EXPONENT_MAX):
        raise malformed(_("A number is too large or too small."))
    number = Decimal(text)
    if number.adjusted() > EXPONENT_MAX:
        raise malformed(_("A number is too large or too small."))
    return number


def _constant(text: str) -> None:
    raise malformed(_("%(text)s is not a JSON number.") % {"text": text})


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)


def parse(body: bytes) -> dict[str, Any]:
    """The top-level object of `body`. Raises Rejected `malformed`."""
    value = _decode(_text(body))
    if not isinstance(value, dict):
        raise malformed(_("A JSON object is expected."))
    return value


def parse_batch(body: bytes, key: str) -> list[Element]:
    """The elements of the list `key` of the top-level object of `body`, in their order.

    An element that this parser refuses spoils only itself, as long as its brackets and quotes show
    where it ends; even bytes that are no UTF-8. Raises Rejected `malformed` for a wrapper that
    cannot be read, and `invalid_report` where it has no such list.
    """
    # Bytes that are no UTF-8 become lone surrogates, which are then refused where they stand.
    text = body.decode("utf-8", "surrogateescape")
    elements: list[Element] | None = None
    seen: set[str] = set()
    position = _after(text, 0, "{")
    if text[position : position + 1] == "}":
        position += 1
    else:
        while True:
            name, position = _name(text, position)
            if name in seen:
                raise malformed(_("A key is given twice in one object."))
            seen.add(name)
            if name == key and text[position : position + 1] == "[":
                elements, position = _elements(text, position)
            else:
                end = _end(text, position)
                _decode(text[position:end])
                position = end
            position = _space(text, position)
            if text[position : position + 1] != ",":
                break
            position = _space(text, position + 1)
        position = _after(text, position, "}", skip=False)
    if _space(text, position) != len(text):
        raise malformed(_("Something follows the JSON object."))
    if elements is None:
        raise Rejected("invalid_report", _("A list is expected here."), key)
    return elements


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise malformed(_("Byte %(at)d is not UTF-8.") % {"at": error.start}) from None


def _decode(text: str) -> Any:
    if text.count("[") + text.count("{") > DEPTH_MAX:  # fewer cannot be deeper
        _check_depth(text)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise malformed(
            _("This is not JSON: line %(line)d, column %(column)d.") % {"line": error.lineno, "column": error.colno}
        ) from None
    _check_texts(text, value)
    return value


def _check_texts(text: str, value: Any) -> None:
    if (_SUSPECT.search(text) and _forbids(value)) or (not text.isascii() and _FORBIDDEN.search(text)):
        raise malformed(_("A text contains a NUL character or half of a surrogate pair."))


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in ("[", "{"):
            depth += 1
            if depth > DEPTH_MAX:
                raise malformed(_("The JSON is nested deeper than %(most)d.") % {"most": DEPTH_MAX})
        elif mark in ("]", "}"):
            depth -= 1


def _forbids(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_FORBIDDEN.search(value))
    if isinstance(value, dict):
        return any(_forbids(key) or _forbids(one) for key, one in value.items())
    if isinstance(value, list):
        return any(map(_forbids, value))
    return False


def _space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _after(text: str, position: int, mark: str, skip: bool = True) -> int:
    """The place after `mark`, and after the space that follows it."""
    position = _space(text, position)
    if text[position : position + 1] != mark:
        raise malformed(_("The JSON around the list cannot be read."))
    return _space(text, position + 1) if skip else position + 1


def _name(text: str, position: int) -> tuple[str, int]:
    """A key of the wrapper, and the place where its value begins."""
    if text[position : position + 1] != '"':
        raise malformed(_("The JSON around the list cannot be read."))
    try:
        name, position = scanstring(text, position + 1, True)
    except json.JSONDecodeError:
        raise malformed(_("The JSON around the list cannot be read.")) from None
    if _FORBIDDEN.search(name):
        raise malformed(_("A text contains a NUL character or half of a surrogate pair."))
    return name, _after(text, position, ":")


def _end(text: str, position: int) -> int:
    """Where the value that begins at `position` ends, by its brackets and quotes alone."""
    if text[position : position + 1] not in ("[", "{", '"'):
        end = position
        while end < len(text) and text[end] not in ",]} \t\n\r":
            end += 1
        if end == position:
            raise malformed(_("The JSON around the list cannot be read."))
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
    raise malformed(_("The JSON is not closed."))


def _elements(text: str, position: int) -> tuple[list[Element], int]:
    """The elements of the list that begins at `position`, and the place after it."""
    elements: list[Element] = []
    position = _after(text, position, "[")
    if text[position : position + 1] == "]":
        return elements, position + 1
    while True:
        element, position = _element(text, position)
        elements.append(element)
        position = _space(text, position)
        if text[position : position + 1] == "]":
            return elements, position + 1
        position = _after(text, position, ",")


def _element(text: str, position: int) -> tuple[Element, int]:
    """One element and the place after it. Its end is found by reading it, or else by its brackets."""
    try:
        value, end = _decoder.raw_decode(text, position)
        own = text[position:end]
        if own.count("[") + own.count("{") > DEPTH_MAX:
            _check_depth(own)
        _check_texts(own, value)
        return Element(_bytes(own), value), end
    except (Rejected, json.JSONDecodeError, RecursionError):
        end = _end(text, position)
        own = text[position:end]
    try:
        return Element(_bytes(own), _decode(own)), end
    except Rejected as problem:
        return Element(_bytes(own), problem=problem), end


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
