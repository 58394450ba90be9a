"""Converting tallies to the JSON of public summaries.

The JSON is part of the API's contract. Pure: no database.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS
from reports.services.figures.format import format_figure
from reports.services.figures.tally import Tally

STATION_OUTCOMES = ("yes", "no", "conflicting")
ZERO_COUNTS = {"reported": 0, "confirmed": 0}
JsonObject = dict[str, Any]
SharedCodes = AbstractSet[tuple[str, str, str]]  # (stage, checklist, question)


def serialize_coverage(tally: Tally, observers: int) -> JsonObject:
    """Builds the `coverage` of a summary; `observers` is their number."""
    return {
        "precincts": tally.get("precincts", 0),
        "precincts_observed": tally.get("observed", 0),
        "precincts_denied": tally.get("denied", 0),
        "observers": observers,
        "reports": tally.get("reports", 0),
        "reports_verified": tally.get("verified", 0),
    }


def serialize_child_violations(tally: Tally) -> JsonObject:
    """Builds a child's `violations`: the reports that raise any, and the confirmed cases."""
    violations = tally.get("violations", {})
    return {"reported": violations.get("reports", 0), "confirmed": violations.get("confirmed", 0)}


def serialize_tally(tally: Tally, *, contests: Mapping[int, str], shared: SharedCodes = frozenset()) -> JsonObject:
    """Builds the `stages` and `violations` of a summary. `contests`: codes by key.

    Two checklists of one stage may use one code for two questions, whose figures are never added up.
    `shared` are the (stage, checklist, question) that are therefore named `checklist:question`.
    """
    violations = tally.get("violations", {})
    return {
        "stages": {
            code: _serialize_stage(
                stage, contests, {(checklist, question) for name, checklist, question in shared if name == code}
            )
            for code, stage in sorted(tally.get("stages", {}).items())
        },
        "violations": {
            "reports": violations.get("reports", 0),
            "confirmed": violations.get("confirmed", 0),
            "by_type": {
                code: ZERO_COUNTS | {"refuted": 0, "solved": 0, "passed_on": 0} | states
                for code, states in sorted(violations.get("types", {}).items())
            },
            "by_severity": _serialize_violation_counts(violations.get("severities", {})),
            "by_group": _serialize_violation_counts(violations.get("groups", {})),
        },
    }


def _serialize_violation_counts(counts_by_code: Mapping[str, Mapping[str, int]]) -> JsonObject:
    return {code: ZERO_COUNTS | dict(counts) for code, counts in sorted(counts_by_code.items())}


def _serialize_stage(stage: Tally, contests: Mapping[int, str], shared: set[tuple[str, str]]) -> JsonObject:
    document = _serialize_part(stage, shared)
    if stage.get("parts"):
        document["parts"] = [
            {"contest": contest, "slot": slot, **_serialize_part(part, shared)}
            for contest, slot, part in sorted(
                _iterate_parts(stage["parts"], contests), key=lambda p: (p[0] or "", p[1] or "")
            )
        ]
    return document


def _iterate_parts(
    parts: Mapping[str, Tally], contests: Mapping[int, str]
) -> Iterator[tuple[str | None, str | None, Tally]]:
    for key, part in parts.items():
        contest, _bar, slot = key.partition("|")
        yield (contests.get(int(contest), contest) if contest else None), slot or None, part


def _serialize_part(part: Tally, shared: set[tuple[str, str]]) -> JsonObject:
    questions: JsonObject = {}
    for checklist, questions_of_list in sorted(part["lists"].items()):
        for code, question in sorted(questions_of_list.items()):
            questions[f"{checklist}:{code}" if (checklist, code) in shared else code] = serialize_question(question)
    return {"reports": part["reports"], "commissions": part["commissions"], "questions": questions}


def serialize_question(question: Tally) -> JsonObject:
    """Builds one question's figures as the API's contract has them for its type."""
    document: JsonObject = {}
    verified: JsonObject = {}
    if "yes_no" in question:
        document |= _select_counts(question["yes_no"]["all"], YES_NO_ANSWERS)
        document["stations"] = _select_counts(question.get("stations", {}), STATION_OUTCOMES)
        verified = _select_counts(question["yes_no"].get("verified", {}), YES_NO_ANSWERS[:2])
    elif "rating" in question:
        document |= _select_counts(question["rating"]["all"], RATING_ANSWERS)
        verified = _select_counts(question["rating"].get("verified", {}), RATING_ANSWERS)
    elif "choices" in question:
        document["choices"] = dict(sorted(question["choices"]["all"].items()))
        verified = {"choices": dict(sorted(question["choices"].get("verified", {}).items()))}
    elif "numbers" in question:
        document |= _serialize_numbers(question["numbers"]["all"])
        verified = _serialize_numbers(question["numbers"].get("verified", {}))
    if "finding" in question:
        finding = question["finding"]
        document["finding"] = _serialize_finding(finding["n"], finding["of"])
        if "refuted" in finding:
            document["finding"]["refuted"] = finding["refuted"]
        verified_finding = finding.get("verified", {"n": 0, "of": 0})
        verified |= _serialize_finding(verified_finding["n"], verified_finding["of"])
    return document | {"verified": verified}


def _select_counts(counts: Mapping[str, int], answers: tuple[str, ...]) -> JsonObject:
    return {answer: counts.get(answer, 0) for answer in answers}


def _serialize_finding(n: int, of: int) -> JsonObject:
    return {"n": n, "of": of, "text": format_figure(n, of)}


def _serialize_numbers(numbers: Mapping[str, Any]) -> JsonObject:
    """Builds the figures of a number question.

    They are JSON numbers, integers where they are whole. Where nothing was answered, sum, minimum and
    maximum are null, never zero.
    """
    if not numbers:
        return {"answered": 0, "sum": None, "min": None, "max": None}
    return {"answered": numbers["answered"], **{key: _parse_number(numbers[key]) for key in ("sum", "min", "max")}}


def _parse_number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
