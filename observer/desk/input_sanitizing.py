"""Making keys, filters and texts from requests safe for database queries.

Anyone with a login can write any value into a URL. A value that no column can hold is replaced by one that
no row has, so it is answered like any unknown value.
"""

from typing import Any

from django.http import QueryDict

MAX_INTEGER = 2**63 - 1


def sanitize_value(value: Any) -> Any:
    """The value in a form that the database accepts.

    A number beyond 64 bits becomes the largest integer, and NUL becomes the replacement character U+FFFD.
    """
    text = str(value).replace("\0", "\ufffd")
    try:
        number = int(text)
    except ValueError:  # no number, or a number with thousands of digits
        return str(MAX_INTEGER) if text.isdecimal() else text
    if abs(number) <= MAX_INTEGER:
        return value if isinstance(value, int) else text
    return MAX_INTEGER if isinstance(value, int) else str(MAX_INTEGER)


def sanitize_query(query: QueryDict) -> QueryDict:
    """A copy of the query parameters with sanitized values."""
    sanitized = query.copy()
    for name, values in query.lists():
        sanitized.setlist(name, [sanitize_value(value) for value in values])
    sanitized._mutable = False
    return sanitized


def sanitize_text(posted: QueryDict) -> QueryDict:
    """A copy of the posted fields that text columns accept.

    Only NUL is replaced.
    """
    sanitized = posted.copy()
    for name, values in posted.lists():
        sanitized.setlist(name, [str(value).replace("\0", "\ufffd") for value in values])
    sanitized._mutable = False
    return sanitized
