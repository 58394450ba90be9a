"""Figures that can be added up: what one commission's reports say, and how two such tallies merge.

A tally is JSON: objects whose leaves are whole numbers, which add, and decimal texts named `sum`,
`min` and `max`, which do as their names say. Nothing in it is a float, so it adds up exactly, in
any order. Observers are distinct people and do not add: they are sets, kept beside the tally.

    {"reports", "verified", "precincts", "observed", "denied",
     "stages": {stage: PART + {"parts": {"contest key|slot": PART}}},
     "violations": {"reports", "confirmed", "types": {code: {state: n}},
                    "severities": {…: {"reported", "confirmed"}}, "groups": {…}}}
    PART = {"reports", "commissions", "lists": {checklist: {question: QUESTION}}}
    QUESTION = {"yes_no" | "rating" | "choices" | "numbers": {"all": {…}, "verified": {…}},
                "stations": {"yes", "no", "conflicting"},
                "finding": {"n", "of", "refuted", "verified": {"n", "of"}}}

Absent is zero. A stage pools every contest and slot, but for numbers, which mean nothing pooled:
those are of the reports without either. What was said of a contest or slot is in its part too.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from reports.services.checklists.compiled import NEGATIVE, Field, Form

Tally = dict[str, Any]
EMPTY: Tally = {}

# Numbers have at most 15 digits before and 12 after the point (services/answers.py); a thousand
# digits hold the exact sum of more of them than can ever be stored.
EXACT = Context(prec=1000)
KINDS = {"yes_no": "yes_no", "rating": "rating", "choice": "choices", "choices": "choices", "violation": "choices"}
SINGLE = ("yes_no", "rating", "choice", "violation")
NUMBERS = ("integer", "decimal")


# ── merging ─────────────────────────────────────────────────────────────────────────────────
def merge(first: Tally, second: Tally) -> Tally:
    """Both together. Associative and commutative; EMPTY changes nothing; neither argument is touched."""
    return absorb(absorb({}, first), second)


def absorb(into: Tally, other: Mapping[str, Any]) -> Tally:
    """Adds `other` to `into`, which the caller owns, and returns it. Shares nothing with `other` afterwards."""
    for key, value in other.items():
        if type(value) is int:  # nearly every leaf
            into[key] = into.get(key, 0) + value
        elif isinstance(value, dict):
            into[key] = absorb(into.get(key, {}), value)
        else:
            into[key] = numbers_joined(key, into[key], value) if key in into else value
    return into


def numbers_joined(key: str, mine: str, other: str) -> str:
    """Two `sum`s, `min`s or `max`es as one."""
    a, b = Decimal(mine), Decimal(other)
    return number_text(EXACT.add(a, b) if key == "sum" else min(a, b) if key == "min" else max(a, b))


def number_text(number: Decimal) -> str:
    """The one way a number is written, so that equal figures are equal texts: no exponent, no idle zeros."""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def observers_packed(keys: Iterable[int]) -> bytes:
    """A set of observers as bytes: their keys in order, eight bytes each, little end first."""
    packed = array("q", sorted(set(keys)))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def observers_unpacked(packed: bytes | memoryview) -> set[int]:
    keys = array("q")
    keys.frombytes(bytes(packed))
    if sys.byteorder == "big":
        keys.byteswap()
    return set(keys)


# ── counting ────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class ViolationKind:
    """What the figures need of a violation type."""

    severity: str
    group: str
    denies_access: bool


@dataclass(frozen=True, slots=True)
class Raised:
    """One violation of a report: its row's key, its code, how it stands, and the case it belongs to."""

    key: int
    code: str
    state: str
    case: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """One counted report, as far as figures go."""

    form: Form
    contest: int | None
    slot: str
    verified: bool
    answers: Mapping[str, Any]
    violations: tuple[Raised, ...] = ()


