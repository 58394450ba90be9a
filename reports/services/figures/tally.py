"""Tallies: counting one commission's reports, and merging tallies.

A tally is JSON: objects whose leaves are whole numbers, which are added, and decimal texts named
`sum`, `min` and `max`, which are merged as their names say. Nothing in it is a float, so the result
is exact and does not depend on the order. Observers are distinct people and cannot be added: they
are sets, kept separately from the tally.

    {"reports", "verified", "precincts", "observed", "denied",
     "stages": {stage: PART + {"parts": {"contest key|slot": PART}}},
     "violations": {"reports", "confirmed", "types": {code: {state: n}},
                    "severities": {…: {"reported", "confirmed"}}, "groups": {…}}}
    PART = {"reports", "commissions", "lists": {checklist: {question: QUESTION}}}
    QUESTION = {"yes_no" | "rating" | "choices" | "numbers": {"all": {…}, "verified": {…}},
                "stations": {"yes", "no", "conflicting"},
                "finding": {"n", "of", "refuted", "verified": {"n", "of"}}}

A key that is absent means zero. A stage counts the reports of all its contests and slots together.
Its numbers are an exception, because they mean nothing together: they are those of the reports
without contest and slot. Reports of a contest or slot are also counted in its part.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from reports.services.checklists.compiled import NEGATIVE_RATINGS, Field, Form

Tally = dict[str, Any]
EMPTY_TALLY: Tally = {}

# Numbers have at most 15 digits before and 12 after the point (`answer_reading.parse_number`). A
# thousand digits hold the exact sum of more numbers than can ever be stored.
EXACT_CONTEXT = Context(prec=1000)
TALLY_KEYS = {  # by question type
    "yes_no": "yes_no",
    "rating": "rating",
    "choice": "choices",
    "choices": "choices",
    "violation": "choices",
}
SINGLE_CHOICE_TYPES = ("yes_no", "rating", "choice", "violation")
NUMBER_TYPES = ("integer", "decimal")


# ── merging ─────────────────────────────────────────────────────────────────────────────────
def merge_tallies(first: Tally, second: Tally) -> Tally:
    """Merges two tallies into a new one.

    Associative and commutative. EMPTY_TALLY changes nothing. Neither argument is changed.
    """
    return add_tally(add_tally({}, first), second)


def add_tally(into: Tally, other: Mapping[str, Any]) -> Tally:
    """Adds `other` to `into` and returns `into`, which shares no object with `other`."""
    for key, value in other.items():
        if type(value) is int:  # nearly every leaf
            into[key] = into.get(key, 0) + value
        elif isinstance(value, dict):
            into[key] = add_tally(into.get(key, {}), value)
        else:
            into[key] = merge_numbers(key, into[key], value) if key in into else value
    return into


def merge_numbers(key: str, first: str, second: str) -> str:
    """Merges two values of the key `sum`, `min` or `max`."""
    a, b = Decimal(first), Decimal(second)
    return format_number(EXACT_CONTEXT.add(a, b) if key == "sum" else min(a, b) if key == "min" else max(a, b))


def format_number(number: Decimal) -> str:
    """Formats a number without exponent and trailing zeros.

    So equal numbers are equal texts.
    """
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def pack_observers(keys: Iterable[int]) -> bytes:
    """Packs a set of observers' keys into bytes: sorted, eight bytes each, little-endian."""
    packed = array("q", sorted(set(keys)))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack_observers(packed: bytes | memoryview) -> set[int]:
    """Unpacks what `pack_observers` made."""
    keys = array("q")
    keys.frombytes(bytes(packed))
    if sys.byteorder == "big":
        keys.byteswap()
    return set(keys)


# ── counting ────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ViolationKind:
    """A violation type, as far as figures need it."""

    severity: str
    group: str
    denies_access: bool


@dataclass(frozen=True, slots=True)
class RaisedViolation:
    """One violation of a report.

    `key` is that of its row, `case` that of its case.
    """

    key: int
    code: str
    state: str
    case: int | None


@dataclass(frozen=True, slots=True)
class CountedReport:
    """One counted report, as far as figures need it."""

    form: Form
    contest: int | None
    slot: str
    verified: bool
    answers: Mapping[str, Any]
    violations: tuple[RaisedViolation, ...] = ()


