"""A commission's page, made ready to be read from the summary document and the names of what it counts.

Pure: no database, no clock. A test can say of any document what its page says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from observer.words import in_language
from reports.pages.http.formats import moment, number
from reports.pages.places.names import Group, Kind, Stage
from reports.pages.places.stages import Address, Ratio, StageView, nowhere, ratio, stage_views
from reports.services.figures.format import figure

SEVERITIES = ("critical", "major", "minor")


@dataclass(frozen=True)
class Place:
    """Where the page is: `zone` is the place's time zone, `order` the election's languages."""

    is_precinct: bool
    zone: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One figure of the first screen, with what it counts."""

    label: str
    value: str
    note: str = ""
    path: str = ""


@dataclass(frozen=True)
class Breach:
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
class BreachGroup:
    """Violations that are alike enough for one table. They are not added up."""

    name: str
    types: tuple[Breach, ...]


@dataclass(frozen=True)
class Child:
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
    """Everything a commission's page shows."""

    answer: tuple[str, ...]
    facts: tuple[Fact, ...]
    stages: tuple[StageView, ...]
    groups: tuple[BreachGroup, ...]
    children: tuple[Child, ...]
    as_of: str
    nothing_yet: bool


def page_view(
    document: Mapping[str, Any],
    stages: Mapping[str, Stage],
    groups: Sequence[Group],
    place: Place,
    language: str,
    address: Address = nowhere,
) -> PageView:
    """The page of one summary document. Call it with `language` active."""
    coverage = document["coverage"]
    views = stage_views(document["stages"], stages, language, place.order, address)
    return PageView(
        answer=tuple(_answer(coverage, views, place, language)),
        facts=tuple(_facts(coverage, place, language)),
        stages=tuple(views),
        groups=tuple(_groups(document["violations"]["by_type"], groups, place.order, language)),
        children=tuple(_child(child, language) for child in document["children"]),
        as_of=moment(datetime.fromisoformat(document["as_of"]), place.zone, language) if document["as_of"] else "",
        nothing_yet=not coverage["reports"],
    )


# ── the answer ──────────────────────────────────────────────────────────────────────────────
def _answer(coverage: Mapping[str, int], views: Sequence[StageView], place: Place, language: str) -> list[str]:
    """How much was seen, then how the largest rated stage was judged: a fixed rule, on nobody's side."""
    if not coverage["reports"]:
        return [_("Nothing has been observed here yet.")]
    sentences = [_watched(coverage, place, language)]
    rated = [view for view in views if view.ratings and view.ratings[0].negative]
    if rated:
        stage = max(rated, key=lambda view: view.weight)
        sentences.append(_judged(stage))
    return sentences


def _watched(coverage: Mapping[str, int], place: Place, language: str) -> str:
    reports = number(coverage["reports"], language)
    if place.is_precinct or not coverage["precincts"]:
        return ngettext(
            "Observers sent %(reports)s report from here.",
            "Observers sent %(reports)s reports from here.",
            coverage["reports"],
        ) % {"reports": reports}
    seen = _ratio(coverage["precincts_observed"], coverage["precincts"], language)
    sentence = ngettext(
        "Observers reported from %(n)s of %(of)s polling station%(share)s.",
        "Observers reported from %(n)s of %(of)s polling stations%(share)s.",
        coverage["precincts"],
    )
    return sentence % {"n": seen.n, "of": seen.of, "share": f" ({seen.percent})" if seen.percent else ""}


def _judged(stage: StageView) -> str:
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


def _ratio(n: int, of: int, language: str) -> Ratio:
    return ratio(n, of, figure(n, of), language)


def _facts(coverage: Mapping[str, int], place: Place, language: str) -> list[Fact]:
    reports = number(coverage["reports"], language)
    facts = []
    if not place.is_precinct:
        seen = _ratio(coverage["precincts_observed"], coverage["precincts"], language)
        of = _("of %(of)s") % {"of": seen.of}
        note = f"{of} · {seen.percent}" if seen.percent else of
        facts.append(Fact(_("Polling stations observed"), seen.n, note, "coverage|||precincts_observed"))
        missed = coverage["precincts"] - coverage["precincts_observed"]
        facts.append(Fact(_("Polling stations not observed"), number(missed, language), of, "coverage|||not_observed"))
    facts += [
        Fact(_("Observers"), number(coverage["observers"], language), path="coverage|||observers"),
        Fact(_("Reports"), reports, path="coverage|||reports"),
        Fact(
            _("Reports verified"),
            number(coverage["reports_verified"], language),
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
                number(coverage["precincts_denied"], language),
                _("as reported"),
                "coverage|||precincts_denied",
            )
        )
    return facts


# ── violations ──────────────────────────────────────────────────────────────────────────────
def severity_word(code: str) -> str:
    return {"critical": _("critical"), "major": _("major"), "minor": _("minor")}.get(code, code)


def _groups(
    by_type: Mapping[str, Mapping[str, int]], groups: Sequence[Group], order: tuple[str, ...], language: str
) -> list[BreachGroup]:
    """Only what was reported, in the order of the list of violations; unknown codes in a group of their own."""
    shown = []
    for group in groups:
        met = [kind for kind in group.types if kind.code in by_type]
        most = max((by_type[kind.code].get("reported", 0) for kind in met), default=0)
        types = tuple(_breach(kind, by_type[kind.code], order, language, most) for kind in met)
        if types:
            shown.append(BreachGroup(in_language(group.names, language, order), types))
    known = {kind.code for group in groups for kind in group.types}
    if others := [code for code in by_type if code not in known]:
        types = tuple(_breach(Kind(code, {}, ""), by_type[code], order, language, 0) for code in sorted(others))
        shown.append(BreachGroup(_("Other"), types))
    return shown


def _breach(kind: Kind, counts: Mapping[str, int], order: tuple[str, ...], language: str, most: int) -> Breach:
    """`most`: of the reports of any type in its group, for its bar."""
    reported, confirmed, refuted, solved, passed_on = (
        number(counts.get(state, 0), language) for state in ("reported", "confirmed", "refuted", "solved", "passed_on")
    )
    return Breach(
        code=kind.code,
        name=in_language(kind.names, language, order) or kind.code,
        severity=kind.severity if kind.severity in SEVERITIES else "unknown",
        severity_word=severity_word(kind.severity),
        reported=reported,
        confirmed=confirmed,
        refuted=refuted,
        solved=solved,
        passed_on=passed_on,
        width=f"{100 * counts.get('reported', 0) / most:.2f}" if most else "0",
    )


def _child(child: Mapping[str, Any], language: str) -> Child:
    coverage = child["coverage"]
    return Child(
        code=child["code"],
        name=child["name"] or child["code"],
        observed=replace(
            _ratio(coverage["precincts_observed"], coverage["precincts"], language),
            path=f"child||{child['code']}|coverage.precincts_observed",
        ),
        observers=number(coverage["observers"], language),
        reports=number(coverage["reports"], language),
        verified=number(coverage["reports_verified"], language),
        silent=not coverage["reports"],
    )
