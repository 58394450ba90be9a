"""Form fields for texts in several languages.

The texts are stored as `{"kk": …, "ru": …, "en": …}`.
There is one input for each language of the desk, and a pair of inputs for any other language.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

TRANSLATED_FIELDS = frozenset({"names", "emergency_names", "titles", "labels", "hints", "texts", "address"})


class TranslatedTextWidget(forms.Widget):
    """Posts `<name>__<language>` for each language, and `<name>__other` with `<name>__other_text` for another."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        texts = value if isinstance(value, Mapping) else {}
        known = dict(settings.LANGUAGES)
        languages = [*known, *(language for language in texts if language not in known)]
        rows = format_html_join(
            "",
            '<p><label>{} <input type="text" class="vTextField" name="{}__{}" value="{}" lang="{}"></label></p>',
            ((known.get(one, one), name, one, texts.get(one, ""), one) for one in languages),
        )
        other = format_html(
            '<p><label>{} <input type="text" size="6" name="{}__other"></label> '
            '<input type="text" class="vTextField" name="{}__other_text" aria-label="{}"></p>',
            _("Other language"),
            name,
            name,
            _("Text in the other language"),
        )
        return format_html("<div>{}{}</div>", rows, other)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[str, str]:
        prefix = f"{name}__"
        texts = {key.removeprefix(prefix): data[key] for key in data if key.startswith(prefix)}
        other, other_text = texts.pop("other", ""), texts.pop("other_text", "")
        if other and other_text:
            texts[other.strip().lower()] = other_text
        cleaned = {language: text.replace("\0", "").strip() for language, text in texts.items()}
        return {language: text for language, text in cleaned.items() if text}

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}__") for key in data)


class TranslatedTextField(forms.Field):
    """A form field for texts by language, without empty ones."""

    widget = TranslatedTextWidget

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **options: Any) -> None:
        super().__init__(**options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or {}) != (data or {}))
