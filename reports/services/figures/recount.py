"""Checks the stored summaries against a second, independent count.

The summaries come from tallies that are built for one commission at a time and merged upwards. Here
every single answer is one line of a flat count, and commissions are added up by walking the tree in
memory. The two ways share only the *form* of the stored tally. An error that both make is an error
of definition, and the tests check the definitions.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from observer.models import Commission, Level
from reports.models import Due, Report, Summary, Violation, ViolationType
from reports.services.checklists.compiled import NEGATIVE_RATINGS, Field, Form, load_forms
from reports.services.figures.tally import EXACT_CONTEXT, unpack_observers
from reports.services.storage.snapshot import database_snapshot

FigurePath = tuple[str, ...]
GROUPS_BY_VERIFIED = {False: ("all",), True: ("all", "verified")}


@dataclass(slots=True)
class CountedFigures:
    """A commission's figures: numbers by their path in the tally."""

    counts: Counter[FigurePath] = field(default_factory=Counter)
    numbers: dict[FigurePath, tuple[Decimal, Decimal, Decimal]] = field(default_factory=dict)  # sum, min, max
    observers: set[int] = field(default_factory=set)

    def add_number(self, path: FigurePath, number: Decimal) -> None:
        self.add_numbers(path, (number, number, number))

    def add_numbers(self, path: FigurePath, numbers: tuple[Decimal, Decimal, Decimal]) -> None:
        known = self.numbers.get(path)
        if known is not None:
            numbers = (EXACT_CONTEXT.add(known[0], numbers[0]), min(known[1], numbers[1]), max(known[2], numbers[2]))
        self.numbers[path] = numbers

    def add(self, other: "CountedFigures") -> None:
        self.counts.update(other.counts)
        for path, numbers in other.numbers.items():
            self.add_numbers(path, numbers)
        self.observers |= other.observers


@dataclass(frozen=True, slots=True)
class RecountResult:
    """The result of a check of all summaries."""

    commissions: int  # how many there are
    different: dict[str, list[str]]  # codes of those that differ, with the first differing lines
    waiting: int  # how many cannot be judged, because they or a commission below them are due


def check_summaries() -> RecountResult:
    """Compares every summary with a second count, in one snapshot of the database.

    Writes nothing.
    """
    _lines_cache.clear()
    with database_snapshot():
        commissions = {
            commission.pk: commission
            for commission in Commission.objects.select_related("level", "election").order_by()
        }
        figures = _count_own_figures(commissions)
        waiting = set(Due.objects.order_by().values_list("commission_id", flat=True).distinct())
        # By the parents, not by the depths: the sums must be right also while a branch is being moved.
        order = _order_leaves_first(commissions)
        for commission in order:
            if commission.parent_id is not None:
                figures[commission.parent_id].add(figures[commission.pk])
                if commission.pk in waiting:
                    waiting.add(commission.parent_id)
        return RecountResult(len(commissions), _compare_summaries(commissions, figures, waiting), len(waiting))


def _order_leaves_first(commissions: Mapping[int, Commission]) -> list[Commission]:
    """Lists each commission after all those below it."""
    children: dict[int | None, list[Commission]] = defaultdict(list)
    for commission in commissions.values():
        children[commission.parent_id].append(commission)
    order, level = [], children[None]
    while level:
        order += level
        level = [child for commission in level for child in children[commission.pk]]
    return order[::-1]


# ── counting, one line at a time ────────────────────────────────────────────────────────────
def _count_own_figures(commissions: Mapping[int, Commission]) -> dict[int, CountedFigures]:
    """Counts what each commission's own reports say, without those below it."""
    figures = {key: CountedFigures() for key in commissions}
    for key, commission in commissions.items():
        if commission.level.kind == Level.Kind.PRECINCT:
            figures[key].counts[("precincts",)] = 1
    denying_commissions = _count_violations(commissions, figures)
    refuted_codes = _load_refuted_codes()
    forms: dict[int, Form] = {}
    marks: dict[int, set[FigurePath]] = defaultdict(set)
    reports = (
        Report.objects.counted()
        .order_by()
        .values_list("commission_id", "version_id", "contest_id", "slot", "state", "answers", "observer_id", "sequence")
    )
    for key, version, contest, slot, state, answers, observer, sequence in reports.iterator(chunk_size=5000):
        if version not in forms:
            forms |= load_forms({version})
        form = forms[version]
        figures[key].observers.add(observer)
        bases: list[tuple[FigurePath, bool]] = [(("stages", form.stage), contest is None and not slot)]
        if contest is not None or slot:
            bases.append((("stages", form.stage, "parts", f"{contest or ''}|{slot}"), True))
        verified = state == Report.State.VERIFIED
        codes = refuted_codes.get(sequence, frozenset())
        _count_report(figures[key], marks[key], form, form.filter_asked_answers(answers), bases, verified, codes)
        if form.repeat != "any":
            marks[key].add(("observed",))
    for key, paths in marks.items():
        _count_marks(figures[key], paths | ({("denied",)} if key in denying_commissions else set()), commissions[key])
    return figures


