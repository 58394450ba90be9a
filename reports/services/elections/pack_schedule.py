"""Reads the reporting schedule of a pack: `[[schedule]]` in `pack.toml`."""

from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from observer.models import Assignment
from observer.services.spreadsheets.tables import is_known_timezone

SCHEDULE_KEYS = {"checklist", "slot", "due", "grace_minutes", "zone", "roles"}
MAX_SLOT_CHARACTERS = 32
MAX_GRACE_MINUTES = 7 * 24 * 60


def parse_schedule(value: Any, add_problem: Callable[[str], None]) -> list[dict[str, Any]]:
    """Reads the schedule into the rows that an election stores.

    Calls `add_problem` with the text of each problem.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        add_problem(_("%(key)s is not a list of tables") % {"key": "schedule"})
        return []
    return [
        row for number, entry in enumerate(value, 1) if (row := _parse_row(entry, f"schedule {number}", add_problem))
    ]


def find_unknown_checklists(schedule: Sequence[dict[str, Any]], checklists: set[str]) -> list[str]:
    """Finds codes in the schedule that no checklist has."""
    return sorted({row["checklist"] for row in schedule} - checklists)


def _parse_row(entry: dict[str, Any], name: str, add_problem: Callable[[str], None]) -> dict[str, Any] | None:
    invalid_keys = [f"{name}.{key}" for key in sorted(entry.keys() - SCHEDULE_KEYS)]
    due = entry.get("due")
    day, time_of_day = (due.get("day", 0), due.get("time")) if isinstance(due, dict) else (0, None)
    grace, slot = entry.get("grace_minutes", 0), entry.get("slot", "")
    zone, roles = entry.get("zone", ""), entry.get("roles", [])
    is_valid = {
        "checklist": isinstance(entry.get("checklist"), str),
        "due": isinstance(time_of_day, time) and type(day) is int and abs(day) <= 400,
        "grace_minutes": type(grace) is int and 0 <= grace <= MAX_GRACE_MINUTES,
        "slot": isinstance(slot, str) and len(slot) <= MAX_SLOT_CHARACTERS,
        "zone": isinstance(zone, str) and (not zone or is_known_timezone(zone)),
        "roles": isinstance(roles, list) and all(role in Assignment.Role.values for role in roles),
    }
    invalid_keys += [f"{name}.{key}" for key, valid in is_valid.items() if not valid]
    for key in invalid_keys:
        add_problem(_("%(key)s cannot be read") % {"key": key})
    if invalid_keys or not isinstance(time_of_day, time):
        return None
    return {
        "checklist": entry["checklist"],
        "slot": slot,
        "day": day,
        "time": time_of_day.isoformat(),
        "grace_minutes": grace,
        "zone": zone,
        "roles": roles,
    }
