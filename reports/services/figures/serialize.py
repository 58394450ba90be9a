"""A tally in the words of the public summary (the API's contract): pure, no database."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from reports.services.checklists.compiled import RATING, YES_NO
from reports.services.figures.format import figure
from reports.services.figures.tally import Tally

STATIONS = ("yes", "no", "conflicting")
NONE = {"reported": 0, "confirmed": 0}
Words = dict[str, Any]
Shared = AbstractSet[tuple[str, str, str]]


def coverage_words(tally: Tally, observers: int) -> Words:
    return {
        "precincts": tally.get("precincts", 0),
        "precincts_observed": tally.get("observed", 0),
        "precincts_denied": tally.get("denied", 0),
        "observers": observers,
        "reports": tally.get("reports", 0),
        "reports_verified": tally.get("verified", 0),
    }


def violations_short(tally: Tally) -> Words:
    """How a child's violations are listed: the reports that tell of any, and the confirmed cases."""
    found = tally.get("violations", {})
    return {"reported": found.get("reports", 0), "confirmed": found.get("confirmed", 0)}


def tally_words(tally: Tally, *, contests: Mapping[int, str], shared: Shared = frozenset()) -> Words:
    """`stages` and `violations` of the summary. `contests`: codes by key.

    Two checklists of one stage may use one code for two questions; those never mix. `shared` are
    the (stage, checklist, question) that are therefore shown as `checklist:question`.
    """
    found = tally.get("violations", {})
    return {
        "stages": {
            code: _stage(stage, contests, {(checklist, asked) for name, checklist, asked in shared if name == code})
            for code, stage in sorted(tally.get("stages", {}).items())
        },
        "violations": {
            "reports": found.get("reports", 0),
            "confirmed": found.get("confirmed", 0),
            "by_type": {
                code: NONE | {"refuted": 0, "solved": 0, "passed_on": 0} | states
                for code, states in sorted(found.get("types", {}).items())
            },
            "by_severity": _reported(found.get("severities", {})),
            "by_group": _reported(found.get("groups", {})),
        },
    }


def _reported(found: Mapping[str, Mapping[str, int]]) -> Words:
    return {code: NONE | dict(counts) for code, counts in sorted(found.items())}


def _stage(stage: Tally, contests: Mapping[int, str], shared: set[tuple[str, str]]) -> Words:
    words = _part(stage, shared)
    if stage.get("parts"):
        words["parts"] = [
            {"contest": contest, "slot": slot, **_part(part, shared)}
            for contest, slot, part in sorted(_parts(stage["parts"], contests), key=lambda p: (p[0] or "", p[1] or ""))
        ]
    return words


def _parts(parts: Mapping[str, Tally], contests: Mapping[int, str]) -> Iterator[tuple[str | None, str | None, Tally]]:
    for key, part in parts.items():
        contest, _bar, slot = key.partition("|")
        yield (contests.get(int(contest), contest) if contest else None), slot or None, part


def _part(part: Tally, shared: set[tuple[str, str]]) -> Words:
    questions: Words = {}
    for checklist, asked in sorted(part["lists"].items()):
        for code, question in sorted(asked.items()):
            questions[f"{checklist}:{code}" if (checklist, code) in shared else code] = question_words(question)
    return {"reports": part["reports"], "commissions": part["commissions"], "questions": questions}


def question_words(question: Tally) -> Words:
    """One question's figures, as the contract words them for its type."""
    words: Words = {}
    verified: Words = {}
    if "yes_no" in question:
        words |= _counts(question["yes_no"]["all"], YES_NO)
        words["stations"] = _counts(question.get("stations", {}), STATIONS)
        verified = _counts(question["yes_no"].get("verified", {}), YES_NO[:2])
    elif "rating" in question:
        words |= _counts(question["rating"]["all"], RATING)
        verified = _counts(question["rating"].get("verified", {}), RATING)
    elif "choices" in question:
        words["choices"] = dict(sorted(question["choices"]["all"].items()))
        verified = {"choices": dict(sorted(question["choices"].get("verified", {}).items()))}
    elif "numbers" in question:
        words |= _numbers(question["numbers"]["all"])
        verified = _numbers(question["numbers"].get("verified", {}))
    if "finding" in question:
        found = question["finding"]
        words["finding"] = _finding(found["n"], found["of"])
        if "refuted" in found:
            words["finding"]["refuted"] = found["refuted"]
        checked = found.get("verified", {"n": 0, "of": 0})
        verified |= _finding(checked["n"], checked["of"])
    return words | {"verified": verified}


def _counts(counts: Mapping[str, int], answers: tuple[str, ...]) -> Words:
    return {answer: counts.get(answer, 0) for answer in answers}


def _finding(n: int, of: int) -> Words:
    return {"n": n, "of": of, "text": figure(n, of)}


def _numbers(found: Mapping[str, Any]) -> Words:
    """Exact within; a JSON number outside: whole where it is whole. Where nothing was answered, null, never zero."""
    if not found:
        return {"answered": 0, "sum": None, "min": None, "max": None}
    return {"answered": found["answered"], **{key: _number(found[key]) for key in ("sum", "min", "max")}}


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