def _count_report(
    figures: CountedFigures,
    marks: set[FigurePath],
    form: Form,
    answers: Mapping[str, Any],
    bases: list[tuple[FigurePath, bool]],
    verified: bool,
    refuted_codes: frozenset[str],
) -> None:
    """Adds one report to its commission's figures.

    What counts once for each commission is added to `marks`. `bases`: the stage and its part, each with
    whether numbers are counted there. `refuted_codes`: codes of the report's refuted violations.
    """
    lines: list[FigurePath] = [("reports",), *([("verified",)] if verified else [])]
    for base, with_numbers in bases:
        lines.append((*base, "reports"))
        marks.add((*base, "commissions"))
        for code, value in answers.items():
            question = form.fields[code]
            path = (*base, "lists", form.code, code)
            if question.type in ("integer", "decimal"):
                if with_numbers:
                    for group in GROUPS_BY_VERIFIED[verified]:
                        lines.append((*path, "numbers", group, "answered"))
                        figures.add_number((*path, "numbers", group), Decimal(value))
            elif question.type in ("yes_no", "rating", "choice", "choices", "violation"):
                given = tuple(value) if question.type == "choices" else (value,)
                is_refuted = question.raises in refuted_codes and any(answer in question.findings for answer in given)
                key = (path, form.version_id, given, verified, is_refuted)
                entry = _lines_cache.get(key)
                if entry is None:
                    entry = _lines_cache[key] = _build_lines(question, path, given, verified, is_refuted)
                lines += entry[0]
                if entry[1] is not None:
                    marks.add(entry[1])
    figures.counts.update(lines)


# The same few answers come a million times, so their lines are built only once.
_lines_cache: dict[tuple[Any, ...], tuple[list[FigurePath], FigurePath | None]] = {}


def _build_lines(
    question: Field, path: FigurePath, given: tuple[str, ...], verified: bool, is_refuted: bool
) -> tuple[list[FigurePath], FigurePath | None]:
    """Builds the lines that one answer adds to.

    Returns them with the answer's mark about the station, or None. `is_refuted`: the answer raised a
    violation that was refuted.
    """
    kind = question.type
    stored = kind if kind in ("yes_no", "rating") else "choices"
    lines: list[FigurePath] = [
        (*path, stored, group, answer) for group in GROUPS_BY_VERIFIED[verified] for answer in given
    ]
    of_station = (*path, "stations", given[0]) if kind == "yes_no" and given[0] in ("yes", "no") else None
    findings = NEGATIVE_RATINGS if kind == "rating" else question.findings
    if not findings:
        return lines, of_station
    for base in [(*path, "finding"), (*path, "finding", "verified")][: 1 + verified]:
        if kind != "yes_no" or of_station is not None:
            lines.append((*base, "of"))
        if not is_refuted and any(answer in findings for answer in given):
            lines.append((*base, "n"))
    if is_refuted:
        lines.append((*path, "finding", "refuted"))
    return lines, of_station


def _count_marks(figures: CountedFigures, marks: set[FigurePath], commission: Commission) -> None:
    """Counts what is zero or one at a commission.

    Whether it has reports, was observed, denied access, and what its reports say about the station.
    """
    for mark in marks:
        if mark[-1] == "commissions":
            figures.counts[mark] = 1
        elif mark in (("observed",), ("denied",)):
            figures.counts[mark] = int(commission.level.kind == Level.Kind.PRECINCT)
        elif {(*mark[:-1], "yes"), (*mark[:-1], "no")} <= marks:
            figures.counts[(*mark[:-1], "conflicting")] = 1
        else:
            figures.counts[mark] = 1


def _load_refuted_codes() -> dict[int, frozenset[str]]:
    """Loads the refuted violation codes, by report."""
    codes: dict[int, set[str]] = defaultdict(set)
    rows = Violation.objects.filter(state=Violation.State.REFUTED).values_list("report_id", "code")
    for report, code in rows.iterator(chunk_size=5000):
        codes[report].add(code)
    return {report: frozenset(found) for report, found in codes.items()}


