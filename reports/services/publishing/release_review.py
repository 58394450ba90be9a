"""What an analyst looks at before a release: who said it, where, and in which words. Not for the public."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.models import Release, Report
from reports.services.publishing.release_store import draft_part
from reports.services.review.superseding import standing_at

COMMENTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Split:
    """One line of a table: what it is about, and n of how many."""

    name: str
    n: int
    of: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A finding of a draft or a release: by region, by type of station, by organisation; and its reports."""

    regions: tuple[Split, ...]
    types: tuple[Split, ...]
    teams: tuple[Split, ...]
    reports: tuple[Report, ...]
    found: int


def release_review(*, release: Release, stage: str, question: str, place: str) -> Reviewed:
    """The finding at the commission `place` and below, as the release counts it; at most COMMENTS_MAX reports."""
    book = draft_part(release, "book") or {"stages": [], "root": ""}
    asked = next(
        (one for s in book["stages"] if s["code"] == stage for one in s["questions"] if one["code"] == question), None
    )
    if asked is None:
        return Reviewed((), (), (), (), 0)
    findings = draft_part(release, f"findings:{place}") or {}
    regions = [(code, found.get(stage, {}).get(question)) for code, found in sorted(findings.items())]
    counted = draft_part(release, f"types:{place}") or {}
    types = [(code or "—", one["findings"].get(stage, {}).get(question)) for code, one in sorted(counted.items())]
    teams: dict[str, Counter[str]] = {}
    keys: list[int] = []
    for key, organisation, answer in _answered(release, asked, place):
        tally = teams.setdefault(organisation, Counter())
        tally["of"] += 1
        if answer in (asked["findings"] or ("bad", "very_bad")):
            tally["n"] += 1
            keys.append(key)
    reports = Report.objects.filter(pk__in=keys[:COMMENTS_MAX]).select_related("commission", "observer").defer("body")
    return Reviewed(
        tuple(Split(code, line[0], line[1]) for code, line in regions if line),
        tuple(Split(code, line[0], line[1]) for code, line in types if line),
        tuple(Split(code, tally["n"], tally["of"]) for code, tally in sorted(teams.items())),
        tuple(sorted(reports, key=lambda report: (not report.comment, report.commission_id))),
        len(keys),
    )


def _answered(release: Release, asked: dict[str, Any], place: str) -> Iterator[tuple[int, str, str]]:
    """Report, organisation and answer, of reports that answered what counts; as they stand now."""
    standing = standing_at(election=release.election, cutoff=release.cutoff)
    rows = Report.objects.eligible().filter(
        commission__election=release.election_id,
        received_at__lte=release.cutoff,
        version__checklist__code=asked["checklist"],
    )
    above = release.election.commissions.filter(code=place).values_list("path", flat=True).first()
    if above:
        rows = rows.filter(commission__path__startswith=above)
    name = asked["code"].removeprefix(f"{asked['checklist']}:")
    counts = ("yes", "no") if asked["type"] == "yes_no" else None
    for key, superseded, organisation, answers in rows.values_list(
        "pk", "superseded", "observer__organisation__code", "answers"
    ).iterator(chunk_size=5000):
        answer = answers.get(name)
        if isinstance(answer, str) and (counts is None or answer in counts) and not standing.get(key, superseded):
            yield key, organisation, answer
