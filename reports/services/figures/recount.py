"""Are the stored figures what the reports say? Everything is counted anew, on another way, and compared.

The summaries come from tallies that are built a commission at a time and merged upwards. Here every
single answer is one line of a flat count, commissions are added up by walking the tree in memory,
and only the stored tally's *form* is shared with the other way. What both get wrong alike is a
question of definition, and those are in the tests.
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
from reports.services.checklists.compiled import NEGATIVE, Field, Form, forms_of
from reports.services.figures.tally import EXACT, observers_unpacked
from reports.services.storage.snapshot import database_moment

Path = tuple[str, ...]
BESIDE = {False: ("all",), True: ("all", "verified")}


@dataclass(slots=True)
class Figures:
    """A commission's figures as flat lines: a path in the tally, and a number."""

    counts: Counter[Path] = field(default_factory=Counter)
    numbers: dict[Path, tuple[Decimal, Decimal, Decimal]] = field(default_factory=dict)  # sum, min, max
    observers: set[int] = field(default_factory=set)

    def add_number(self, path: Path, number: Decimal) -> None:
        self.add_numbers(path, (number, number, number))

    def add_numbers(self, path: Path, found: tuple[Decimal, Decimal, Decimal]) -> None:
        mine = self.numbers.get(path)
        if mine is not None:
            found = (EXACT.add(mine[0], found[0]), min(mine[1], found[1]), max(mine[2], found[2]))
        self.numbers[path] = found

    def add(self, other: "Figures") -> None:
        self.counts.update(other.counts)
        for path, found in other.numbers.items():
            self.add_numbers(path, found)
        self.observers |= other.observers


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: how many commissions, codes of those that differ with the first differing lines, and
    how many cannot be judged because they, or one below them, are still due."""

    commissions: int
    different: dict[str, list[str]]
    waiting: int


def summaries_check() -> Checked:
    """Compares every summary with a recomputation, in one snapshot of the database. Changes nothing."""
    _known_lines.clear()
    with database_moment():
        places = {place.pk: place for place in Commission.objects.select_related("level", "election").order_by()}
        figures = _own(places)
        waiting = set(Due.objects.order_by().values_list("commission_id", flat=True).distinct())
        # By the true parents, not by depth: a tree in the middle of a move must still add up.
        order = _leaves_first(places)
        for place in order:
            if place.parent_id is not None:
                figures[place.parent_id].add(figures[place.pk])
                if place.pk in waiting:
                    waiting.add(place.parent_id)
        return Checked(len(places), _compare(places, figures, waiting), len(waiting))


def _leaves_first(places: Mapping[int, Commission]) -> list[Commission]:
    below: dict[int | None, list[Commission]] = defaultdict(list)
    for place in places.values():
        below[place.parent_id].append(place)
    order, front = [], below[None]
    while front:
        order += front
        front = [child for place in front for child in below[place.pk]]
    return order[::-1]


# ── counting, one line at a time ────────────────────────────────────────────────────────────
def _own(places: Mapping[int, Commission]) -> dict[int, Figures]:
    figures = {key: Figures() for key in places}
    for key, place in places.items():
        if place.level.kind == Level.Kind.PRECINCT:
            figures[key].counts[("precincts",)] = 1
    denied = _count_violations(places, figures)
    refuted = _refuted()
    forms: dict[int, Form] = {}
    marks: dict[int, set[Path]] = defaultdict(set)
    rows = (
        Report.objects.counted()
        .order_by()
        .values_list("commission_id", "version_id", "contest_id", "slot", "state", "answers", "observer_id", "sequence")
    )
    for key, version, contest, slot, state, answers, observer, sequence in rows.iterator(chunk_size=5000):
        if version not in forms:
            forms |= forms_of({version})
        form = forms[version]
        figures[key].observers.add(observer)
        bases: list[tuple[Path, bool]] = [(("stages", form.stage), contest is None and not slot)]
        if contest is not None or slot:
            bases.append((("stages", form.stage, "parts", f"{contest or ''}|{slot}"), True))
        verified = state == Report.State.VERIFIED
        aside = refuted.get(sequence, frozenset())
        _count_report(figures[key], marks[key], form, form.asked(answers), bases, verified, aside)
        if form.repeat != "any":
            marks[key].add(("observed",))
    for key, found in marks.items():
        _count_places(figures[key], found | ({("denied",)} if key in denied else set()), places[key])
    return figures


def _count_report(
    figures: Figures,
    marks: set[Path],
    form: Form,
    answers: Mapping[str, Any],
    bases: list[tuple[Path, bool]],
    verified: bool,
    aside: frozenset[str],
) -> None:
    lines: list[Path] = [("reports",), *([("verified",)] if verified else [])]
    for base, with_numbers in bases:
        lines.append((*base, "reports"))
        marks.add((*base, "commissions"))
        for code, value in answers.items():
            question = form.fields[code]
            path = (*base, "lists", form.code, code)
            if question.type in ("integer", "decimal"):
                if with_numbers:
                    for beside in BESIDE[verified]:
                        lines.append((*path, "numbers", beside, "answered"))
                        figures.add_number((*path, "numbers", beside), Decimal(value))
            elif question.type in ("yes_no", "rating", "choice", "choices", "violation"):
                given = tuple(value) if question.type == "choices" else (value,)
                out = question.raises in aside and any(one in question.findings for one in given)
                key = (path, form.version_id, given, verified, out)
                found = _known_lines.get(key)
                if found is None:
                    found = _known_lines[key] = _lines(question, path, given, verified, out)
                lines += found[0]
                if found[1] is not None:
                    marks.add(found[1])
    figures.counts.update(lines)


# The same few answers come a million times; their lines are worked out once.
_known_lines: dict[tuple[Any, ...], tuple[list[Path], Path | None]] = {}


def _lines(
    question: Field, path: Path, given: tuple[str, ...], verified: bool, out: bool
) -> tuple[list[Path], Path | None]:
    """The lines that one answer adds to, and what it says about the station; `out`: a refuted violation's answer."""
    kind = question.type
    stored = kind if kind in ("yes_no", "rating") else "choices"
    lines: list[Path] = [(*path, stored, beside, one) for beside in BESIDE[verified] for one in given]
    of_station = (*path, "stations", given[0]) if kind == "yes_no" and given[0] in ("yes", "no") else None
    findings = NEGATIVE if kind == "rating" else question.findings
    if not findings:
        return lines, of_station
    for base in [(*path, "finding"), (*path, "finding", "verified")][: 1 + verified]:
        if kind != "yes_no" or of_station is not None:
            lines.append((*base, "of"))
        if not out and any(one in findings for one in given):
            lines.append((*base, "n"))
    if out:
        lines.append((*path, "finding", "refuted"))
    return lines, of_station


