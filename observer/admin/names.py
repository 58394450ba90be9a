"""Editing `{"kk": …, "ru": …, "en": …}`: one input a language, and a free pair for any other."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

NAMES = frozenset({"names", "emergency_names", "titles", "labels", "hints", "texts", "address"})


class NamesWidget(forms.Widget):
    """Posts `<name>__<language>` for each language, and `<name>__other` with `<name>__other_text`."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        words = value if isinstance(value, Mapping) else {}
        known = dict(settings.LANGUAGES)
        languages = [*known, *(language for language in words if language not in known)]
        rows = format_html_join(
            "",
            '<p><label>{} <input type="text" class="vTextField" name="{}__{}" value="{}" lang="{}"></label></p>',
            ((known.get(one, one), name, one, words.get(one, ""), one) for one in languages),
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
        start = f"{name}__"
        own = {key.removeprefix(start): data[key] for key in data if key.startswith(start)}
        other, text = own.pop("other", ""), own.pop("other_text", "")
        if other and text:
            own[other.strip().lower()] = text
        clean = {language: text.replace("\0", "").strip() for language, text in own.items()}
        return {language: text for language, text in clean.items() if text}

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}__") for key in data)


class NamesField(forms.Field):
    """A form field whose value is a text by language, without the empty ones."""

    widget = NamesWidget

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **options: Any) -> None:
        super().__init__(**options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or {}) != (data or {}))
