"""What a page or an answer about one commission is made of, as JSON that names no language. Pure.

Live figures and releases are worded from the same parts, so they cannot differ but in their figures.

    place     {"facts": …, "coverage", "stages", "violations", "hours", "children": [CHILD], "replies", "photos"}
    CHILD     {"code", "names", "level", "kind", "coverage", "violations"}; of a station "shown" instead of figures
    station   {"facts": …, "station": {"stages", "confirmed", "replies", "photos"} or null}
    findings  {child's code: {stage: {question: [n, of, stations, of stations, conflicting stations]}}}
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from observer.models import Commission
from reports.services.figures.serialize import Shared, coverage_words, tally_words, violations_short
from reports.services.figures.tally import Tally

Part = dict[str, Any]
Photo = list[str]  # the copy's name and the thumbnail's


def facts(place: Commission, above: Sequence[Commission]) -> Part:
    """What is known of a commission without any report. `above`: from the root down. Needs its level and election."""
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
        "above": [{"code": one.code, "names": one.names} for one in above],
    }


def place_part(
    *,
    known: Part,
    tally: Tally,
    observers: int,
    children: Iterable[Part],
    contests: Mapping[int, str],
    shared: Shared,
    hours: Mapping[str, int] | None = None,
    replies: Sequence[Part] = (),
    photos: Sequence[Photo] = (),
) -> Part:
    return {
        "facts": known,
        "coverage": coverage_words(tally, observers),
        **tally_words(tally, contests=contests, shared=shared),
        "hours": dict(sorted((hours or {}).items())),
        "children": list(children),
        "replies": list(replies),
        "photos": list(photos),
    }


def child_part(place: Commission, tally: Tally, observers: int) -> Part:
    """A territory, as it is listed on the page above it."""
    return {
        "code": place.code,
        "names": place.names,
        "level": place.level.code,
        "kind": place.level.kind,
        "coverage": coverage_words(tally, observers),
        "violations": violations_short(tally),
    }


def station_line(place: Commission, *, shown: bool) -> Part:
    """A station, as it is listed: whether it has a page that says more."""
    known = {"code": place.code, "names": place.names, "level": place.level.code, "kind": place.level.kind}
    return known | {"shown": shown}


def station_part(
    *,
    known: Part,
    tally: Tally | None,
    observed_by: AbstractSet[tuple[str, str]] = frozenset(),
    replies: Sequence[Part] = (),
    photos: Sequence[Photo] = (),
) -> Part:
    """A station's page: stages and confirmed cases, or, where it is held back or unobserved, nothing (`tally` None).

    `observed_by`: stage and checklist of those that make a station observed. One that is filled whenever
    something happens does not: that it was filled would tell of a claim that nobody confirmed.
    """
    if tally is None:
        return {"facts": known, "station": None}
    types = tally.get("violations", {}).get("types", {})
    confirmed = {code: states["confirmed"] for code, states in sorted(types.items()) if states.get("confirmed")}
    stages = sorted(
        stage
        for stage, figures in tally.get("stages", {}).items()
        if any((stage, checklist) in observed_by for checklist in figures["lists"])
    )
    return {
        "facts": known,
        "station": {"stages": stages, "confirmed": confirmed, "replies": list(replies), "photos": list(photos)},
    }


def findings_of(words: Mapping[str, Any], answers: Mapping[tuple[str, str], str]) -> Part:
    """Every finding of a summary's stages. `answers`: by stage and question, the answer that makes the finding."""
    found: Part = {}
    for stage, figures in words.items():
        for code, question in figures["questions"].items():
            finding = question.get("finding")
            if finding is None or not finding["of"]:
                continue
            line = [finding["n"], finding["of"]]
            if stations := question.get("stations"):
                line += [stations[answers.get((stage, code), "yes")], sum(stations.values()), stations["conflicting"]]
            found.setdefault(stage, {})[code] = line
    return found


def finding_answers(stages: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Of a book's stages: the answer of each yes-or-no question that is a finding."""
    return {
        (stage["code"], question["code"]): question["findings"][0]
        for stage in stages
        for question in stage["questions"]
        if question["type"] == "yes_no" and question["findings"]
    }
