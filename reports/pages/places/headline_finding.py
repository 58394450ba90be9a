"""Choice of the headline finding, which a page's map shows. Pure.

The rule is declared and neutral.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.services.publishing.place_parts import Part


@dataclass(frozen=True)
class FindingChoice:
    """A question with a finding, and its stage.

    Both as in the codebook.
    """

    stage: Mapping[str, Any]
    question: Mapping[str, Any]


def choose_headline_finding(
    part: Part, stages: Sequence[Mapping[str, Any]], release_finding: str
) -> FindingChoice | None:
    """Choose the headline finding.

    It is the one that the release names (`release_finding`, as `stage:question`), else the one by the rule.

    Of the stages that have a finding, the rule takes the one with the most reports, and of its findings the one
    at the largest share of stations; of two equal ones, the one that is asked first.
    """
    if release_finding:
        code, _colon, question_code = release_finding.partition(":")
        if found := find_finding_choice(stages, code, question_code):
            return found
    best: tuple[float, FindingChoice] | None = None
    by_reports = sorted(stages, key=lambda stage: -part["stages"].get(stage["code"], {}).get("reports", 0))
    for stage in by_reports:
        figures = part["stages"].get(stage["code"], {}).get("questions", {})
        for question in stage["questions"]:
            record = figures.get(question["code"], {})
            stations = record.get("stations")
            if question["type"] != "yes_no" or not question["findings"] or not stations or not sum(stations.values()):
                continue
            share = stations[question["findings"][0]] / sum(stations.values())
            if best is None or share > best[0]:
                best = share, FindingChoice(stage, question)
        if best is not None:
            return best[1]
    return None


def find_finding_choice(stages: Sequence[Mapping[str, Any]], stage: str, question: str) -> FindingChoice | None:
    """Find the question of this code.

    None where it cannot have a finding.
    """
    for one in stages:
        if one["code"] == stage:
            for candidate in one["questions"]:
                if candidate["code"] == question and (candidate["findings"] or candidate["type"] == "rating"):
                    return FindingChoice(one, candidate)
    return None
