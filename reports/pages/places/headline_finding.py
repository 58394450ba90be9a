"""Which finding the map shows, and which others it could. A declared rule, on nobody's side. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.services.publishing.place_parts import Part


@dataclass(frozen=True)
class Choice:
    """A question of a stage, as its book tells it, whose answer is a finding."""

    stage: Mapping[str, Any]
    question: Mapping[str, Any]


def chosen(part: Part, stages: Sequence[Mapping[str, Any]], named: str) -> Choice | None:
    """The finding that the release names; else, of the stage with most reports, the one found at the largest
    share of stations, the earlier asked of two that are equal."""
    if named:
        code, _colon, asked = named.partition(":")
        if found := choice_of(stages, code, asked):
            return found
    best: tuple[float, Choice] | None = None
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
                best = share, Choice(stage, question)
        if best is not None:
            return best[1]
    return None


def choice_of(stages: Sequence[Mapping[str, Any]], stage: str, question: str) -> Choice | None:
    """The question of this code, where it can have a finding."""
    for one in stages:
        if one["code"] == stage:
            for asked in one["questions"]:
                if asked["code"] == question and (asked["findings"] or asked["type"] == "rating"):
                    return Choice(one, asked)
    return None
