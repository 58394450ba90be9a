"""Review of a finding before a release: its breakdowns and reports.

Not for the public.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.models import Release, Report
from reports.services.publishing.release_store import load_draft_part
from reports.services.review.superseding import compute_superseded_at

MAX_REVIEWED_REPORTS = 200


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """One row of a breakdown: `n` of `of` answers."""

    name: str
    n: int
    of: int


@dataclass(frozen=True, slots=True)
class FindingReview:
    """A finding by region, station type and organisation, with its reports.

    `reports`: at most MAX_REVIEWED_REPORTS of the `found` reports, those with a comment first.
    """

    regions: tuple[BreakdownRow, ...]
    types: tuple[BreakdownRow, ...]
    teams: tuple[BreakdownRow, ...]
    reports: tuple[Report, ...]
    found: int


def review_finding(*, release: Release, stage: str, question: str, place: str) -> FindingReview:
    """Build the review of a finding.

    It covers the commission `place` and those below, as the release counts them.
    """
    book = load_draft_part(release, "book") or {"stages": [], "root": ""}
    known = next(
        (one for s in book["stages"] if s["code"] == stage for one in s["questions"] if one["code"] == question), None
    )
    if known is None:
        return FindingReview((), (), (), (), 0)
    findings = load_draft_part(release, f"findings:{place}") or {}
    regions = [(code, found.get(stage, {}).get(question)) for code, found in sorted(findings.items())]
    counted = load_draft_part(release, f"types:{place}") or {}
    types = [(code or "—", one["findings"].get(stage, {}).get(question)) for code, one in sorted(counted.items())]
    teams: dict[str, Counter[str]] = {}
    keys: list[int] = []
    for key, organisation, answer in _load_answers(release, known, place):
        tally = teams.setdefault(organisation, Counter())
        tally["of"] += 1
        if answer in (known["findings"] or ("bad", "very_bad")):
            tally["n"] += 1
            keys.append(key)
    reports = (
        Report.objects.filter(pk__in=keys[:MAX_REVIEWED_REPORTS]).select_related("commission", "observer").defer("body")
    )
    return FindingReview(
        tuple(BreakdownRow(code, line[0], line[1]) for code, line in regions if line),
        tuple(BreakdownRow(code, line[0], line[1]) for code, line in types if line),
        tuple(BreakdownRow(code, tally["n"], tally["of"]) for code, tally in sorted(teams.items())),
        tuple(sorted(reports, key=lambda report: (not report.comment, report.commission_id))),
        len(keys),
    )


def _load_answers(release: Release, question: dict[str, Any], place: str) -> Iterator[tuple[int, str, str]]:
    """Load the counted answers to a question.

    As (report key, organisation code, answer).

    Reports that were superseded at the cut-off are left out; answers are as they are now.
    """
    superseded_at_cutoff = compute_superseded_at(election=release.election, cutoff=release.cutoff)
    rows = Report.objects.eligible().filter(
        commission__election=release.election_id,
        received_at__lte=release.cutoff,
        version__checklist__code=question["checklist"],
    )
    path = release.election.commissions.filter(code=place).values_list("path", flat=True).first()
    if path:
        rows = rows.filter(commission__path__startswith=path)
    name = question["code"].removeprefix(f"{question['checklist']}:")
    counted_answers = ("yes", "no") if question["type"] == "yes_no" else None
    for key, superseded, organisation, answers in rows.values_list(
        "pk", "superseded", "observer__organisation__code", "answers"
    ).iterator(chunk_size=5000):
        answer = answers.get(name)
        is_counted = isinstance(answer, str) and (counted_answers is None or answer in counted_answers)
        if is_counted and not superseded_at_cutoff.get(key, superseded):
            yield key, organisation, answer
