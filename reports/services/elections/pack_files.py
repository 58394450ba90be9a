"""A pack: what a country brings, as a folder of data files. Reading one, and finding all that is wrong with it."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from observer.models import Level, Organisation
from observer.services.spreadsheets.tables import (
    BadLine,
    BadTable,
    Row,
    Table,
    code_problem,
    file_read,
    table_read,
    zone_is_known,
)
from reports.models import ViolationGroup, ViolationType
from reports.services.cases.workflow import case_rules_read
from reports.services.checklists.csv_files import FLAGS, Draft, Reading, checklists_read
from reports.services.elections.pack_guide import guide_read
from reports.services.elections.pack_schedule import schedule_read, schedule_unknown

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
DEADLINE_WORDS = ("name", "forum", "who_may_file", "starts", "if_near")


@dataclass(frozen=True, slots=True)
class Moment:
    """An hour relative to the election's day, in the election's zone: day 0, 07:00."""

    day: int
    time: time

    def on(self, date: date, zone: str) -> datetime:
        return datetime.combine(date + timedelta(days=self.day), self.time, ZoneInfo(zone))


Window = tuple[Moment, Moment]


SETTINGS = {
    "code",
    "languages",
    "choice_languages",
    "timezone",
    "emergency_contact",
    "emergency_names",
    "window",
    "windows",
    "schedule",
    "removal",
    "names",
    "case_steps",
    "case_clock",
    "holidays",
}


@dataclass(slots=True)
class Pack:
    """A pack that was read. Its rows are unsaved objects without an election."""

    code: str = ""
    languages: tuple[str, ...] = ()
    choice_languages: tuple[str, ...] = ()
    timezone: str = "UTC"
    emergency_contact: str = ""
    emergency_names: dict[str, str] = field(default_factory=dict)
    removal: str = ""  # the violation that "I am being thrown out" reports
    window: Window = (Moment(0, time(0)), Moment(1, time(12)))
    windows: dict[str, Window] = field(default_factory=dict)
    schedule: list[dict[str, Any]] = field(default_factory=list)
    cases: dict[str, Any] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    groups: dict[str, ViolationGroup] = field(default_factory=dict)
    violations: list[ViolationType] = field(default_factory=list)
    deadlines: list[dict[str, Any]] = field(default_factory=list)
    guide: dict[str, Any] = field(default_factory=dict)
    conduct_version: int = 1
    drafts: list[Draft] = field(default_factory=list)


def pack_read(folder: Path) -> Pack:
    """Reads and checks the whole folder. Raises BadTable with every problem of every file."""
    pack = Pack()
    bad: list[BadLine] = []
    _read_settings(folder, pack, bad)
    if not bad:
        # The languages come first: every other file is judged by them.
        _read_levels(folder, pack, bad)
        _read_groups(folder, pack, bad)
        _read_violations(folder, pack, bad)
        _read_deadlines(folder, pack, bad)
        if pack.removal and pack.removal not in {one.code for one in pack.violations}:
            bad.append(BadLine("pack.toml", 0, _("removal: %(code)s is of no violation") % {"code": pack.removal}))
        pack.guide, pack.conduct_version, wrong = guide_read(folder=folder, languages=pack.languages)
        bad += wrong
        reading = Reading(pack.languages, pack.choice_languages, {one.code for one in pack.violations})
        pack.drafts, wrong = checklists_read(folder=folder / "checklists", reading=reading, prefix="checklists/")
        bad += wrong
        known = {draft.code for draft in pack.drafts}
        for code in pack.windows.keys() - known if not wrong else ():
            bad.append(BadLine("pack.toml", 0, _("windows.%(code)s is of no checklist") % {"code": code}))
        for code in schedule_unknown(pack.schedule, known) if not wrong else ():
            bad.append(BadLine("pack.toml", 0, _("schedule: %(code)s is of no checklist") % {"code": code}))
    if bad:
        raise BadTable(bad)
    return pack


def _read_settings(folder: Path, pack: Pack, bad: list[BadLine]) -> None:
    def complain(reason: str) -> None:
        bad.append(BadLine("pack.toml", 0, reason))

    try:
        found = tomllib.loads(file_read(path=folder / "pack.toml").decode("utf-8-sig"))
    except BadTable as error:
        bad.extend(error.lines)
        return
    except UnicodeDecodeError:
        complain(_("is not UTF-8"))
        return
    except tomllib.TOMLDecodeError as error:
        complain(_("is not TOML: %(why)s") % {"why": error})
        return
    for key in sorted(found.keys() - SETTINGS):
        complain(_("%(key)s is unknown") % {"key": key})
    pack.code = str(found.get("code", folder.name))
    if reason := code_problem(pack.code):
        complain(reason)
    pack.languages = tuple(_languages(found.get("languages"), "languages", complain))
    listed = found.get("choice_languages")
    pack.choice_languages = tuple(_languages(listed, "choice_languages", complain)) if listed else pack.languages
    if sorted(pack.choice_languages) != sorted(pack.languages):
        complain(_("choice_languages are not the languages in another order"))
    pack.timezone = str(found.get("timezone", "UTC"))
    if not zone_is_known(pack.timezone):
        complain(_("timezone %(zone)s is unknown") % {"zone": pack.timezone})
    pack.emergency_contact = str(found.get("emergency_contact", ""))
    if len(pack.emergency_contact) > 40:
        complain(_("emergency_contact is longer than 40 characters"))
    pack.removal = str(found.get("removal", ""))
    names = found.get("emergency_names", {})
    if (
        isinstance(names, dict)
        and set(names) <= set(pack.languages)
        and all(isinstance(x, str) for x in names.values())
    ):
        pack.emergency_names = names
    else:
        complain(_("%(key)s cannot be read") % {"key": "emergency_names"})
    pack.schedule = schedule_read(found.get("schedule", []), complain)
    pack.cases = case_rules_read(found, complain)
    if "window" in found and (window := _window(found["window"], "window", complain)):
        pack.window = window
    windows = found.get("windows", {})
    for code, given in windows.items() if isinstance(windows, dict) else ():
        if window := _window(given, f"windows.{code}", complain):
            pack.windows[code] = window


def _languages(given: Any, key: str, complain: Any) -> list[str]:
    listed = given if isinstance(given, list) else []
    if not listed or not all(isinstance(one, str) and LANGUAGE.fullmatch(one) for one in listed):
        complain(_('%(key)s is not a list of language codes like ["kk", "ru"]') % {"key": key})
        return []
    if len(set(listed)) != len(listed):
        complain(_("%(key)s names a language twice") % {"key": key})
    return listed


def _window(given: Any, key: str, complain: Any) -> Window | None:
    """`{ opens = { day = 0, time = 07:00:00 }, closes = { day = 0, time = 20:00:00 } }`"""
    moments = []
    for end in ("opens", "closes"):
        one = given.get(end) if isinstance(given, dict) else None
        day, now = (one.get("day", 0), one.get("time")) if isinstance(one, dict) else (0, None)
        if not isinstance(now, time) or type(day) is not int or abs(day) > 400:
            complain(_("%(key)s.%(end)s is not like { day = 0, time = 07:00:00 }") % {"key": key, "end": end})
            return None
        moments.append(Moment(day, now))
    opens, closes = moments
    if (opens.day, opens.time) >= (closes.day, closes.time):
        complain(_("%(key)s closes before it opens") % {"key": key})
        return None
    return opens, closes


def _table(
    folder: Path,
    file: str,
    bad: list[BadLine],
    required: Sequence[str],
    optional: Sequence[str] = (),
    prefixes: Sequence[str] = ("name",),
) -> Table:
    """A pack's table; its problems go to `bad` when `_done` is called."""
    try:
        source = file_read(path=folder / file)
    except BadTable as error:
        bad.extend(error.lines)
        return Table(file)
    return table_read(source=source, file=file, required=required, optional=optional, prefixes=prefixes)