def _count_places(figures: Figures, marks: set[Path], place: Commission) -> None:
    """What is nought or one at a commission: that it was reported about, observed, denied, and what it said."""
    for mark in marks:
        if mark[-1] == "commissions":
            figures.counts[mark] = 1
        elif mark in (("observed",), ("denied",)):
            figures.counts[mark] = int(place.level.kind == Level.Kind.PRECINCT)
        elif {(*mark[:-1], "yes"), (*mark[:-1], "no")} <= marks:
            figures.counts[(*mark[:-1], "conflicting")] = 1
        else:
            figures.counts[mark] = 1


def _refuted() -> dict[int, frozenset[str]]:
    """Refuted codes by report."""
    codes: dict[int, set[str]] = defaultdict(set)
    rows = Violation.objects.filter(state=Violation.State.REFUTED).values_list("report_id", "code")
    for report, code in rows.iterator(chunk_size=5000):
        codes[report].add(code)
    return {report: frozenset(found) for report, found in codes.items()}


def _count_violations(places: Mapping[int, Commission], figures: Mapping[int, Figures]) -> set[int]:
    """Counts violations; the commissions where a violation that denies access stands."""
    kinds = {(kind.election_id, kind.code): kind for kind in ViolationType.objects.select_related("group").order_by()}
    denied = set()
    rows = (
        Violation.objects.filter(report__in=Report.objects.counted())
        .order_by("report__commission_id")
        .values_list("report__commission_id", "report_id", "pk", "code", "state", "case_id")
    )
    for key, found in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        # Each line once a report, or once a case: distinct pairs.
        once: set[tuple[Path, str, int]] = set()
        for _key, report, pk, code, state, case in found:
            kind = kinds.get((places[key].election_id, code))
            over: list[Path] = [("types", code)]
            if kind is not None:
                over += [("severities", kind.severity), ("groups", kind.group.code)]
                if kind.denies_access and state != Violation.State.REFUTED:
                    denied.add(key)
            once.add((("reports",), "report", report))
            once.update(((*path, "reported"), "report", report) for path in over)
            if state == Violation.State.CONFIRMED:
                name = ("violation", pk) if case is None else ("case", case)
                once.update(((*path, "confirmed"), *name) for path in ((), *over))
            elif state != Violation.State.REPORTED:
                once.add((("types", code, state), "violation", pk))
        figures[key].counts.update(("violations", *path) for path, _what, _key in once)
    return denied


# ── comparing ───────────────────────────────────────────────────────────────────────────────
def _compare(
    places: Mapping[int, Commission], figures: Mapping[int, Figures], waiting: set[int]
) -> dict[str, list[str]]:
    different: dict[str, list[str]] = {}
    unseen = set(places)
    for row in Summary.objects.order_by().iterator(chunk_size=500):
        unseen.discard(row.pk)
        if row.pk not in waiting:
            lines = _differences(figures[row.pk], row) + _children_differences(places, figures, row)
            if lines:
                different[places[row.pk].code] = lines[:20]
    for key in unseen - waiting:
        # Never computed, and rightly so only where nothing was ever said.
        if figures[key].counts.keys() - {("precincts",)}:
            different[places[key].code] = ["there is no summary"]
    return dict(sorted(different.items()))


def _differences(expected: Figures, row: Summary) -> list[str]:
    stored = Figures(observers=observers_unpacked(row.observers))
    _flatten(row.tally, (), stored)
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


def _flatten(tally: Mapping[str, Any], path: Path, into: Figures) -> None:
    if isinstance(tally.get("sum"), str):
        into.numbers[path] = (Decimal(tally["sum"]), Decimal(tally["min"]), Decimal(tally["max"]))
    for key, value in tally.items():
        if isinstance(value, dict):
            _flatten(value, (*path, key), into)
        elif isinstance(value, int):
            into.counts[(*path, key)] = value


def _children_differences(places: Mapping[int, Commission], figures: Mapping[int, Figures], row: Summary) -> list[str]:
    lines = []
    for child in row.children:
        key = child["commission"]
        if key not in places or places[key].parent_id != row.pk:
            lines.append(f"children: {key} is not one of them")
            continue
        counts = figures[key].counts
        said = (child["coverage"]["reports"], child["coverage"]["precincts"], child["coverage"]["observers"])
        true = (counts[("reports",)], counts[("precincts",)], len(figures[key].observers))
        if said != true or child["violations"]["reported"] != counts[("violations", "reports")]:
            lines.append(f"children: {places[key].code} is listed with {said}, counted {true}")
    return lines
