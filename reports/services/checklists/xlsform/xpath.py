"""The few XPath expressions that the server understands.

All others are evaluated on the phone only. Pure: no database.
"""

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
REFERENCE_PATTERN = re.compile(_NAME)


def parse_relevant(expression: str, multiple: Mapping[str, bool]) -> tuple[str, list[str]] | None:
    """Parses a condition into a question's name and its answers.

    Another question is asked after one of these answers. Returns None for any other expression.
    `multiple`: the names of the questions whose answers can be listed, and whether each takes several
    answers.
    """
    names: set[str] = set()
    answers: list[str] = []
    for term in _OR.split(expression.strip()):
        found = _SELECTED.fullmatch(term) or _EQUAL.fullmatch(term)
        if found is None or found[1] not in multiple:
            return None
        if multiple[found[1]] and not term.startswith("selected"):
            return None  # it means "exactly this answer", which `relevant_answers` cannot express
        names.add(found[1])
        answers.append(found[2] if found[2] is not None else found[3])
    if len(names) != 1 or not all(answers) or any(" " in one for one in answers):
        return None
    return names.pop(), list(dict.fromkeys(answers))


def parse_limits(expression: str) -> tuple[Decimal | None, Decimal | None] | None:
    """Parses a constraint into the least and greatest number allowed.

    Returns None for any other constraint.
    """
    limits: dict[str, Decimal] = {}
    for term in _AND.split(expression.strip()):
        found = _LIMIT.fullmatch(term)
        if found is None or found[1] in limits:
            return None
        limits[found[1]] = Decimal(found[2])
    return limits.get(">="), limits.get("<=")


def rename_references(expression: str, names: Mapping[str, str]) -> str:
    """Replaces `${old}` by `${new}` in an expression.

    `names` are the new names by the old ones.
    """
    return REFERENCE_PATTERN.sub(lambda found: f"${{{names.get(found[1], found[1])}}}", expression)


_TOKEN = re.compile(
    rf"""\s+|{_NAME}|{_VALUE}|\d+(?:\.\d*)?|\.\d+|(?P<open>\()|(?P<close>\))|(?P<operator><=|>=|!=|[=<>+*|,-])"""
    r"""|\.\.?|//?|[\[\]@]|[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?"""
)


def is_complete_expression(expression: str) -> bool:
    """Whether an expression can be XPath.

    It has only known tokens, its brackets and quotes are closed, and no operator is at its end. A
    syntax error here would make the whole form fail to open on every phone. The phone's engine checks
    the rest.
    """
    position = depth = 0
    ends_with_operator = False
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None or found.end() == position:
            return False
        position = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        if depth < 0:
            return False
        if not found[0].isspace():
            ends_with_operator = bool(found["operator"])
    return depth == 0 and not ends_with_operator