def _words(table: Table, row: Row, prefix: str, languages: Sequence[str], needed: bool = True) -> dict[str, str]:
    words = row.words(prefix)
    missing = [language for language in languages if not words.get(language)]
    if missing and (needed or words):
        values = {"prefix": prefix, "languages": ", ".join(missing)}
        table.complain(row.line, _("has no %(prefix)s in %(languages)s") % values)
    return words


def _listed(table: Table, row: Row, column: str, known: Sequence[str]) -> str:
    if row[column] not in known:
        values = {"column": column, "cell": row[column] or "''", "known": ", ".join(known)}
        table.complain(row.line, _("%(column)s %(cell)s is unknown; there are %(known)s") % values)
    return row[column]


def _codes(table: Table) -> dict[str, Row]:
    rows = table.unique("code")
    for code, row in rows.items():
        if reason := code_problem(code, 40):
            table.complain(row.line, reason)
    return rows


def _read_levels(folder: Path, pack: Pack, bad: list[BadLine]) -> None:
    table = _table(folder, "levels.csv", bad, ("order", "code", "kind"))
    orders: dict[str, int] = {}
    for code, row in _codes(table).items():
        order = row["order"]
        if not re.fullmatch(r"\d{1,4}", order, re.ASCII):
            table.complain(row.line, _("order %(order)s is not a whole number") % {"order": order or "''"})
            order = "0"
        elif orders.setdefault(order, row.line) != row.line:
            values = {"order": order, "line": orders[order]}
            table.complain(row.line, _("order %(order)s was already in line %(line)d") % values)
        kind = _listed(table, row, "kind", Level.Kind.values)
        names = _words(table, row, "name", pack.languages)
        pack.levels.append(Level(order=int(order), code=code, kind=kind, names=names))
    if table.columns and not any(level.kind == Level.Kind.PRECINCT for level in pack.levels) and not table.bad:
        table.complain(0, _("no level is of kind precinct"))
    bad += table.bad


