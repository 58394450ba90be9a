"""What the desk makes of addresses that strangers to it wrote.

Keys and filters come from addresses, so anyone with a login may write anything there. What no
column could hold is asked for as something that no row is, and so answered as any unknown thing.
"""

from typing import Any

from django.http import QueryDict

GREATEST = 2**63 - 1


def askable(value: Any) -> Any:
    """`value` as a database takes it: a number beyond 64 bits becomes the greatest, NUL a replacement character."""
    text = str(value).replace("\0", "\ufffd")
    try:
        number = int(text)
    except ValueError:  # no number, or one of thousands of digits
        return str(GREATEST) if text.isdecimal() else text
    if abs(number) <= GREATEST:
        return value if isinstance(value, int) else text
    return GREATEST if isinstance(value, int) else str(GREATEST)


def query_askable(query: QueryDict) -> QueryDict:
    asked = query.copy()
    for name, values in query.lists():
        asked.setlist(name, [askable(value) for value in values])
    asked._mutable = False
    return asked


def words_askable(posted: QueryDict) -> QueryDict:
    """What was typed, as a text column takes it: only NUL, which none could hold, is replaced."""
    typed = posted.copy()
    for name, values in posted.lists():
        typed.setlist(name, [str(value).replace("\0", "\ufffd") for value in values])
    typed._mutable = False
    return typed