def tally_own(*, reports: Iterable[Counted], precinct: bool, kinds: Mapping[str, ViolationKind] | None = None) -> Tally:
    """What these counted reports, all of one commission, say. `kinds` are the election's violation types by code."""
    groups: dict[tuple[int, int | None, str, bool], _Group] = {}
    violations = _Violations(kinds or {})
    for report in reports:
        key = (report.form.version_id, report.contest, report.slot, report.verified)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(report.form, report.contest, report.slot, report.verified)
        group.add(report)
        if report.violations:
            violations.add(report.violations)
    tally: Tally = {"precincts": 1} if precinct else {}
    if groups:
        _add_groups(tally, list(groups.values()))
        if precinct and any(group.form.repeat != "any" for group in groups.values()):
            tally["observed"] = 1
    if violations.reports:
        tally["violations"] = violations.tally()
        if precinct and violations.denied:
            tally["denied"] = 1
    return tally


@dataclass(slots=True)
class _Group:
    """The reports of one commission that are counted alike: same version, contest, slot, verified or not.

    Most answers are single choices; a report of nothing else is counted by one call, in C.
    """

    form: Form
    contest: int | None
    slot: str
    verified: bool
    reports: int = 0
    counts: Counter[tuple[str, Any]] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)  # several choices: the reports behind them
    found: Counter[str] = field(default_factory=Counter)  # several choices: reports with a finding among them
    refuted: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    other: frozenset[str] = field(init=False)  # questions that are not single choices
    conditional: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.other = frozenset(f.code for f in self.form.fields.values() if f.type not in SINGLE)
        self.conditional = frozenset(f.code for f in self.form.conditional)

    def add(self, report: Counted) -> None:
        self.reports += 1
        answers = report.answers
        if not self.conditional.isdisjoint(answers):
            answers = self.form.asked(answers)
        if not self.other.isdisjoint(answers):
            for code in self.other.intersection(answers):
                self._add_other(self.form.fields[code], answers[code])
            answers_single = {code: value for code, value in answers.items() if code not in self.other}
            self.counts.update(answers_single.items())
        else:
            self.counts.update(answers.items())
        for violation in report.violations:
            if violation.state == "refuted":
                self._set_aside(violation.code, answers)

    def _add_other(self, question: Field, value: Any) -> None:
        code = question.code
        if question.type in NUMBERS:
            _number_added(self.numbers.setdefault(code, {}), Decimal(value))
        elif question.type == "choices":
            self.answered[code] += 1
            self.found[code] += any(one in question.findings for one in value)
            self.counts.update((code, one) for one in value)

    def _set_aside(self, violation: str, answers: Mapping[str, Any]) -> None:
        """A refuted violation takes every answer of its report that raised it out of the findings."""
        for code, value in answers.items():
            question = self.form.fields[code]
            given = value if isinstance(value, list) else (value,)
            if question.raises == violation and any(one in question.findings for one in given):
                self.refuted[code] += 1


def _number_added(record: dict[str, Any], number: Decimal) -> None:
    if not record:
        record |= {"answered": 1, "sum": number, "min": number, "max": number}
        return
    record["answered"] += 1
    record["sum"] = EXACT.add(record["sum"], number)
    record["min"] = min(record["min"], number)
    record["max"] = max(record["max"], number)


def _add_groups(tally: Tally, groups: list[_Group]) -> None:
    tally["reports"] = sum(group.reports for group in groups)
    verified = sum(group.reports for group in groups if group.verified)
    if verified:
        tally["verified"] = verified
    stages: dict[str, Tally] = {}
    for name in sorted({group.form.stage for group in groups}):
        own = [group for group in groups if group.form.stage == name]
        stage = _part(own, pooled=True)
        parts = {f"{g.contest or ''}|{g.slot}" for g in own if g.contest is not None or g.slot}
        if parts:
            stage["parts"] = {
                part: _part([g for g in own if f"{g.contest or ''}|{g.slot}" == part], pooled=False)
                for part in sorted(parts)
            }
        stages[name] = stage
    tally["stages"] = stages


