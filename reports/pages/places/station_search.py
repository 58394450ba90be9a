"""Finding a station by its number, its name or its address: every word must be met, numbers as whole numbers."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from observer.words import in_language
from reports.pages.http.formats import number
from reports.pages.places.source_choice import Opened
from reports.services.publishing.sources import Released

SHOWN = 50
WORDS_MAX = 8
KEPT = 4
_WORD = re.compile(r"\w+")


def search_context(opened: Opened, asked: str) -> dict[str, Any]:
    """What was asked, what was found, and how much more there is."""
    words = words_of(asked)[:WORDS_MAX]
    figures = opened.figures
    lines = list(matches(figures, words)) if words and isinstance(figures, Released) else []
    # Whoever writes a whole code means that one, not all whose codes begin so.
    lines.sort(key=lambda line: line[0].casefold() != asked.strip().casefold())
    found, more = lines[:SHOWN], max(0, len(lines) - SHOWN)
    language, order = opened.language, opened.order
    return {
        "asked": asked,
        "searched": bool(words),
        "found": [
            {
                "name": in_language(names, language, order) or code,
                "address": in_language(address, language, order),
                "code": code,
                "url": opened.links.place(code),
            }
            for code, names, address, _station in found
        ],
        "more": number(more, language) if more else "",
        "here": opened.links.page("search"),
    }


def words_of(text: str) -> list[str]:
    """Lower case, composed, without signs."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def matches(figures: Released, words: Sequence[str]) -> Iterator[Any]:
    """In the order of the tree; a number must be met whole, so that 37 does not find 375."""
    patterns = [re.compile(rf"\b0*{word}\b" if word.isdigit() else rf"\b{re.escape(word)}") for word in words]
    for line, text in _texts(figures):
        if all(pattern.search(text) for pattern in patterns):
            yield line


_prepared: dict[str, list[tuple[Any, str]]] = {}


def _texts(figures: Released) -> list[tuple[Any, str]]:
    """Each line with all that can be met in it; kept by its content's name, which most releases share."""
    name = figures.name_of("search")
    if name not in _prepared:
        if len(_prepared) >= KEPT:
            _prepared.clear()
        _prepared[name] = [
            (line, " ".join(words_of(" ".join([line[0], *line[1].values(), *line[2].values()]))))
            for line in figures.search_lines()
        ]
    return _prepared[name]
