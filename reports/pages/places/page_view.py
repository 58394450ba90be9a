"""View of a commission's page.

It is built from the summary document and the names in the codebook.

Pure: no database, no clock, so that a test can check the page of any document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from observer.words import get_translation
from reports.pages.http.formats import format_number, format_timestamp
from reports.pages.places.names import CodebookStage, CodebookViolationGroup, CodebookViolationType
from reports.pages.places.stages import (
    AddressBuilder,
    Ratio,
    StageView,
    build_no_address,
    build_ratio,
    build_stage_views,
)
from reports.services.figures.format import format_figure

SEVERITIES = ("critical", "major", "minor")


@dataclass(frozen=True)
class PageLocation:
    """The place that the page is about.

    `zone`: its time zone; `order`: the election's languages.
    """

    is_precinct: bool
    zone: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One key figure at the top of the page."""

    label: str
    value: str
    note: str = ""
    path: str = ""


@dataclass(frozen=True)
class ViolationRow:
    """One violation type: `reported` counts reports, `confirmed` counts cases."""

    code: str
    name: str
    severity: str
    severity_word: str
    reported: str
    confirmed: str
    refuted: str
    solved: str
    passed_on: str
    width: str

    @property
    def path(self) -> str:
        return f"violations by_type||{self.code}|"


@dataclass(frozen=True)
class ViolationTable:
    """The violation types of one group, in one table.

    They are not added up.
    """

    name: str
    types: tuple[ViolationRow, ...]


@dataclass(frozen=True)
class ChildRow:
    """A commission below this one."""

    code: str
    name: str
    observed: Ratio
    observers: str
    reports: str
    verified: str
    silent: bool

    @property
    def path(self) -> str:
        return f"child||{self.code}|coverage."


@dataclass(frozen=True)
class PageView:
    """Everything that a commission's page shows."""

    answer: tuple[str, ...]
    facts: tuple[Fact, ...]
    stages: tuple[StageView, ...]
    groups: tuple[ViolationTable, ...]
    children: tuple[ChildRow, ...]
    as_of: str
    nothing_yet: bool


def build_page_view(
    document: Mapping[str, Any],
    stages: Mapping[str, CodebookStage],
    groups: Sequence[CodebookViolationGroup],
    place: PageLocation,
    language: str,
    address: AddressBuilder = build_no_address,
) -> PageView:
    """Build the page view of one summary document.

    Call it with `language` active.
    """
    coverage = document["coverage"]
    views = build_stage_views(document["stages"], stages, language, place.order, address)
    return PageView(
        answer=tuple(_build_answer(coverage, views, place, language)),
        facts=tuple(_build_facts(coverage, place, language)),
        stages=tuple(views),
        groups=tuple(_build_violation_tables(document["violations"]["by_type"], groups, place.order, language)),
        children=tuple(_build_child_row(child, language) for child in document["children"]),
        as_of=format_timestamp(datetime.fromisoformat(document["as_of"]), place.zone, language)
        if document["as_of"]
        else "",
        nothing_yet=not coverage["reports"],
    )


# ── the answer ──────────────────────────────────────────────────────────────────────────────
def _build_answer(
    coverage: Mapping[str, int], views: Sequence[StageView], place: PageLocation, language: str
) -> list[str]:
    """Build the sentences that answer the reader first.

    They give the coverage, then the rating of the rated stage with the most reports.

    The rule is fixed, so that the choice is neutral.
    """
    if not coverage["reports"]:
        return [_("Nothing has been observed here yet.")]
    sentences = [_describe_coverage(coverage, place, language)]
    rated = [view for view in views if view.ratings and view.ratings[0].negative]
    if rated:
        stage = max(rated, key=lambda view: view.weight)
        sentences.append(_describe_rating(stage))
    return sentences


def _describe_coverage(coverage: Mapping[str, int], place: PageLocation, language: str) -> str:
    reports = format_number(coverage["reports"], language)
    if place.is_precinct or not coverage["precincts"]:
        return ngettext(
            "Observers sent %(reports)s report from here.",
            "Observers sent %(reports)s reports from here.",
            coverage["reports"],
        ) % {"reports": reports}
    observed = _build_ratio(coverage["precincts_observed"], coverage["precincts"], language)
    sentence = ngettext(
        "Observers reported from %(n)s of %(of)s polling station%(share)s.",
        "Observers reported from %(n)s of %(of)s polling stations%(share)s.",
        coverage["precincts"],
    )
    return sentence % {
        "n": observed.n,
        "of": observed.of,
        "share": f" ({observed.percent})" if observed.percent else "",
    }


