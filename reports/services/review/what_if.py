"""What quarantining or restoring an observer would change in the figures.

Computed only; nothing is written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from observer.models import Commission, Election, Observer
from reports.models import Question, Report, Summary
from reports.services.figures.format import format_figure
from reports.services.figures.refresh import compute_what_if_tallies
from reports.services.figures.tally import Tally
from reports.services.review.superseding import compute_superseded_if_restored


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure of the whole election before and after.

    `code` and `labels` are those of a question. For a figure of the coverage, `code` is its key in the
    tally, and `stage` and `labels` are empty.
    """

    stage: str
    code: str
    labels: Mapping[str, str]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class QuarantineEffect:
    """What a quarantine, or its end, would change.

    `reports`: how many reports would change; `moved`: how many of them would leave or enter the figures;
    `places`: about how many commissions these are; `lines`: the figures that would change.
    """

    reports: int
    moved: int
    places: int
    lines: list[FigureChange]


def compute_quarantine_effect(*, observer: Observer, election: Election, quarantine: bool) -> QuarantineEffect:
    """Compares the figures before and after a quarantine.

    The figures are those of the whole election. `quarantine`: True for setting the observer aside, False for
    restoring them.
    """
    reports_of_observer = Report.objects.filter(observer=observer, commission__election=election)
    if quarantine:
        moved_rows = list(reports_of_observer.counted().values_list("pk", "commission_id"))
    else:
        superseded_by_key = compute_superseded_if_restored(observer=observer, election=election)
        rows = reports_of_observer.values_list("pk", "commission_id")
        moved_rows = [row for row in rows if superseded_by_key.get(row[0]) is False]
        counted_keys = set(reports_of_observer.counted().values_list("pk", flat=True))
        moved_rows = [row for row in moved_rows if row[0] not in counted_keys]
    keys = {pk for pk, _place in moved_rows}
    places = Commission.objects.select_related("level").in_bulk({place for _pk, place in moved_rows})
    counted = Report.objects.counted().filter(commission__in=places)
    reports = counted if quarantine else Report.objects.filter(Q(pk__in=counted.values("pk")) | Q(pk__in=keys))
    top = Summary.objects.filter(commission__election=election, commission__parent=None).first()
    before: Tally = top.tally if top else {}
    after = before
    tallies_with, tallies_without = compute_what_if_tallies(places=places, reports=reports, moved_reports=keys)
    tallies_before, tallies_after = (tallies_with, tallies_without) if quarantine else (tallies_without, tallies_with)
    for key in places:
        after = _replace_part(after, tallies_before[key], tallies_after[key])
    changing = reports_of_observer.filter(quarantined=not quarantine).count()
    return QuarantineEffect(changing, len(moved_rows), len(places), list(_list_changes(election, before, after)))


def _replace_part(total: Mapping[str, Any], part_before: Mapping[str, Any], part_after: Mapping[str, Any]) -> Tally:
    """`total` with one of its parts replaced.

    Sums, minima and maxima of numbers are not updated, because they cannot be subtracted.
    """
    found: Tally = dict(total)
    for key in part_before.keys() | part_after.keys():
        old, new = part_before.get(key), part_after.get(key)
        if isinstance(old, dict) or isinstance(new, dict):
            found[key] = _replace_part(total.get(key) or {}, old or {}, new or {})
        elif isinstance(old, int) or isinstance(new, int):
            found[key] = max(0, total.get(key, 0) + (new or 0) - (old or 0))
    return found


def _list_changes(election: Election, before: Tally, after: Tally) -> Iterator[FigureChange]:
    for key in ("reports", "observed", "denied", "verified"):
        text_before, text_after = str(before.get(key, 0)), str(after.get(key, 0))
        if text_before != text_after:
            yield FigureChange("", key, {}, text_before, text_after)
    violations_before, violations_after = before.get("violations", {}), after.get("violations", {})
    for key in ("reports", "confirmed"):
        if violations_before.get(key, 0) != violations_after.get(key, 0):
            yield FigureChange(
                "", f"violations.{key}", {}, str(violations_before.get(key, 0)), str(violations_after.get(key, 0))
            )
    findings_before, findings_after = dict(_list_findings(before)), dict(_list_findings(after))
    changed = [
        key
        for key in sorted(findings_before.keys() | findings_after.keys())
        if findings_before.get(key) != findings_after.get(key)
    ]
    labels = _load_labels(election, {(checklist, code) for _stage, checklist, code in changed})
    for finding_key in changed:
        stage, checklist, code = finding_key
        yield FigureChange(
            stage,
            code,
            labels.get((checklist, code), {}),
            _format_finding(findings_before.get(finding_key)),
            _format_finding(findings_after.get(finding_key)),
        )


def _format_finding(finding: tuple[int, int] | None) -> str:
    """The numerator and the denominator of a finding.

    And the percentage where the figure's short text is one.
    """
    if not finding or not finding[1]:
        return "—"
    text = format_figure(*finding)
    return f"{finding[0]} / {finding[1]}" + (f" · {text}" if text.endswith("%") else "")


def _list_findings(tally: Tally) -> Iterator[tuple[tuple[str, str, str], tuple[int, int]]]:
    for stage, part in tally.get("stages", {}).items():
        for checklist, questions in part.get("lists", {}).items():
            for code, question in questions.items():
                if "finding" in question:
                    found = question["finding"]
                    yield (stage, checklist, code), (found.get("n", 0), found.get("of", 0))


def _load_labels(election: Election, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, str]]:
    rows = Question.objects.filter(version__checklist__election=election, code__in={code for _list, code in wanted})
    return {
        (checklist, code): labels
        for checklist, code, labels in rows.order_by("version__number").values_list(
            "version__checklist__code", "code", "labels"
        )
    }