def tally_reports(
    *, reports: Iterable[CountedReport], precinct: bool, kinds: Mapping[str, ViolationKind] | None = None
) -> Tally:
    """Counts the reports of one commission.

    `precinct`: the commission is a polling station. `kinds` are the election's violation types by code.
    """
    groups: dict[tuple[int, int | None, str, bool], _ReportGroup] = {}
    violations = _ViolationTally(kinds or {})
    for report in reports:
        key = (report.form.version_id, report.contest, report.slot, report.verified)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _ReportGroup(report.form, report.contest, report.slot, report.verified)
        group.add(report)
        if report.violations:
            violations.add(report.violations)
    tally: Tally = {"precincts": 1} if precinct else {}
    if groups:
        _add_groups(tally, list(groups.values()))
        if precinct and any(group.form.repeat != "any" for group in groups.values()):
            tally["observed"] = 1
    if violations.reports:
        tally["violations"] = violations.build_tally()
        if precinct and violations.denied:
            tally["denied"] = 1
    return tally


@dataclass(slots=True)
class _ReportGroup:
    """The reports of one commission with the same version, contest, slot and verification.

    Most answers are single choices. A report that has no others is counted by one call of
    `Counter.update`, which runs in C.
    """

    form: Form
    contest: int | None
    slot: str
    verified: bool
    reports: int = 0
    counts: Counter[tuple[str, Any]] = field(default_factory=Counter)
    answered: Counter[str] = field(
        default_factory=Counter
    )  # questions with several choices: reports that answered them
    with_finding: Counter[str] = field(
        default_factory=Counter
    )  # questions with several choices: reports with a finding
    refuted: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    other: frozenset[str] = field(init=False)  # questions that are not single choices
    conditional: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.other = frozenset(f.code for f in self.form.fields.values() if f.type not in SINGLE_CHOICE_TYPES)
        self.conditional = frozenset(f.code for f in self.form.conditional)

    def add(self, report: CountedReport) -> None:
        self.reports += 1
        answers = report.answers
        if not self.conditional.isdisjoint(answers):
            answers = self.form.filter_asked_answers(answers)
        if not self.other.isdisjoint(answers):
            for code in self.other.intersection(answers):
                self._add_other(self.form.fields[code], answers[code])
            answers_single = {code: value for code, value in answers.items() if code not in self.other}
            self.counts.update(answers_single.items())
        else:
            self.counts.update(answers.items())
        for violation in report.violations:
            if violation.state == "refuted":
                self._count_refuted(violation.code, answers)

    def _add_other(self, question: Field, value: Any) -> None:
        code = question.code
        if question.type in NUMBER_TYPES:
            _add_number(self.numbers.setdefault(code, {}), Decimal(value))
        elif question.type == "choices":
            self.answered[code] += 1
            self.with_finding[code] += any(one in question.findings for one in value)
            self.counts.update((code, one) for one in value)

    def _count_refuted(self, violation: str, answers: Mapping[str, Any]) -> None:
        """Counts the answers that raised a refuted violation; they are no findings."""
        for code, value in answers.items():
            question = self.form.fields[code]
            given = value if isinstance(value, list) else (value,)
            if question.raises == violation and any(one in question.findings for one in given):
                self.refuted[code] += 1


def _add_number(record: dict[str, Any], number: Decimal) -> None:
    if not record:
        record |= {"answered": 1, "sum": number, "min": number, "max": number}
        return
    record["answered"] += 1
    record["sum"] = EXACT_CONTEXT.add(record["sum"], number)
    record["min"] = min(record["min"], number)
    record["max"] = max(record["max"], number)


def _add_groups(tally: Tally, groups: list[_ReportGroup]) -> None:
    tally["reports"] = sum(group.reports for group in groups)
    verified = sum(group.reports for group in groups if group.verified)
    if verified:
        tally["verified"] = verified
    stages: dict[str, Tally] = {}
    for stage_code in sorted({group.form.stage for group in groups}):
        stage_groups = [group for group in groups if group.form.stage == stage_code]
        stage = _build_part(stage_groups, pooled=True)
        parts = {
            f"{group.contest or ''}|{group.slot}" for group in stage_groups if group.contest is not None or group.slot
        }
        if parts:
            stage["parts"] = {
                part: _build_part(
                    [group for group in stage_groups if f"{group.contest or ''}|{group.slot}" == part], pooled=False
                )
                for part in sorted(parts)
            }
        stages[stage_code] = stage
    tally["stages"] = stages


def _build_part(groups: list[_ReportGroup], *, pooled: bool) -> Tally:
    lists: dict[str, Tally] = {}
    for group in groups:
        numbers = not pooled or (group.contest is None and not group.slot)
        questions = _build_questions(group, numbers=numbers)
        former = lists.get(group.form.code)
        lists[group.form.code] = questions if former is None else add_tally(former, questions)
    for questions in lists.values():
        for question in questions.values():
            if "yes_no" in question:
                _add_stations(question)
    return {"reports": sum(group.reports for group in groups), "commissions": 1, "lists": lists}


