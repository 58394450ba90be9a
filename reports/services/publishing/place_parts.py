"""Parts: JSON about one commission. Pure.

Pages and API responses are built from them.

Parts are independent of language. Pages show live figures and releases from the same parts, so the two can
differ in nothing but their figures.

    place     {"facts": …, "coverage", "stages", "violations", "hours", "children": [CHILD], "replies", "photos"}
    CHILD     {"code", "names", "level", "kind", "coverage", "violations"}; of a station "shown" instead of figures
    station   {"facts": …, "station": {"stages", "confirmed", "replies", "photos"} or null}
    findings  {child's code: {stage: {question: [n, of, stations, of stations, conflicting stations]}}}
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from observer.models import Commission
from reports.services.figures.serialize import (
    SharedCodes,
    serialize_child_violations,
    serialize_coverage,
    serialize_tally,
)
from reports.services.figures.tally import Tally

Part = dict[str, Any]
Photo = list[str]  # the copy's name and the thumbnail's


def build_facts(place: Commission, ancestors: Sequence[Commission]) -> Part:
    """Build what is known of a commission without any report.

    `ancestors`: the commissions above it, from the root down. `place` needs its level and election loaded.
    """
    return {
        "code": place.code,
        "names": place.names,
        "level": place.level.code,
        "kind": place.level.kind,
        "address": place.address,
        "voters": place.voters,
        "type": place.type,
        "zone": place.zone,
        "place": [place.lat, place.lon] if place.lat is not None else None,
        "above": [{"code": one.code, "names": one.names} for one in ancestors],
    }


def build_place_part(
    *,
    facts: Part,
    tally: Tally,
    observers: int,
    children: Iterable[Part],
    contests: Mapping[int, str],
    shared: SharedCodes,
    hours: Mapping[str, int] | None = None,
    replies: Sequence[Part] = (),
    photos: Sequence[Photo] = (),
) -> Part:
    return {
        "facts": facts,
        "coverage": serialize_coverage(tally, observers),
        **serialize_tally(tally, contests=contests, shared=shared),
        "hours": dict(sorted((hours or {}).items())),
        "children": list(children),
        "replies": list(replies),
        "photos": list(photos),
    }


def build_child_part(place: Commission, tally: Tally, observers: int) -> Part:
    """Build a territory's entry in the list of its parent's children."""
    return {
        "code": place.code,
        "names": place.names,
        "level": place.level.code,
        "kind": place.level.kind,
        "coverage": serialize_coverage(tally, observers),
        "violations": serialize_child_violations(tally),
    }


def build_station_child(place: Commission, *, shown: bool) -> Part:
    """Build a station's entry in the list of its parent's children.

    `shown`: whether its page has figures.
    """
    child = {"code": place.code, "names": place.names, "level": place.level.code, "kind": place.level.kind}
    return child | {"shown": shown}


def build_station_part(
    *,
    facts: Part,
    tally: Tally | None,
    observed_by: AbstractSet[tuple[str, str]] = frozenset(),
    replies: Sequence[Part] = (),
    photos: Sequence[Photo] = (),
) -> Part:
    """Build a station's part: its observed stages and confirmed cases.

    `tally` is None where the station is withheld or was not observed; then the part has no figures.
    `observed_by`: (stage, checklist) of the checklists that make a station observed. A checklist that is filled
    in for each incident does not, because publishing that it was filled in would reveal a claim that
    nobody confirmed.
    """
    if tally is None:
        return {"facts": facts, "station": None}
    types = tally.get("violations", {}).get("types", {})
    confirmed = {code: states["confirmed"] for code, states in sorted(types.items()) if states.get("confirmed")}
    stages = sorted(
        stage
        for stage, figures in tally.get("stages", {}).items()
        if any((stage, checklist) in observed_by for checklist in figures["lists"])
    )
    return {
        "facts": facts,
        "station": {"stages": stages, "confirmed": confirmed, "replies": list(replies), "photos": list(photos)},
    }


def collect_findings(stages: Mapping[str, Any], answers: Mapping[tuple[str, str], str]) -> Part:
    """Collect every finding of a summary's stages.

    `answers`: by (stage, question), the answer that is the finding.
    """
    found: Part = {}
    for stage, figures in stages.items():
        for code, question in figures["questions"].items():
            finding = question.get("finding")
            if finding is None or not finding["of"]:
                continue
            line = [finding["n"], finding["of"]]
            if stations := question.get("stations"):
                line += [stations[answers.get((stage, code), "yes")], sum(stations.values()), stations["conflicting"]]
            found.setdefault(stage, {})[code] = line
    return found


def get_finding_answers(stages: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Map yes-or-no questions to the answer that is a finding.

    `stages`: of a codebook. Keys: (stage, question).
    """
    return {
        (stage["code"], question["code"]): question["findings"][0]
        for stage in stages
        for question in stage["questions"]
        if question["type"] == "yes_no" and question["findings"]
    }
