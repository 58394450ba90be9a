"""The declared steps of a case, and how long each severity may wait: the pack's, else ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from observer.models import Election
from observer.words import in_language

FIRST = "open"
SEVERITIES = ("critical", "major", "minor")
CLOCK = {"critical": 60, "major": 240, "minor": 1440}  # minutes until a case wants its next step
MINUTES_MAX = 60 * 24 * 60
KEYS = {"code", "names", "leads_to", "closes"}


@dataclass(frozen=True, slots=True)
class Step:
    """`leads_to`: codes of the steps that may follow. `closes`: a case in it is closed."""

    code: str
    name: str | Promise
    leads_to: tuple[str, ...]
    closes: bool = False


OURS = (
    Step("open", gettext_lazy("open"), ("checking", "passed_on", "closed")),
    Step("checking", gettext_lazy("being looked into"), ("passed_on", "solved", "closed")),
    Step("passed_on", gettext_lazy("passed on"), ("checking", "solved", "closed")),
    Step("solved", gettext_lazy("solved"), ("checking", "closed")),
    Step("closed", gettext_lazy("closed"), ("checking",), closes=True),
)


def steps_of(election: Election) -> dict[str, Step]:
    """In their order; the first is where a case begins."""
    declared = election.rules.get("case_steps") or []
    if not declared:
        return {step.code: step for step in OURS}
    return {
        one["code"]: Step(
            one["code"], in_language(one["names"]) or one["code"], tuple(one["leads_to"]), bool(one.get("closes"))
        )
        for one in declared
    }


def patience(election: Election, severity: str) -> timedelta:
    """How long a case of this severity may wait for its next step."""
    minutes = CLOCK | (election.rules.get("case_clock") or {})
    return timedelta(minutes=minutes.get(severity, CLOCK["minor"]))


def case_rules_read(settings: Mapping[str, Any], complain: Callable[[str], None]) -> dict[str, Any]:
    """What a pack says of cases, as an election keeps it; each problem is told to `complain`."""
    found: dict[str, Any] = {}
    if "case_steps" in settings:
        found["case_steps"] = _steps_read(settings["case_steps"], complain)
    if "case_clock" in settings:
        found["case_clock"] = _clock_read(settings["case_clock"], complain)
    if "holidays" in settings:
        days = settings["holidays"]
        if isinstance(days, list) and all(type(one) is date for one in days):
            found["holidays"] = [one.isoformat() for one in days]
        else:
            complain(_("%(key)s cannot be read") % {"key": "holidays"})
    return found


def _steps_read(given: Any, complain: Callable[[str], None]) -> list[dict[str, Any]]:
    rows = given if isinstance(given, list) and all(isinstance(one, dict) for one in given) else None
    if rows is None:
        complain(_("%(key)s is not a list of tables") % {"key": "case_steps"})
        return []
    codes = [one.get("code") for one in rows]
    for place, one in enumerate(rows, 1):
        good = {
            "code": isinstance(one.get("code"), str) and 0 < len(one["code"]) <= 40 and codes.count(one["code"]) == 1,
            "names": isinstance(one.get("names"), Mapping) and all(isinstance(v, str) for v in one["names"].values()),
            "leads_to": isinstance(one.get("leads_to"), list) and all(code in codes for code in one["leads_to"]),
            "closes": isinstance(one.get("closes", False), bool),
        }
        for key in [key for key, fine in good.items() if not fine] + sorted(one.keys() - KEYS):
            complain(_("%(key)s cannot be read") % {"key": f"case_steps {place}.{key}"})
    if rows and not any(one.get("closes") is True for one in rows):
        complain(_("no step of case_steps closes a case"))
    return rows


def _clock_read(given: Any, complain: Callable[[str], None]) -> dict[str, int]:
    if not isinstance(given, Mapping):
        complain(_("%(key)s cannot be read") % {"key": "case_clock"})
        return {}
    for key, minutes in given.items():
        if key not in SEVERITIES or type(minutes) is not int or not 0 < minutes <= MINUTES_MAX:
            complain(_("%(key)s cannot be read") % {"key": f"case_clock.{key}"})
    return dict(given)
