"""Texts in several languages: `{"kk": …, "ru": …, "en": …}`, and choosing one of them; addresses as they are declared."""

import re
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

Words = Mapping[str, str]
# Plain HTTP is for this machine only, where browsers take it for safe too.
_ORIGIN = re.compile(
    r"(?:https://[a-z0-9](?:[a-z0-9.\-]{0,250}[a-z0-9])?|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?"
)


def in_language(words: Words, language: str | None = None, order: Sequence[str] = ()) -> str:
    """The text in `language` (default: the reader's), else in the first of `order`, else any that is there.

    Never empty while any language has a text: a missing translation must not hide a name.
    """
    for wanted in (language or get_language() or "", *order):
        if words.get(wanted):
            return words[wanted]
    return next((text for text in words.values() if text), "")


def is_origin(value: object) -> bool:
    """Whether it is an address like `https://mirror.example:8443`, without a path, as browsers write it."""
    return isinstance(value, str) and _ORIGIN.fullmatch(value) is not None


def origins_valid(value: object) -> None:
    """A field's validator: a list of origins. They go into headers as they are."""
    wrong = [one for one in value if not is_origin(one)] if isinstance(value, list) else [value]
    if wrong:
        raise ValidationError(
            _("Not an address like https://mirror.example, without a path: %(value)s"), params={"value": wrong[0]}
        )