def _read_groups(folder: Path, pack: Pack, bad: list[BadLine]) -> None:
    table = _table(folder, "violation-groups.csv", bad, ("code",))
    for order, (code, row) in enumerate(_codes(table).items()):
        pack.groups[code] = ViolationGroup(order=order, code=code, names=_words(table, row, "name", pack.languages))
    bad += table.bad


def _read_violations(folder: Path, pack: Pack, bad: list[BadLine]) -> None:
    optional = ("possible_legal_basis", "audience", "denies_access")
    table = _table(folder, "violations.csv", bad, ("code", "group", "severity"), optional)
    for order, (code, row) in enumerate(_codes(table).items()):
        group = pack.groups.get(row["group"])
        if group is None:
            table.complain(row.line, _("group %(group)s is unknown") % {"group": row["group"] or "''"})
        audience = row["audience"].split()
        for kind in audience:
            if kind not in Organisation.Kind.values:
                table.complain(row.line, _("audience %(kind)s is unknown") % {"kind": kind})
        if row["denies_access"].lower() not in FLAGS:
            table.complain(row.line, _("denies_access %(cell)s is neither yes nor no") % {"cell": row["denies_access"]})
        pack.violations.append(
            ViolationType(
                order=order,
                code=code,
                group=group or ViolationGroup(),
                names=_words(table, row, "name", pack.languages),
                severity=_listed(table, row, "severity", ViolationType.Severity.values),
                legal_basis=row["possible_legal_basis"],
                audience=audience,
                denies_access=FLAGS.get(row["denies_access"].lower(), False),
            )
        )
    bad += table.bad


def _read_deadlines(folder: Path, pack: Pack, bad: list[BadLine]) -> None:
    """Optional: a country whose terms nobody wrote down yet can be observed all the same."""
    if not (folder / "deadlines.csv").exists():
        return
    optional = ("closing_time", "article")
    table = _table(folder, "deadlines.csv", bad, ("code", "days", "kind_of_days"), optional, DEADLINE_WORDS)
    for code, row in _codes(table).items():
        if not re.fullmatch(r"\d{1,3}", row["days"], re.ASCII):
            table.complain(row.line, _("days %(days)s is not a whole number") % {"days": row["days"] or "''"})
        if row["closing_time"] and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", row["closing_time"], re.ASCII):
            table.complain(row.line, _("closing_time %(cell)s is not like 18:00") % {"cell": row["closing_time"]})
        deadline: dict[str, Any] = {
            "code": code,
            "kind_of_days": _listed(table, row, "kind_of_days", ("calendar", "working")),
            "days": int(row["days"]) if row["days"].isascii() and row["days"].isdigit() else 0,
            "closing_time": row["closing_time"],
            "article": row["article"],
        }
        for words in DEADLINE_WORDS:
            deadline[words] = _words(table, row, words, pack.languages, needed=words == "name")
        pack.deadlines.append(deadline)
    bad += table.bad
