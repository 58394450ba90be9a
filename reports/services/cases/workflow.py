"""Steps of a case, and how long each severity may wait for the next one.

Both come from the country's pack; without one, the defaults here apply.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.models import Election
from observer.words import get_translation

FIRST_STEP = "open"
SEVERITIES = ("critical", "major", "minor")
DEFAULT_STEP_MINUTES = {"critical": 60, "major": 240, "minor": 1440}  # by severity
MAX_STEP_MINUTES = 60 * 24 * 60
STEP_KEYS = {"code", "names", "leads_to", "closes"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the workflow of cases.

    `leads_to` are the codes of the steps that may follow. `closes`: a case in this step is closed.
    """

    code: str
    name: str | Promise
    leads_to: tuple[str, ...]
    closes: bool = False


DEFAULT_STEPS = (
    Step("open", gettext_lazy("open"), ("checking", "passed_on", "closed")),
    Step("checking", gettext_lazy("being looked into"), ("passed_on", "solved", "closed")),
    Step("passed_on", gettext_lazy("passed on"), ("checking", "solved", "closed")),
    Step("solved", gettext_lazy("solved"), ("checking", "closed")),
    Step("closed", gettext_lazy("closed"), ("checking",), closes=True),
)


def get_steps(election: Election) -> dict[str, Step]:
    """Returns the steps by code, in order; a case begins with the first one."""
    declared = election.rules.get("case_steps") or []
    if not declared:
        return {step.code: step for step in DEFAULT_STEPS}
    return {
        one["code"]: Step(
            one["code"], get_translation(one["names"]) or one["code"], tuple(one["leads_to"]), bool(one.get("closes"))
        )
        for one in declared
    }


def get_step_time_limit(election: Election, severity: str) -> timedelta:
    """Returns how long a case of this severity may wait for its next step."""
    minutes = DEFAULT_STEP_MINUTES | (election.rules.get("case_clock") or {})
    return timedelta(minutes=minutes.get(severity, DEFAULT_STEP_MINUTES["minor"]))


def parse_case_rules(settings: Mapping[str, Any], add_problem: Callable[[str], None]) -> dict[str, Any]:
    """Reads the settings of a pack that concern cases, in the shape an election stores.

    Calls `add_problem` with the text of each problem.
    """
    rules: dict[str, Any] = {}
    if "case_steps" in settings:
        rules["case_steps"] = _parse_steps(settings["case_steps"], add_problem)
    if "case_clock" in settings:
        rules["case_clock"] = _parse_step_minutes(settings["case_clock"], add_problem)
    if "holidays" in settings:
        days = settings["holidays"]
        if isinstance(days, list) and all(type(one) is date for one in days):
            rules["holidays"] = [one.isoformat() for one in days]
        else:
            add_problem(_("%(key)s cannot be read") % {"key": "holidays"})
    return rules


def _parse_steps(value: Any, add_problem: Callable[[str], None]) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) and all(isinstance(one, dict) for one in value) else None
    if rows is None:
        add_problem(_("%(key)s is not a list of tables") % {"key": "case_steps"})
        return []
    codes = [one.get("code") for one in rows]
    for number, one in enumerate(rows, 1):
        is_valid = {
            "code": isinstance(one.get("code"), str) and 0 < len(one["code"]) <= 40 and codes.count(one["code"]) == 1,
            "names": isinstance(one.get("names"), Mapping) and all(isinstance(v, str) for v in one["names"].values()),
            "leads_to": isinstance(one.get("leads_to"), list) and all(code in codes for code in one["leads_to"]),
            "closes": isinstance(one.get("closes", False), bool),
        }
        for key in [key for key, valid in is_valid.items() if not valid] + sorted(one.keys() - STEP_KEYS):
            add_problem(_("%(key)s cannot be read") % {"key": f"case_steps {number}.{key}"})
    if rows and not any(one.get("closes") is True for one in rows):
        add_problem(_("no step of case_steps closes a case"))
    return rows


def _parse_step_minutes(value: Any, add_problem: Callable[[str], None]) -> dict[str, int]:
    if not isinstance(value, Mapping):
        add_problem(_("%(key)s cannot be read") % {"key": "case_clock"})
        return {}
    for key, minutes in value.items():
        if key not in SEVERITIES or type(minutes) is not int or not 0 < minutes <= MAX_STEP_MINUTES:
            add_problem(_("%(key)s cannot be read") % {"key": f"case_clock.{key}"})
    return dict(value)
