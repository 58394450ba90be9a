"""A tally as flat lines, for adding up many of them fast. Pure; adds up to what `tally.merge` does.

A line is a path (the keys from the outside in, joined by NUL, which no stored JSON can hold) and what
stands there. Paths are interned: the children of one commission say much the same, and a text that
is the same object is found in a dictionary without comparing it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.services.figures.tally import Tally, numbers_joined

NUL = "\0"


@dataclass(frozen=True, slots=True)
class Flat:
    """The lines of one tally: whole numbers, decimal texts, and objects with nothing in them."""

    paths: tuple[str, ...]
    counts: tuple[int, ...]
    texts: tuple[tuple[str, str], ...] = ()
    empty: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths) + len(self.texts) + len(self.empty)


def flatten(tally: Mapping[str, Any]) -> Flat:
    paths: list[str] = []
    counts: list[int] = []
    texts: list[tuple[str, str]] = []
    empty: list[str] = []
    for path, value in _lines(tally, ""):
        name = sys.intern(path)
        if type(value) is int:
            paths.append(name)
            counts.append(value)
        elif isinstance(value, str):
            texts.append((name, value))
        else:
            empty.append(name)
    return Flat(tuple(paths), tuple(counts), tuple(texts), tuple(empty))


def _lines(tally: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in tally.items():
        if value and isinstance(value, dict):
            yield from _lines(value, f"{above}{key}{NUL}")
        else:
            yield above + key, value


class Total:
    """The sum of the tallies added to it, in any order."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._texts: dict[str, str] = {}
        self._empty: set[str] = set()

    def add(self, flat: Flat) -> None:
        counts = self._counts
        for path, n in zip(flat.paths, flat.counts, strict=True):
            counts[path] += n
        for path, text in flat.texts:
            mine = self._texts.get(path)
            self._texts[path] = text if mine is None else numbers_joined(path.rpartition(NUL)[2], mine, text)
        self._empty.update(flat.empty)

    def tally(self) -> Tally:
        """As a tally again; it shares nothing with what was added."""
        whole: Tally = {}
        objects: dict[str, Tally] = {"": whole}
        for path in self._empty:
            _object(path, objects)
        for lines in (self._counts, self._texts):
            for path, value in lines.items():
                above, _nul, key = path.rpartition(NUL)
                found = objects.get(above)
                (_object(above, objects) if found is None else found)[key] = value
        return whole


def _object(path: str, objects: dict[str, Tally]) -> Tally:
    """The object at `path`, made with those above it where it is not there yet."""
    found = objects.get(path)
    if found is None:
        above, _nul, key = path.rpartition(NUL)
        found = objects[path] = _object(above, objects)[key] = {}
    return found
