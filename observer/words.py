"""Texts in several languages: `{"kk": …, "ru": …, "en": …}`, and choosing one of them."""

from collections.abc import Mapping, Sequence

from django.utils.translation import get_language

Words = Mapping[str, str]


def in_language(words: Words, language: str | None = None, order: Sequence[str] = ()) -> str:
    """The text in `language` (default: the reader's), else in the first of `order`, else any that is there.

    Never empty while any language has a text: a missing translation must not hide a name.
    """
    for wanted in (language or get_language() or "", *order):
        if words.get(wanted):
            return words[wanted]
    return next((text for text in words.values() if text), "")
