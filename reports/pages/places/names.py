"""What the figures' codes are called, as values, from a book of the election."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from observer.words import Words


@dataclass(frozen=True)
class Asked:
    """A question in its latest published wording. `findings`: the answers that are a finding."""

    code: str
    type: str
    labels: Words
    choices: Mapping[str, Words]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A violation type."""

    code: str
    names: Words
    severity: str


@dataclass(frozen=True)
class Group:
    """Violation types that belong together, in their order."""

    names: Words
    types: tuple[Kind, ...]


@dataclass(frozen=True)
class Stage:
    """What is observed at one stage: its name, and its questions in the order they are asked."""

    titles: Words
    questions: dict[str, Asked] = field(default_factory=dict)


def stages_from(rows: Sequence[Mapping[str, Any]]) -> dict[str, Stage]:
    """Of a book's `stages` (`services/book.py`)."""
    return {
        row["code"]: Stage(
            row["titles"],
            {
                one["code"]: Asked(
                    one["code"], one["type"], one["labels"], dict(one["choices"]), tuple(one["findings"])
                )
                for one in row["questions"]
            },
        )
        for row in rows
    }


def groups_from(rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Of a book's `groups`."""
    return [
        Group(row["names"], tuple(Kind(one["code"], one["names"], one["severity"]) for one in row["types"]))
        for row in rows
    ]
