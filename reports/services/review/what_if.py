"""What setting an observer aside, or bringing them back, would do to the figures: computed, nothing is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from observer.models import Commission, Election, Observer
from reports.models import Question, Report, Summary
from reports.services.figures.format import figure
from reports.services.figures.refresh import tallies_supposed
from reports.services.figures.tally import Tally
from reports.services.review.superseding import standing_restored


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the whole election. `code` and `labels` are a question's, else a word of the coverage's."""

    stage: str
    code: str
    labels: Mapping[str, str]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Supposed:
    """`reports`: how many would change; `moved`: how many of them would leave or enter the figures."""

    reports: int
    moved: int
    places: int
    lines: list[Line]


def quarantine_suppose(*, observer: Observer, election: Election, aside: bool) -> Supposed:
    """The figures of the whole election as they are, and as they would be."""
    theirs = Report.objects.filter(observer=observer, commission__election=election)
    if aside:
        moved = list(theirs.counted().values_list("pk", "commission_id"))
    else:
        standing = standing_restored(observer=observer, election=election)
        moved = [row for row in theirs.values_list("pk", "commission_id") if standing.get(row[0]) is False]
        here = set(theirs.counted().values_list("pk", flat=True))
        moved = [row for row in moved if row[0] not in here]
    keys = {pk for pk, _place in moved}
    places = Commission.objects.select_related("level").in_bulk({place for _pk, place in moved})
    counted = Report.objects.counted().filter(commission__in=places)
    reports = counted if aside else Report.objects.filter(Q(pk__in=counted.values("pk")) | Q(pk__in=keys))
    top = Summary.objects.filter(commission__election=election, commission__parent=None).first()
    before: Tally = top.tally if top else {}
    after = before
    with_, without = tallies_supposed(places=places, reports=reports, moving=keys)
    was, would = (with_, without) if aside else (without, with_)
    for key in places:
        after = _moved(after, was[key], would[key])
    changing = theirs.filter(quarantined=not aside).count()
    return Supposed(changing, len(moved), len(places), list(_lines(election, before, after)))


def _moved(total: Mapping[str, Any], was: Mapping[str, Any], would: Mapping[str, Any]) -> Tally:
    """`total` with one part of it exchanged. Sums and extremes of numbers are left out: they cannot be taken off."""
    found: Tally = dict(total)
    for key in was.keys() | would.keys():
        old, new = was.get(key), would.get(key)
        if isinstance(old, dict) or isinstance(new, dict):
            found[key] = _moved(total.get(key) or {}, old or {}, new or {})
        elif isinstance(old, int) or isinstance(new, int):
            found[key] = max(0, total.get(key, 0) + (new or 0) - (old or 0))
    return found


def _lines(election: Election, before: Tally, after: Tally) -> Iterator[Line]:
    for key in ("reports", "observed", "denied", "verified"):
        one, other = str(before.get(key, 0)), str(after.get(key, 0))
        if one != other:
            yield Line("", key, {}, one, other)
    was, would = before.get("violations", {}), after.get("violations", {})
    for key in ("reports", "confirmed"):
        if was.get(key, 0) != would.get(key, 0):
            yield Line("", f"violations.{key}", {}, str(was.get(key, 0)), str(would.get(key, 0)))
    old, new = dict(_findings(before)), dict(_findings(after))
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    labels = _labels(election, {(checklist, code) for _stage, checklist, code in changed})
    for place in changed:
        stage, checklist, code = place
        yield Line(stage, code, labels.get((checklist, code), {}), _told(old.get(place)), _told(new.get(place)))


def _told(pair: tuple[int, int] | None) -> str:
    """Numerator and denominator, and the percentage where one is printed."""
    if not pair or not pair[1]:
        return "—"
    text = figure(*pair)
    return f"{pair[0]} / {pair[1]}" + (f" · {text}" if text.endswith("%") else "")


def _findings(tally: Tally) -> Iterator[tuple[tuple[str, str, str], tuple[int, int]]]:
    for stage, part in tally.get("stages", {}).items():
        for checklist, questions in part.get("lists", {}).items():
            for code, question in questions.items():
                if "finding" in question:
                    found = question["finding"]
                    yield (stage, checklist, code), (found.get("n", 0), found.get("of", 0))


def _labels(election: Election, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, str]]:
    rows = Question.objects.filter(version__checklist__election=election, code__in={code for _list, code in wanted})
    return {
        (checklist, code): labels
        for checklist, code, labels in rows.order_by("version__number").values_list(
            "version__checklist__code", "code", "labels"
        )
    }
