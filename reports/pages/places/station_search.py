"""Search for a station by number, name or address.

Every word of the query must match; a number matches whole numbers only.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from observer.words import get_translation
from reports.pages.http.formats import format_number
from reports.pages.places.source_choice import PageSource
from reports.services.publishing.sources import ReleaseFigures

MAX_RESULTS = 50
MAX_WORDS = 8
MAX_PREPARED_INDEXES = 4
_WORD = re.compile(r"\w+")


def build_search_context(source: PageSource, query: str) -> dict[str, Any]:
    """Build the template context of the search page.

    It has the query, at most MAX_RESULTS results, and the number of further results.
    """
    words = split_words(query)[:MAX_WORDS]
    figures = source.figures
    rows = list(find_matches(figures, words)) if words and isinstance(figures, ReleaseFigures) else []
    # An exact code comes first, before the codes that begin with it.
    rows.sort(key=lambda row: row[0].casefold() != query.strip().casefold())
    found, more = rows[:MAX_RESULTS], max(0, len(rows) - MAX_RESULTS)
    language, order = source.language, source.language_order
    return {
        "asked": query,
        "searched": bool(words),
        "found": [
            {
                "name": get_translation(names, language, order) or code,
                "address": get_translation(address, language, order),
                "code": code,
                "url": source.links.get_place_url(code),
            }
            for code, names, address, _station in found
        ],
        "more": format_number(more, language) if more else "",
        "here": source.links.get_page_url("search"),
    }


def split_words(text: str) -> list[str]:
    """Split a text into words: lower case, NFKC, without punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def find_matches(figures: ReleaseFigures, words: Sequence[str]) -> Iterator[Any]:
    """Find the rows that match every word.

    They are in the order of the tree.

    A number must match as a whole, so that 37 does not find 375; leading zeros are ignored.
    """
    patterns = [re.compile(rf"\b0*{word}\b" if word.isdigit() else rf"\b{re.escape(word)}") for word in words]
    for row, text in _get_search_index(figures):
        if all(pattern.search(text) for pattern in patterns):
            yield row


_prepared_indexes: dict[str, list[tuple[Any, str]]] = {}


def _get_search_index(figures: ReleaseFigures) -> list[tuple[Any, str]]:
    """Get the search rows, each with its searchable text.

    Kept in memory by the hash of the search part, which is the same in most releases.
    """
    sha256 = figures.get_part_hash("search")
    if sha256 not in _prepared_indexes:
        if len(_prepared_indexes) >= MAX_PREPARED_INDEXES:
            _prepared_indexes.clear()
        _prepared_indexes[sha256] = [
            (row, " ".join(split_words(" ".join([row[0], *row[1].values(), *row[2].values()]))))
            for row in figures.load_search_rows()
        ]
    return _prepared_indexes[sha256]
