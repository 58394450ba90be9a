"""What an election's codes are called, as JSON: questions by stage, violations by group, levels.

Live pages read it from the database; a release keeps it as it was.
"""

from collections import defaultdict
from typing import Any

from observer.models import Election, Level
from reports.models import Checklist, Question, ViolationGroup, ViolationType

Book = dict[str, Any]


def book_of(election: Election) -> Book:
    """`stages` in the order of the checklists, `groups` of violations in theirs, `levels`, and the election's names."""
    return {
        "election": {
            "slug": election.slug,
            "names": election.names,
            "date": str(election.date),
            "languages": list(election.languages),
            "timezone": election.timezone,
        },
        # Whether the stations were drawn by lot: only then do figures speak of others than those observed.
        "sample": bool(election.rules.get("sample")),
        "levels": [
            {"code": level.code, "kind": level.kind, "names": level.names}
            for level in Level.objects.filter(election=election).order_by("order")
        ],
        "stages": stages_of(election),
        "groups": groups_of(election),
    }


def stages_of(election: Election) -> list[dict[str, Any]]:
    """Each stage with its questions in the order they are asked, in their latest published wording. Two queries."""
    stages: dict[str, dict[str, Any]] = {}
    places: dict[int, tuple[str, str]] = {}
    for key, code, stage, titles, place, repeat in (
        Checklist.objects.filter(election=election)
        .order_by("order", "code")
        .values_list("pk", "code", "stage", "titles", "place", "repeat")
    ):
        own = stages.setdefault(stage, {"code": stage, "titles": titles, "at_stations": False, "questions": {}})
        # What is filled whenever something happens makes no stage that a station could lack.
        own["at_stations"] |= place != Checklist.Place.TERRITORIAL and repeat != Checklist.Repeat.ANY
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
        # Where two checklists of a stage share a code, the later one's is called `checklist:question`.
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


def groups_of(election: Election) -> list[dict[str, Any]]:
    """The violation groups in their order, each with its types. Two queries."""
    types: dict[int, list[dict[str, Any]]] = {}
    for kind in ViolationType.objects.filter(election=election).order_by("order", "code"):
        row = {"code": kind.code, "names": kind.names, "severity": kind.severity}
        types.setdefault(kind.group_id, []).append(row)
    return [
        {"code": group.code, "names": group.names, "types": types.get(group.pk, [])}
        for group in ViolationGroup.objects.filter(election=election).order_by("order", "code")
    ]


def shared_codes(election: Election) -> set[tuple[str, str, str]]:
    """(stage, checklist, question) where an earlier checklist of the stage has a question of that code too."""
    checklists = list(election.checklists.order_by("order", "code").values_list("stage", "code"))
    stages = [stage for stage, _code in checklists]
    crowded = {stage for stage in stages if stages.count(stage) > 1}
    if not crowded:
        return set()
    questions: dict[tuple[str, str], set[str]] = defaultdict(set)
    asked = Question.objects.filter(version__checklist__election=election, version__checklist__stage__in=crowded)
    for stage, checklist, code in asked.order_by().values_list(
        "version__checklist__stage", "version__checklist__code", "code"
    ):
        questions[stage, checklist].add(code)
    taken: dict[str, set[str]] = defaultdict(set)
    shared = set()
    for stage, checklist in checklists:
        shared |= {(stage, checklist, code) for code in questions[stage, checklist] & taken[stage]}
        taken[stage] |= questions[stage, checklist]
    return shared
