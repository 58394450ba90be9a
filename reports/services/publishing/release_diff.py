"""Changes between two releases, for one commission. Pure."""

from reports.services.publishing.place_parts import Part

COVERAGE_FIGURES = ("precincts_observed", "precincts_denied", "observers", "reports", "reports_verified")


def list_changes(before: Part, after: Part) -> list[tuple[str, int, int]]:
    """List the compared figures as (figure, before, after).

    The order is fixed: coverage, then confirmed and refuted violations.
    """
    rows = [(name, before["coverage"][name], after["coverage"][name]) for name in COVERAGE_FIGURES]
    rows.append(("confirmed", before["violations"]["confirmed"], after["violations"]["confirmed"]))
    rows.append(("refuted", _count_refuted(before), _count_refuted(after)))
    return rows


def _count_refuted(part: Part) -> int:
    return sum(states["refuted"] for states in part["violations"]["by_type"].values())
