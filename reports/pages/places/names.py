"""Names of codes, parsed from an election's codebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from observer.words import TranslatedText


@dataclass(frozen=True)
class CodebookQuestion:
    """A question in its latest published wording.

    `findings`: the answers that are a finding.
    """

    code: str
    type: str
    labels: TranslatedText
    choices: Mapping[str, TranslatedText]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class CodebookViolationType:
    """A violation type."""

    code: str
    names: TranslatedText
    severity: str


@dataclass(frozen=True)
class CodebookViolationGroup:
    """A group of violation types, in their order."""

    names: TranslatedText
    types: tuple[CodebookViolationType, ...]


@dataclass(frozen=True)
class CodebookStage:
    """A stage with its titles and questions.

    `questions`: by code, in the order they are asked.
    """

    titles: TranslatedText
    questions: dict[str, CodebookQuestion] = field(default_factory=dict)


def parse_stages(rows: Sequence[Mapping[str, Any]]) -> dict[str, CodebookStage]:
    """Parse the `stages` of a codebook (`services/publishing/codebook.py`), by code."""
    return {
        row["code"]: CodebookStage(
            row["titles"],
            {
                one["code"]: CodebookQuestion(
                    one["code"], one["type"], one["labels"], dict(one["choices"]), tuple(one["findings"])
                )
                for one in row["questions"]
            },
        )
        for row in rows
    }


def parse_violation_groups(rows: Sequence[Mapping[str, Any]]) -> list[CodebookViolationGroup]:
    """Parse the violation `groups` of a codebook."""
    return [
        CodebookViolationGroup(
            row["names"],
            tuple(CodebookViolationType(one["code"], one["names"], one["severity"]) for one in row["types"]),
        )
        for row in rows
    ]