def _count_violations(commissions: Mapping[int, Commission], figures: Mapping[int, CountedFigures]) -> set[int]:
    """Counts violations into `figures`.

    Returns the commissions with a violation that denies access and is not refuted.
    """
    kinds = {(kind.election_id, kind.code): kind for kind in ViolationType.objects.select_related("group").order_by()}
    denied = set()
    rows = (
        Violation.objects.filter(report__in=Report.objects.counted())
        .order_by("report__commission_id")
        .values_list("report__commission_id", "report_id", "pk", "code", "state", "case_id")
    )
    for key, violations in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        # Each line counts once for a report, or once for a case: so pairs are collected in a set.
        distinct: set[tuple[FigurePath, str, int]] = set()
        for _key, report, pk, code, state, case in violations:
            kind = kinds.get((commissions[key].election_id, code))
            paths: list[FigurePath] = [("types", code)]
            if kind is not None:
                paths += [("severities", kind.severity), ("groups", kind.group.code)]
                if kind.denies_access and state != Violation.State.REFUTED:
                    denied.add(key)
            distinct.add((("reports",), "report", report))
            distinct.update(((*path, "reported"), "report", report) for path in paths)
            if state == Violation.State.CONFIRMED:
                case_key = ("violation", pk) if case is None else ("case", case)
                distinct.update(((*path, "confirmed"), *case_key) for path in ((), *paths))
            elif state != Violation.State.REPORTED:
                distinct.add((("types", code, state), "violation", pk))
        figures[key].counts.update(("violations", *path) for path, _what, _key in distinct)
    return denied


# ── comparing ───────────────────────────────────────────────────────────────────────────────
def _compare_summaries(
    commissions: Mapping[int, Commission], figures: Mapping[int, CountedFigures], waiting: set[int]
) -> dict[str, list[str]]:
    """Finds the commissions that differ.

    Returns their codes with the first twenty differing lines of each.
    """
    different: dict[str, list[str]] = {}
    without_summary = set(commissions)
    for summary in Summary.objects.order_by().iterator(chunk_size=500):
        without_summary.discard(summary.pk)
        if summary.pk not in waiting:
            lines = _find_differences(figures[summary.pk], summary) + _find_children_differences(
                commissions, figures, summary
            )
            if lines:
                different[commissions[summary.pk].code] = lines[:20]
    for key in without_summary - waiting:
        # It was never computed, which is right only where nothing was reported.
        if figures[key].counts.keys() - {("precincts",)}:
            different[commissions[key].code] = ["there is no summary"]
    return dict(sorted(different.items()))


def _find_differences(expected: CountedFigures, summary: Summary) -> list[str]:
    stored = CountedFigures(observers=unpack_observers(summary.observers))
    _flatten_tally(summary.tally, (), stored)
    lines = []
    for path in sorted(expected.counts.keys() | stored.counts.keys()):
        if expected.counts[path] != stored.counts[path]:
            lines.append(f"{'/'.join(path)}: stored {stored.counts[path]}, counted {expected.counts[path]}")
    for path in sorted(expected.numbers.keys() | stored.numbers.keys()):
        if expected.numbers.get(path) != stored.numbers.get(path):
            lines.append(f"{'/'.join(path)}: sum, min or max differ")
    if expected.observers != stored.observers:
        lines.append(f"observers: stored {len(stored.observers)}, counted {len(expected.observers)}")
    return lines


def _flatten_tally(tally: Mapping[str, Any], path: FigurePath, into: CountedFigures) -> None:
    if isinstance(tally.get("sum"), str):
        into.numbers[path] = (Decimal(tally["sum"]), Decimal(tally["min"]), Decimal(tally["max"]))
    for key, value in tally.items():
        if isinstance(value, dict):
            _flatten_tally(value, (*path, key), into)
        elif isinstance(value, int):
            into.counts[(*path, key)] = value


def _find_children_differences(
    commissions: Mapping[int, Commission], figures: Mapping[int, CountedFigures], summary: Summary
) -> list[str]:
    lines = []
    for child in summary.children:
        key = child["commission"]
        if key not in commissions or commissions[key].parent_id != summary.pk:
            lines.append(f"children: {key} is not one of them")
            continue
        counts = figures[key].counts
        listed = (child["coverage"]["reports"], child["coverage"]["precincts"], child["coverage"]["observers"])
        counted = (counts[("reports",)], counts[("precincts",)], len(figures[key].observers))
        if listed != counted or child["violations"]["reported"] != counts[("violations", "reports")]:
            lines.append(f"children: {commissions[key].code} is listed with {listed}, counted {counted}")
    return lines
