"""Codebook: names of an election's codes, as JSON.

It has the questions by stage, the violations by group, and the levels.

Live pages load it from the database; a release stores it as it was.
"""

from collections import defaultdict
from typing import Any

from observer.models import Election, Level
from reports.models import Checklist, Question, ViolationGroup, ViolationType

Codebook = dict[str, Any]


def load_codebook(election: Election) -> Codebook:
    """Load an election's codebook.

    It has the `stages` in the order of the checklists, the violation `groups` in their order, the `levels`
    and the election's names.
    """
    return {
        "election": {
            "slug": election.slug,
            "names": election.names,
            "date": str(election.date),
            "languages": list(election.languages),
            "timezone": election.timezone,
        },
        # Whether the stations are a random sample: only then do the figures describe more than those observed.
        "sample": bool(election.rules.get("sample")),
        "levels": [
            {"code": level.code, "kind": level.kind, "names": level.names}
            for level in Level.objects.filter(election=election).order_by("order")
        ],
        "stages": load_stages(election),
        "groups": load_violation_groups(election),
    }


def load_stages(election: Election) -> list[dict[str, Any]]:
    """Load the stages with their questions. Two queries.

    Questions are in the order they are asked.

    Each question has its latest published wording. `at_stations`: whether a station is expected to have the stage.
    """
    stages: dict[str, dict[str, Any]] = {}
    places: dict[int, tuple[str, str]] = {}
    for key, code, stage, titles, place, repeat in (
        Checklist.objects.filter(election=election)
        .order_by("order", "code")
        .values_list("pk", "code", "stage", "titles", "place", "repeat")
    ):
        entry = stages.setdefault(stage, {"code": stage, "titles": titles, "at_stations": False, "questions": {}})
        # A checklist that is filled in for each incident is not expected of any station.
        entry["at_stations"] |= place != Checklist.Place.TERRITORIAL and repeat != Checklist.Repeat.ANY
        places[key] = stage, code
    rows = (
        Question.objects.filter(version__checklist__in=places, version__published_at__isnull=False)
        .order_by("version__checklist__order", "version__number", "order", "pk")
        .values_list(
            "version__checklist_id", "code", "type", "labels", "choices", "violation_answers", "violation_code"
        )
    )
    first: dict[tuple[str, str], int] = {}
    for checklist, code, type_, labels, choices, answers, violation in rows:
        stage, name = places[checklist]
        # Where two checklists of a stage have a question with the same code, the later one's is `checklist:question`.
        shown = code if first.setdefault((stage, code), checklist) == checklist else f"{name}:{code}"
        stages[stage]["questions"][shown] = {
            "code": shown,
            "checklist": name,
            "type": type_,
            "labels": labels,
            "findings": answers,
            "violation": violation,
            "choices": [[str(choice["code"]), choice["labels"]] for choice in choices],
        }
    return [stage | {"questions": list(stage["questions"].values())} for stage in stages.values()]


def load_violation_groups(election: Election) -> list[dict[str, Any]]:
    """Load the violation groups in their order, each with its types.

    Two queries.
    """
    types: dict[int, list[dict[str, Any]]] = {}
    for kind in ViolationType.objects.filter(election=election).order_by("order", "code"):
        row = {"code": kind.code, "names": kind.names, "severity": kind.severity}
        types.setdefault(kind.group_id, []).append(row)
    return [
        {"code": group.code, "names": group.names, "types": types.get(group.pk, [])}
        for group in ViolationGroup.objects.filter(election=election).order_by("order", "code")
    ]


def load_shared_codes(election: Election) -> set[tuple[str, str, str]]:
    """Load question codes that an earlier checklist also uses.

    Both checklists are of the same stage.

    As (stage, checklist, question), of the later checklist.
    """
    checklists = list(election.checklists.order_by("order", "code").values_list("stage", "code"))
    stages = [stage for stage, _code in checklists]
    shared_stages = {stage for stage in stages if stages.count(stage) > 1}
    if not shared_stages:
        return set()
    questions: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = Question.objects.filter(version__checklist__election=election, version__checklist__stage__in=shared_stages)
    for stage, checklist, code in rows.order_by().values_list(
        "version__checklist__stage", "version__checklist__code", "code"
    ):
        questions[stage, checklist].add(code)
    earlier_codes: dict[str, set[str]] = defaultdict(set)
    shared = set()
    for stage, checklist in checklists:
        shared |= {(stage, checklist, code) for code in questions[stage, checklist] & earlier_codes[stage]}
        earlier_codes[stage] |= questions[stage, checklist]
    return shared