def _describe_rating(stage: StageView) -> str:
    negative = stage.ratings[0].negative
    assert negative is not None
    sentence = ngettext(
        "%(stage)s: judged bad or very bad in %(n)s of %(of)s observation%(share)s.",
        "%(stage)s: judged bad or very bad in %(n)s of %(of)s observations%(share)s.",
        negative.total,
    )
    return sentence % {
        "stage": stage.title,
        "n": negative.n,
        "of": negative.of,
        "share": f" ({negative.percent})" if negative.percent else "",
    }


def _build_ratio(n: int, of: int, language: str) -> Ratio:
    return build_ratio(n, of, format_figure(n, of), language)


def _build_facts(coverage: Mapping[str, int], place: PageLocation, language: str) -> list[Fact]:
    reports = format_number(coverage["reports"], language)
    facts = []
    if not place.is_precinct:
        observed = _build_ratio(coverage["precincts_observed"], coverage["precincts"], language)
        of = _("of %(of)s") % {"of": observed.of}
        note = f"{of} · {observed.percent}" if observed.percent else of
        facts.append(Fact(_("Polling stations observed"), observed.n, note, "coverage|||precincts_observed"))
        not_observed = coverage["precincts"] - coverage["precincts_observed"]
        facts.append(
            Fact(
                _("Polling stations not observed"), format_number(not_observed, language), of, "coverage|||not_observed"
            )
        )
    facts += [
        Fact(_("Observers"), format_number(coverage["observers"], language), path="coverage|||observers"),
        Fact(_("Reports"), reports, path="coverage|||reports"),
        Fact(
            _("Reports verified"),
            format_number(coverage["reports_verified"], language),
            _("of %(of)s") % {"of": reports},
            "coverage|||reports_verified",
        ),
    ]
    if place.is_precinct:
        denied = _("yes, reported") if coverage["precincts_denied"] else _("not reported")
        facts.append(Fact(_("Observers denied access"), "", denied))
    else:
        facts.append(
            Fact(
                _("Stations that denied observers access"),
                format_number(coverage["precincts_denied"], language),
                _("as reported"),
                "coverage|||precincts_denied",
            )
        )
    return facts


# ── violations ──────────────────────────────────────────────────────────────────────────────
def translate_severity(code: str) -> str:
    return {"critical": _("critical"), "major": _("major"), "minor": _("minor")}.get(code, code)


def _build_violation_tables(
    by_type: Mapping[str, Mapping[str, int]],
    groups: Sequence[CodebookViolationGroup],
    order: tuple[str, ...],
    language: str,
) -> list[ViolationTable]:
    """Build the tables of the reported violations, in the codebook's order.

    Unknown codes form the last table.
    """
    shown = []
    for group in groups:
        reported_types = [kind for kind in group.types if kind.code in by_type]
        most = max((by_type[kind.code].get("reported", 0) for kind in reported_types), default=0)
        types = tuple(_build_violation_row(kind, by_type[kind.code], order, language, most) for kind in reported_types)
        if types:
            shown.append(ViolationTable(get_translation(group.names, language, order), types))
    known = {kind.code for group in groups for kind in group.types}
    if others := [code for code in by_type if code not in known]:
        types = tuple(
            _build_violation_row(CodebookViolationType(code, {}, ""), by_type[code], order, language, 0)
            for code in sorted(others)
        )
        shown.append(ViolationTable(_("Other"), types))
    return shown


def _build_violation_row(
    kind: CodebookViolationType, counts: Mapping[str, int], order: tuple[str, ...], language: str, most: int
) -> ViolationRow:
    """Build one row.

    `most`: the largest number of reports of any type in the group, for the width of the bar.
    """
    reported, confirmed, refuted, solved, passed_on = (
        format_number(counts.get(state, 0), language)
        for state in ("reported", "confirmed", "refuted", "solved", "passed_on")
    )
    return ViolationRow(
        code=kind.code,
        name=get_translation(kind.names, language, order) or kind.code,
        severity=kind.severity if kind.severity in SEVERITIES else "unknown",
        severity_word=translate_severity(kind.severity),
        reported=reported,
        confirmed=confirmed,
        refuted=refuted,
        solved=solved,
        passed_on=passed_on,
        width=f"{100 * counts.get('reported', 0) / most:.2f}" if most else "0",
    )


def _build_child_row(child: Mapping[str, Any], language: str) -> ChildRow:
    coverage = child["coverage"]
    return ChildRow(
        code=child["code"],
        name=child["name"] or child["code"],
        observed=replace(
            _build_ratio(coverage["precincts_observed"], coverage["precincts"], language),
            path=f"child||{child['code']}|coverage.precincts_observed",
        ),
        observers=format_number(coverage["observers"], language),
        reports=format_number(coverage["reports"], language),
        verified=format_number(coverage["reports_verified"], language),
        silent=not coverage["reports"],
    )