def _build_questions(group: _ReportGroup, *, numbers: bool) -> Tally:
    answers: dict[str, dict[str, int]] = {}
    for (code, value), n in group.counts.items():
        answers.setdefault(code, {})[value] = n
    questions: Tally = {}
    for code, counts in answers.items():
        question = group.form.fields[code]
        record: Tally = {TALLY_KEYS[question.type]: _split_verified(group.verified, counts)}
        finding = _build_finding(group, question, counts)
        if finding:
            record["finding"] = finding
        questions[code] = record
    if numbers:
        for code, numbers_found in group.numbers.items():
            texts = {key: value if key == "answered" else format_number(value) for key, value in numbers_found.items()}
            questions[code] = {"numbers": _split_verified(group.verified, texts)}
    return questions


def _split_verified(verified: bool, counts: Mapping[str, Any]) -> Tally:
    """Puts counts under `all`, and under `verified` too where the reports are verified."""
    return {"all": dict(counts), "verified": dict(counts)} if verified else {"all": dict(counts)}


def _build_finding(group: _ReportGroup, question: Field, counts: Mapping[str, int]) -> Tally:
    """Counts the answers that are a finding (`n`) among all (`of`).

    Returns {} for a question without findings.
    """
    if question.type == "rating":
        n, of = sum(counts.get(one, 0) for one in NEGATIVE_RATINGS), sum(counts.values())
    elif not question.findings:
        return {}
    elif question.type == "yes_no":
        n = sum(counts.get(one, 0) for one in question.findings)
        of = counts.get("yes", 0) + counts.get("no", 0)
    elif question.type == "choices":
        n, of = group.with_finding[question.code], group.answered[question.code]
    else:
        n, of = sum(counts.get(one, 0) for one in question.findings), sum(counts.values())
    refuted = group.refuted[question.code]
    finding: Tally = {"n": n - refuted, "of": of}
    if question.raises:
        finding["refuted"] = refuted
    if group.verified:
        finding["verified"] = {"n": n - refuted, "of": of}
    return finding


def _add_stations(question: Tally) -> None:
    """Adds whether one commission's reports say yes, no, or contradict each other."""
    counts = question["yes_no"]["all"]
    yes, no = counts.get("yes", 0) > 0, counts.get("no", 0) > 0
    if yes or no:
        question["stations"] = {"conflicting" if yes and no else "yes" if yes else "no": 1}


class _ViolationTally:
    """Counts the violations of one commission.

    `reported` counts reports, `confirmed` counts cases.
    """

    def __init__(self, kinds: Mapping[str, ViolationKind]) -> None:
        self.kinds = kinds
        self.reports = 0
        self.denied = False
        self.types: dict[str, Counter[str]] = {}
        self.reported: Counter[tuple[str, str]] = Counter()
        self.cases: dict[tuple[str, str], set[tuple[str, int]]] = {}

    def add(self, violations: Iterable[RaisedViolation]) -> None:
        """Adds all violations of one report."""
        self.reports += 1
        types_of_report: set[tuple[str, str]] = set()
        for violation in violations:
            states = self.types.setdefault(violation.code, Counter())
            states["reported"] += 1
            if violation.state not in ("reported", "confirmed"):
                states[violation.state] += 1
            kind = self.kinds.get(violation.code)
            counters = [("types", violation.code)]
            if kind is not None:
                counters += [("severities", kind.severity), ("groups", kind.group)]
                types_of_report.update(counters[1:])
                self.denied |= kind.denies_access and violation.state != "refuted"
            if violation.state == "confirmed":
                # A confirmed violation without a case counts as a case of its own.
                case = ("violation", violation.key) if violation.case is None else ("case", violation.case)
                for counter in (*counters, ("", "")):
                    self.cases.setdefault(counter, set()).add(case)
        self.reported.update(types_of_report)

    def build_tally(self) -> Tally:
        types = {code: dict(states) for code, states in self.types.items()}
        sums: dict[str, dict[str, dict[str, int]]] = {"severities": {}, "groups": {}}
        for (dimension, code), n in self.reported.items():
            sums[dimension][code] = {"reported": n}
        for (dimension, code), cases in self.cases.items():
            if dimension:
                (types if dimension == "types" else sums[dimension])[code]["confirmed"] = len(cases)
        total = {"confirmed": len(self.cases[("", "")])} if self.cases else {}
        return {"reports": self.reports, **total, "types": types, **sums}
