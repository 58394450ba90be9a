"""What changed from one release to the next, for one commission. Pure."""

from reports.services.publishing.place_parts import Part

COUNTED = ("precincts_observed", "precincts_denied", "observers", "reports", "reports_verified")


def changes(before: Part, now: Part) -> list[tuple[str, int, int]]:
    """(what, before, now), in a fixed order: what was counted, then what became of the violations."""
    rows = [(what, before["coverage"][what], now["coverage"][what]) for what in COUNTED]
    was, is_ = before["violations"], now["violations"]
    rows.append(("confirmed", was["confirmed"], is_["confirmed"]))
    rows.append(("refuted", _refuted(before), _refuted(now)))
    return rows


def _refuted(part: Part) -> int:
    return sum(states["refuted"] for states in part["violations"]["by_type"].values())
