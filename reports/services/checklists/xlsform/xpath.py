"""The few XPath expressions that this platform understands itself; everything else is the phone's to judge. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal

_NAME = r"\$\{\s*([\w.\-]+)\s*\}"
_VALUE = r"""(?:'([^']*)'|"([^"]*)")"""
_EQUAL = re.compile(rf"{_NAME}\s*=\s*{_VALUE}")
_SELECTED = re.compile(rf"selected\(\s*{_NAME}\s*,\s*{_VALUE}\s*\)")
_OR = re.compile(r"\s+or\s+")
_AND = re.compile(r"\s+and\s+")
_LIMIT = re.compile(r"\.\s*(<=|>=)\s*(-?\d{1,14}(?:\.\d{1,6})?)")
REFERENCE = re.compile(_NAME)


def relevant_read(expression: str, multiple: Mapping[str, bool]) -> tuple[str, list[str]] | None:
    """A question's name and the answers after which another is asked; None for anything more than that.

    `multiple` has the names of the questions whose answers can be listed, and whether they take several.
    """
    names: set[str] = set()
    answers: list[str] = []
    for term in _OR.split(expression.strip()):
        found = _SELECTED.fullmatch(term) or _EQUAL.fullmatch(term)
        if found is None or found[1] not in multiple:
            return None
        if multiple[found[1]] and not term.startswith("selected"):
            return None  # "exactly this one", which relevant_if cannot say
        names.add(found[1])
        answers.append(found[2] if found[2] is not None else found[3])
    if len(names) != 1 or not all(answers) or any(" " in one for one in answers):
        return None
    return names.pop(), list(dict.fromkeys(answers))


def limits_read(expression: str) -> tuple[Decimal | None, Decimal | None] | None:
    """Least and greatest number that a constraint allows; None for any other constraint."""
    limits: dict[str, Decimal] = {}
    for term in _AND.split(expression.strip()):
        found = _LIMIT.fullmatch(term)
        if found is None or found[1] in limits:
            return None
        limits[found[1]] = Decimal(found[2])
    return limits.get(">="), limits.get("<=")


def references_renamed(expression: str, names: Mapping[str, str]) -> str:
    """The expression with `${old}` written as `${new}`."""
    return REFERENCE.sub(lambda found: f"${{{names.get(found[1], found[1])}}}", expression)


_TOKEN = re.compile(
    rf"""\s+|{_NAME}|{_VALUE}|\d+(?:\.\d*)?|\.\d+|(?P<open>\()|(?P<close>\))|(?P<operator><=|>=|!=|[=<>+*|,-])"""
    r"""|\.\.?|//?|[\[\]@]|[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?"""
)


def expression_is_whole(expression: str) -> bool:
    """Whether this can be XPath at all: known tokens, brackets and quotes closed, no operator at its end.

    A slip here would make the whole form fail to open on every phone. The phone's engine judges the rest.
    """
    place = depth = 0
    hanging = False
    while place < len(expression):
        found = _TOKEN.match(expression, place)
        if found is None or found.end() == place:
            return False
        place = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        if depth < 0:
            return False
        if not found[0].isspace():
            hanging = bool(found["operator"])
    return depth == 0 and not hanging
