"""What the figures' codes are called: few small queries, whatever the size of the country."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from observer.models import Election
from observer.words import Words
from reports.models import Question, ViolationGroup, ViolationType
from reports.models.checklist import Checklist


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


def stages_of(election: Election) -> dict[str, Stage]:
    """The stages of an election in the order of its checklists. Two queries."""
    stages: dict[str, Stage] = {}
    places: dict[int, tuple[str, str]] = {}
    for key, code, stage, titles in (
        Checklist.objects.filter(election=election)
        .order_by("order", "code")
        .values_list("pk", "code", "stage", "titles")
    ):
        stages.setdefault(stage, Stage(titles))
        places[key] = stage, code
    rows = (
        Question.objects.filter(version__checklist__in=places, version__published_at__isnull=False)
        .order_by("version__checklist__order", "version__number", "order", "pk")
        .values_list("version__checklist_id", "code", "type", "labels", "choices", "violation_answers")
    )
    first: dict[tuple[str, str], int] = {}
    for checklist, code, type_, labels, choices, answers in rows:
        stage, name = places[checklist]
        # Where two checklists of a stage share a code, the later one's is called `checklist:question`.
        shown = code if first.setdefault((stage, code), checklist) == checklist else f"{name}:{code}"
        stages[stage].questions[shown] = Asked(
            shown, type_, labels, {str(choice["code"]): choice["labels"] for choice in choices}, tuple(answers)
        )
    return stages


def groups_of(election: Election) -> list[Group]:
    """The violation groups of an election in their order. Two queries."""
    types: dict[int, list[Kind]] = {}
    for kind in ViolationType.objects.filter(election=election).order_by("order", "code"):
        types.setdefault(kind.group_id, []).append(Kind(kind.code, kind.names, kind.severity))
    return [
        Group(group.names, tuple(types.get(group.pk, ())))
        for group in ViolationGroup.objects.filter(election=election).order_by("order", "code")
    ]
