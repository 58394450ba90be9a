"""Texts in several languages, and validation of mirror addresses.

The texts are stored as `{"kk": …, "ru": …, "en": …}`.
"""

import re
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

TranslatedText = Mapping[str, str]
# Plain HTTP is allowed for this machine only, where browsers regard it as safe too.
_ORIGIN_PATTERN = re.compile(
    r"(?:https://[a-z0-9](?:[a-z0-9.\-]{0,250}[a-z0-9])?|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?"
)


def get_translation(texts: TranslatedText, language: str | None = None, order: Sequence[str] = ()) -> str:
    """The text in a language, or the best replacement.

    It is the text in `language`, else in the first of `order` that has one, else in any language.
    `language` is by default the current one. The result is "" only if no language has a text: a missing translation
    must not hide a name.
    """
    for code in (language or get_language() or "", *order):
        if texts.get(code):
            return texts[code]
    return next((text for text in texts.values() if text), "")


def is_origin(value: object) -> bool:
    """Whether the value is an origin like `https://mirror.example:8443`.

    It has no path, and is written as browsers write it.
    """
    return isinstance(value, str) and _ORIGIN_PATTERN.fullmatch(value) is not None


def validate_origins(value: object) -> None:
    """Validates that the value is a list of origins.

    They are put into HTTP headers unchanged.
    """
    wrong = [one for one in value if not is_origin(one)] if isinstance(value, list) else [value]
    if wrong:
        raise ValidationError(
            _("Not an address like https://mirror.example, without a path: %(value)s"), params={"value": wrong[0]}
        )


origins_valid = validate_origins  # the name in migration observer.0003_phone
