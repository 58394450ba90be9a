"""Reads a country's pack from a folder of data files, and finds all problems in it."""

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
    find_code_problem,
    is_known_timezone,
    read_csv_table,
    read_file,
)
from reports.models import ViolationGroup, ViolationType
from reports.services.cases.workflow import parse_case_rules
from reports.services.checklists.csv_files import BOOLEAN_CELLS, ChecklistDraft, ReadingContext, read_checklists
from reports.services.elections.pack_guide import read_guide
from reports.services.elections.pack_schedule import find_unknown_checklists, parse_schedule

LANGUAGE_PATTERN = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
DEADLINE_TEXTS = ("name", "forum", "who_may_file", "starts", "if_near")


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A time relative to election day, in the election's time zone, for example day 0, 07:00."""

    day: int
    time: time

    def to_datetime(self, date: date, zone: str) -> datetime:
        return datetime.combine(date + timedelta(days=self.day), self.time, ZoneInfo(zone))


Window = tuple[RelativeTime, RelativeTime]


PACK_KEYS = {
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
    """The content of a pack. Its rows are unsaved objects without an election."""

    code: str = ""
    languages: tuple[str, ...] = ()
    choice_languages: tuple[str, ...] = ()
    timezone: str = "UTC"
    emergency_contact: str = ""
    emergency_names: dict[str, str] = field(default_factory=dict)
    removal: str = ""  # code of the violation that the button "I am being thrown out" reports
    window: Window = (RelativeTime(0, time(0)), RelativeTime(1, time(12)))
    windows: dict[str, Window] = field(default_factory=dict)
    schedule: list[dict[str, Any]] = field(default_factory=list)
    cases: dict[str, Any] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    groups: dict[str, ViolationGroup] = field(default_factory=dict)
    violations: list[ViolationType] = field(default_factory=list)
    deadlines: list[dict[str, Any]] = field(default_factory=list)
    guide: dict[str, Any] = field(default_factory=dict)
    conduct_version: int = 1
    drafts: list[ChecklistDraft] = field(default_factory=list)


def read_pack(folder: Path) -> Pack:
    """Reads and checks all files of a pack. Raises BadTable with every problem of every file."""
    pack = Pack()
    errors: list[BadLine] = []
    _read_settings(folder, pack, errors)
    if not errors:
        # The languages are read first, because every other file is checked against them.
        _read_levels(folder, pack, errors)
        _read_groups(folder, pack, errors)
        _read_violations(folder, pack, errors)
        _read_deadlines(folder, pack, errors)
        if pack.removal and pack.removal not in {one.code for one in pack.violations}:
            errors.append(BadLine("pack.toml", 0, _("removal: %(code)s is of no violation") % {"code": pack.removal}))
        pack.guide, pack.conduct_version, new_errors = read_guide(folder=folder, languages=pack.languages)
        errors += new_errors
        reading = ReadingContext(pack.languages, pack.choice_languages, {one.code for one in pack.violations})
        pack.drafts, new_errors = read_checklists(folder=folder / "checklists", context=reading, prefix="checklists/")
        errors += new_errors
        checklist_codes = {draft.code for draft in pack.drafts}
        for code in pack.windows.keys() - checklist_codes if not new_errors else ():
            errors.append(BadLine("pack.toml", 0, _("windows.%(code)s is of no checklist") % {"code": code}))
        for code in find_unknown_checklists(pack.schedule, checklist_codes) if not new_errors else ():
            errors.append(BadLine("pack.toml", 0, _("schedule: %(code)s is of no checklist") % {"code": code}))
    if errors:
        raise BadTable(errors)
    return pack


def _read_settings(folder: Path, pack: Pack, errors: list[BadLine]) -> None:
    def add_problem(reason: str) -> None:
        errors.append(BadLine("pack.toml", 0, reason))

    try:
        settings = tomllib.loads(read_file(path=folder / "pack.toml").decode("utf-8-sig"))
    except BadTable as error:
        errors.extend(error.lines)
        return
    except UnicodeDecodeError:
        add_problem(_("is not UTF-8"))
        return
    except tomllib.TOMLDecodeError as error:
        add_problem(_("is not TOML: %(why)s") % {"why": error})
        return
    for key in sorted(settings.keys() - PACK_KEYS):
        add_problem(_("%(key)s is unknown") % {"key": key})
    pack.code = str(settings.get("code", folder.name))
    if reason := find_code_problem(pack.code):
        add_problem(reason)
    pack.languages = tuple(_parse_languages(settings.get("languages"), "languages", add_problem))
    listed = settings.get("choice_languages")
    pack.choice_languages = (
        tuple(_parse_languages(listed, "choice_languages", add_problem)) if listed else pack.languages
    )
    if sorted(pack.choice_languages) != sorted(pack.languages):
        add_problem(_("choice_languages are not the languages in another order"))
    pack.timezone = str(settings.get("timezone", "UTC"))
    if not is_known_timezone(pack.timezone):
        add_problem(_("timezone %(zone)s is unknown") % {"zone": pack.timezone})
    pack.emergency_contact = str(settings.get("emergency_contact", ""))
    if len(pack.emergency_contact) > 40:
        add_problem(_("emergency_contact is longer than 40 characters"))
    pack.removal = str(settings.get("removal", ""))
    names = settings.get("emergency_names", {})
    if (
        isinstance(names, dict)
        and set(names) <= set(pack.languages)
        and all(isinstance(x, str) for x in names.values())
    ):
        pack.emergency_names = names
    else:
        add_problem(_("%(key)s cannot be read") % {"key": "emergency_names"})
    pack.schedule = parse_schedule(settings.get("schedule", []), add_problem)
    pack.cases = parse_case_rules(settings, add_problem)
    if "window" in settings and (window := _parse_window(settings["window"], "window", add_problem)):
        pack.window = window
    windows = settings.get("windows", {})
    for code, value in windows.items() if isinstance(windows, dict) else ():
        if window := _parse_window(value, f"windows.{code}", add_problem):
            pack.windows[code] = window


def _parse_languages(value: Any, key: str, add_problem: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    if not listed or not all(isinstance(one, str) and LANGUAGE_PATTERN.fullmatch(one) for one in listed):
        add_problem(_('%(key)s is not a list of language codes like ["kk", "ru"]') % {"key": key})
        return []
    if len(set(listed)) != len(listed):
        add_problem(_("%(key)s names a language twice") % {"key": key})
    return listed


def _parse_window(value: Any, key: str, add_problem: Any) -> Window | None:
    """Reads `{ opens = { day = 0, time = 07:00:00 }, closes = { day = 0, time = 20:00:00 } }`."""
    moments = []
    for end in ("opens", "closes"):
        one = value.get(end) if isinstance(value, dict) else None
        day, time_of_day = (one.get("day", 0), one.get("time")) if isinstance(one, dict) else (0, None)
        if not isinstance(time_of_day, time) or type(day) is not int or abs(day) > 400:
            add_problem(_("%(key)s.%(end)s is not like { day = 0, time = 07:00:00 }") % {"key": key, "end": end})
            return None
        moments.append(RelativeTime(day, time_of_day))
    opens, closes = moments
    if (opens.day, opens.time) >= (closes.day, closes.time):
        add_problem(_("%(key)s closes before it opens") % {"key": key})
        return None
    return opens, closes


def _read_table(
    folder: Path,
    file: str,
    errors: list[BadLine],
    required: Sequence[str],
    optional: Sequence[str] = (),
    prefixes: Sequence[str] = ("name",),
) -> Table:
    """Reads a CSV table of the pack.

    A file that cannot be read is reported in `errors`; the caller adds the table's own problems there.
    """
    try:
        source = read_file(path=folder / file)
    except BadTable as error:
        errors.extend(error.lines)
        return Table(file)
    return read_csv_table(source=source, file=file, required=required, optional=optional, prefixes=prefixes)


def _get_texts(table: Table, row: Row, prefix: str, languages: Sequence[str], required: bool = True) -> dict[str, str]:
    texts = row.get_translations(prefix)
    missing = [language for language in languages if not texts.get(language)]
    if missing and (required or texts):
        values = {"prefix": prefix, "languages": ", ".join(missing)}
        table.add_problem(row.line, _("has no %(prefix)s in %(languages)s") % values)
    return texts


def _get_choice(table: Table, row: Row, column: str, known: Sequence[str]) -> str:
    if row[column] not in known:
        values = {"column": column, "cell": row[column] or "''", "known": ", ".join(known)}
        table.add_problem(row.line, _("%(column)s %(cell)s is unknown; there are %(known)s") % values)
    return row[column]


def _index_by_code(table: Table) -> dict[str, Row]:
    rows = table.index_rows("code")
    for code, row in rows.items():
        if reason := find_code_problem(code, 40):
            table.add_problem(row.line, reason)
    return rows


def _read_levels(folder: Path, pack: Pack, errors: list[BadLine]) -> None:
    table = _read_table(folder, "levels.csv", errors, ("order", "code", "kind"))
    orders: dict[str, int] = {}
    for code, row in _index_by_code(table).items():
        order = row["order"]
        if not re.fullmatch(r"\d{1,4}", order, re.ASCII):
            table.add_problem(row.line, _("order %(order)s is not a whole number") % {"order": order or "''"})
            order = "0"
        elif orders.setdefault(order, row.line) != row.line:
            values = {"order": order, "line": orders[order]}
            table.add_problem(row.line, _("order %(order)s was already in line %(line)d") % values)
        kind = _get_choice(table, row, "kind", Level.Kind.values)
        names = _get_texts(table, row, "name", pack.languages)
        pack.levels.append(Level(order=int(order), code=code, kind=kind, names=names))
    if table.columns and not any(level.kind == Level.Kind.PRECINCT for level in pack.levels) and not table.bad:
        table.add_problem(0, _("no level is of kind precinct"))
    errors += table.bad


def _read_groups(folder: Path, pack: Pack, errors: list[BadLine]) -> None:
    table = _read_table(folder, "violation-groups.csv", errors, ("code",))
    for order, (code, row) in enumerate(_index_by_code(table).items()):
        pack.groups[code] = ViolationGroup(order=order, code=code, names=_get_texts(table, row, "name", pack.languages))
    errors += table.bad


def _read_violations(folder: Path, pack: Pack, errors: list[BadLine]) -> None:
    optional = ("possible_legal_basis", "audience", "denies_access")
    table = _read_table(folder, "violations.csv", errors, ("code", "group", "severity"), optional)
    for order, (code, row) in enumerate(_index_by_code(table).items()):
        group = pack.groups.get(row["group"])
        if group is None:
            table.add_problem(row.line, _("group %(group)s is unknown") % {"group": row["group"] or "''"})
        audience = row["audience"].split()
        for kind in audience:
            if kind not in Organisation.Kind.values:
                table.add_problem(row.line, _("audience %(kind)s is unknown") % {"kind": kind})
        if row["denies_access"].lower() not in BOOLEAN_CELLS:
            table.add_problem(
                row.line, _("denies_access %(cell)s is neither yes nor no") % {"cell": row["denies_access"]}
            )
        pack.violations.append(
            ViolationType(
                order=order,
                code=code,
                group=group or ViolationGroup(),
                names=_get_texts(table, row, "name", pack.languages),
                severity=_get_choice(table, row, "severity", ViolationType.Severity.values),
                legal_basis=row["possible_legal_basis"],
                audience=audience,
                denies_access=BOOLEAN_CELLS.get(row["denies_access"].lower(), False),
            )
        )
    errors += table.bad


def _read_deadlines(folder: Path, pack: Pack, errors: list[BadLine]) -> None:
    """Reads `deadlines.csv`, which is optional."""
    if not (folder / "deadlines.csv").exists():
        return
    optional = ("closing_time", "article")
    table = _read_table(folder, "deadlines.csv", errors, ("code", "days", "kind_of_days"), optional, DEADLINE_TEXTS)
    for code, row in _index_by_code(table).items():
        if not re.fullmatch(r"\d{1,3}", row["days"], re.ASCII):
            table.add_problem(row.line, _("days %(days)s is not a whole number") % {"days": row["days"] or "''"})
        if row["closing_time"] and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", row["closing_time"], re.ASCII):
            table.add_problem(row.line, _("closing_time %(cell)s is not like 18:00") % {"cell": row["closing_time"]})
        deadline: dict[str, Any] = {
            "code": code,
            "kind_of_days": _get_choice(table, row, "kind_of_days", ("calendar", "working")),
            "days": int(row["days"]) if row["days"].isascii() and row["days"].isdigit() else 0,
            "closing_time": row["closing_time"],
            "article": row["article"],
        }
        for name in DEADLINE_TEXTS:
            deadline[name] = _get_texts(table, row, name, pack.languages, required=name == "name")
        pack.deadlines.append(deadline)
    errors += table.bad
