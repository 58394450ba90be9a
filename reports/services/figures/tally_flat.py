"""Tallies as flat lines, for adding up many of them fast.

The sum is the same as with `tally.merge_tallies`. A line is a path and its value. The path is the
keys from the outside in, joined by NUL, which no stored JSON can hold. Paths are interned: the
children of one commission have mostly the same paths, and a dictionary finds a string that is the
same object without comparing its text. Pure: no database.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.services.figures.tally import Tally, merge_numbers

NUL = "\0"


@dataclass(frozen=True, slots=True)
class FlatTally:
    """The lines of one tally: integers, decimal texts and empty objects."""

    paths: tuple[str, ...]
    counts: tuple[int, ...]
    texts: tuple[tuple[str, str], ...] = ()
    empty: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths) + len(self.texts) + len(self.empty)


def flatten_tally(tally: Mapping[str, Any]) -> FlatTally:
    """Converts a tally to flat lines."""
    paths: list[str] = []
    counts: list[int] = []
    texts: list[tuple[str, str]] = []
    empty: list[str] = []
    for path, value in _iterate_lines(tally, ""):
        name = sys.intern(path)
        if type(value) is int:
            paths.append(name)
            counts.append(value)
        elif isinstance(value, str):
            texts.append((name, value))
        else:
            empty.append(name)
    return FlatTally(tuple(paths), tuple(counts), tuple(texts), tuple(empty))


def _iterate_lines(tally: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tally.items():
        if value and isinstance(value, dict):
            yield from _iterate_lines(value, f"{prefix}{key}{NUL}")
        else:
            yield prefix + key, value


class TallySum:
    """The sum of the tallies added to it, in any order."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._texts: dict[str, str] = {}
        self._empty: set[str] = set()

    def add(self, flat: FlatTally) -> None:
        counts = self._counts
        for path, n in zip(flat.paths, flat.counts, strict=True):
            counts[path] += n
        for path, text in flat.texts:
            known = self._texts.get(path)
            self._texts[path] = text if known is None else merge_numbers(path.rpartition(NUL)[2], known, text)
        self._empty.update(flat.empty)

    def build_tally(self) -> Tally:
        """Converts the sum to a tally.

        It shares no object with the tallies added.
        """
        whole: Tally = {}
        objects: dict[str, Tally] = {"": whole}
        for path in self._empty:
            _get_or_create_object(path, objects)
        for lines in (self._counts, self._texts):
            for path, value in lines.items():
                parent_path, _nul, key = path.rpartition(NUL)
                parent = objects.get(parent_path)
                (_get_or_create_object(parent_path, objects) if parent is None else parent)[key] = value
        return whole


def _get_or_create_object(path: str, objects: dict[str, Tally]) -> Tally:
    """Returns the object at `path`.

    Creates it and those above it where they are missing.
    """
    existing = objects.get(path)
    if existing is None:
        parent_path, _nul, key = path.rpartition(NUL)
        existing = objects[path] = _get_or_create_object(parent_path, objects)[key] = {}
    return existing