def _part(groups: list[_Group], *, pooled: bool) -> Tally:
    lists: dict[str, Tally] = {}
    for group in groups:
        numbers = not pooled or (group.contest is None and not group.slot)
        questions = _questions(group, numbers=numbers)
        known = lists.get(group.form.code)
        lists[group.form.code] = questions if known is None else absorb(known, questions)
    for questions in lists.values():
        for question in questions.values():
            if "yes_no" in question:
                _add_stations(question)
    return {"reports": sum(group.reports for group in groups), "commissions": 1, "lists": lists}


def _questions(group: _Group, *, numbers: bool) -> Tally:
    answers: dict[str, dict[str, int]] = {}
    for (code, value), n in group.counts.items():
        answers.setdefault(code, {})[value] = n
    questions: Tally = {}
    for code, counts in answers.items():
        question = group.form.fields[code]
        record: Tally = {KINDS[question.type]: _beside(group.verified, counts)}
        finding = _finding(group, question, counts)
        if finding:
            record["finding"] = finding
        questions[code] = record
    if numbers:
        for code, found in group.numbers.items():
            texts = {key: value if key == "answered" else number_text(value) for key, value in found.items()}
            questions[code] = {"numbers": _beside(group.verified, texts)}
    return questions


def _beside(verified: bool, counts: Mapping[str, Any]) -> Tally:
    """All reports and, side by side, the verified ones among them."""
    return {"all": dict(counts), "verified": dict(counts)} if verified else {"all": dict(counts)}


def _finding(group: _Group, question: Field, counts: Mapping[str, int]) -> Tally:
    """How many answers are a finding, and of how many; nothing for a question that has no such answer."""
    if question.type == "rating":
        n, of = sum(counts.get(one, 0) for one in NEGATIVE), sum(counts.values())
    elif not question.findings:
        return {}
    elif question.type == "yes_no":
        n = sum(counts.get(one, 0) for one in question.findings)
        of = counts.get("yes", 0) + counts.get("no", 0)
    elif question.type == "choices":
        n, of = group.found[question.code], group.answered[question.code]
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
    """One commission: whether its reports say yes, no, or contradict each other."""
    said = question["yes_no"]["all"]
    yes, no = said.get("yes", 0) > 0, said.get("no", 0) > 0
    if yes or no:
        question["stations"] = {"conflicting" if yes and no else "yes" if yes else "no": 1}


class _Violations:
    """Violations of one commission: reported counts reports, confirmed counts cases."""

    def __init__(self, kinds: Mapping[str, ViolationKind]) -> None:
        self.kinds = kinds
        self.reports = 0
        self.denied = False
        self.types: dict[str, Counter[str]] = {}
        self.reported: Counter[tuple[str, str]] = Counter()
        self.cases: dict[tuple[str, str], set[tuple[str, int]]] = {}

    def add(self, violations: Iterable[Raised]) -> None:
        """All violations of one report."""
        self.reports += 1
        touched: set[tuple[str, str]] = set()
        for one in violations:
            states = self.types.setdefault(one.code, Counter())
            states["reported"] += 1
            if one.state not in ("reported", "confirmed"):
                states[one.state] += 1
            kind = self.kinds.get(one.code)
            places = [("types", one.code)]
            if kind is not None:
                places += [("severities", kind.severity), ("groups", kind.group)]
                touched.update(places[1:])
                self.denied |= kind.denies_access and one.state != "refuted"
            if one.state == "confirmed":
                # A confirmed violation that nobody put into a case is a case of its own.
                case = ("violation", one.key) if one.case is None else ("case", one.case)
                for place in (*places, ("", "")):
                    self.cases.setdefault(place, set()).add(case)
        self.reported.update(touched)

    def tally(self) -> Tally:
        types = {code: dict(states) for code, states in self.types.items()}
        sums: dict[str, dict[str, dict[str, int]]] = {"severities": {}, "groups": {}}
        for (what, code), n in self.reported.items():
            sums[what][code] = {"reported": n}
        for (what, code), cases in self.cases.items():
            if what:
                (types if what == "types" else sums[what])[code]["confirmed"] = len(cases)
        total = {"confirmed": len(self.cases[("", "")])} if self.cases else {}
        return {"reports": self.reports, **total, "types": types, **sums}
