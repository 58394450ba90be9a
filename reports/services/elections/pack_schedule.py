"""The hours of a pack: `[[schedule]]` in `pack.toml`, what is expected when."""

from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from observer.models import Assignment
from observer.services.spreadsheets.tables import zone_is_known

KEYS = {"checklist", "slot", "due", "grace_minutes", "zone", "roles"}
SLOT_MAX = 32
GRACE_MAX = 7 * 24 * 60  # minutes


def schedule_read(given: Any, complain: Callable[[str], None]) -> list[dict[str, Any]]:
    """The rows as an election keeps them; each problem is told to `complain`."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        complain(_("%(key)s is not a list of tables") % {"key": "schedule"})
        return []
    return [row for place, one in enumerate(given, 1) if (row := _row(one, f"schedule {place}", complain))]


def schedule_unknown(schedule: Sequence[dict[str, Any]], checklists: set[str]) -> list[str]:
    """Codes of the schedule that are of no checklist."""
    return sorted({row["checklist"] for row in schedule} - checklists)


def _row(one: dict[str, Any], name: str, complain: Callable[[str], None]) -> dict[str, Any] | None:
    wrong = [f"{name}.{key}" for key in sorted(one.keys() - KEYS)]
    due = one.get("due")
    day, now = (due.get("day", 0), due.get("time")) if isinstance(due, dict) else (0, None)
    grace, slot = one.get("grace_minutes", 0), one.get("slot", "")
    zone, roles = one.get("zone", ""), one.get("roles", [])
    good = {
        "checklist": isinstance(one.get("checklist"), str),
        "due": isinstance(now, time) and type(day) is int and abs(day) <= 400,
        "grace_minutes": type(grace) is int and 0 <= grace <= GRACE_MAX,
        "slot": isinstance(slot, str) and len(slot) <= SLOT_MAX,
        "zone": isinstance(zone, str) and (not zone or zone_is_known(zone)),
        "roles": isinstance(roles, list) and all(role in Assignment.Role.values for role in roles),
    }
    wrong += [f"{name}.{key}" for key, is_good in good.items() if not is_good]
    for key in wrong:
        complain(_("%(key)s cannot be read") % {"key": key})
    if wrong or not isinstance(now, time):
        return None
    return {
        "checklist": one["checklist"],
        "slot": slot,
        "day": day,
        "time": now.isoformat(),
        "grace_minutes": grace,
        "zone": zone,
        "roles": roles,
    }
