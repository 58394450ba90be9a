"""An XLSForm as one of our checklists: what it says that we know becomes ours, what phones alone can judge is kept for
them, and what would make an answer something that nobody answered is refused."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from pyxform.errors import PyXFormError
from pyxform.utils import default_is_dynamic
from pyxform.xls2xform import convert

from observer.services.spreadsheets.tables import BadTable, code_problem
from reports.models import Checklist, ChecklistFile, Question, Section
from reports.services.checklists.compiled import RATING, YES_NO
from reports.services.checklists.csv_files import Draft, Reading
from reports.services.checklists.validation import LISTED, question_problems
from reports.services.checklists.xlsform.media import files_read, media_read
from reports.services.checklists.xlsform.names import names_of
from reports.services.checklists.xlsform.workbook import EVERY, Row, Sheets, language_of, sheets_read
from reports.services.checklists.xlsform.xpath import (
    expression_is_whole,
    limits_read,
    references_renamed,
    relevant_read,
)

Type = Question.Type
# XLSForm's type: ours, and what is kept so that the form goes out as it came
PLAIN: Mapping[str, tuple[str, str]] = {
    "text": (Type.TEXT, ""),
    "string": (Type.TEXT, ""),
    "integer": (Type.INTEGER, ""),
    "int": (Type.INTEGER, ""),
    "decimal": (Type.DECIMAL, ""),
    "date": (Type.DATE, ""),
    "time": (Type.TIME, ""),
    "note": (Type.NOTE, ""),
    "geopoint": (Type.LOCATION, ""),
    "location": (Type.LOCATION, ""),
    "gps": (Type.LOCATION, ""),
    "image": (Type.PHOTO, ""),
    "photo": (Type.PHOTO, ""),
    "file": (Type.FILE, ""),
    "audio": (Type.FILE, "audio"),
    "video": (Type.FILE, "video"),
    "barcode": (Type.TEXT, "barcode"),
}
# What the platform records itself, so that these rows say nothing new.
METADATA = frozenset(
    {"start", "end", "today", "deviceid", "username", "email", "phonenumber", "simserial", "subscriberid", "audit"}
)
SELECT = re.compile(r"(select[_ ]one|select[_ ]multiple|select1|select)\s+([\w.\-]+)", re.IGNORECASE)
ONE_OF = {"yes_no", "rating", "choice", "violation"}
NEVER = {  # columns that make an answer of something that nobody answered, or that no other client of ours could follow
    "choice_filter": "choice_filter",
    "trigger": "trigger",
    "bind.calculate": "calculation",
    "control.jr:count": "repeat_count",
    "bind.entities:saveto": "save_to",
}
TRUE = frozenset({"yes", "true", "true()", "1"})
FALSE = frozenset({"", "no", "false", "false()", "0"})


def xlsform_read(
    *, source: bytes, file: str, reading: Reading, known: Mapping[str, Checklist], files: Mapping[str, bytes]
) -> Draft:
    """The checklist in a workbook. `known` are the election's by code; `files` what lies beside the workbook.

    Raises BadTable with every complaint.
    """
    sheets = sheets_read(source=source, file=file)
    reader = _Reader(sheets, reading)
    reader.read()
    media = files_read(reader.wanted, files, lambda reason, line: sheets.complain("survey", line, reason))
    for code, reason in question_problems(reader.questions, languages=reading.languages, violations=reading.violations):
        sheets.complain("survey", reader.lines.get(code, 0), f"{code}: {reason}")
    draft = _draft(sheets, reader, known, media)
    if not sheets.bad:
        try:
            convert(source, file_type=".xlsx", form_name="data")
        except PyXFormError as error:
            sheets.refused_by(error)
    if sheets.bad:
        raise BadTable(sheets.bad)
    return draft


def _draft(sheets: Sheets, reader: "_Reader", known: Mapping[str, Checklist], media: Sequence[ChecklistFile]) -> Draft:
    """With the settings' words where they have any, else as the checklist stands, else as most are."""
    given = sheets.settings
    code = str(given.get("id_string") or "").strip()
    if reason := code_problem(code, 40):
        sheets.complain("settings", 2, reason, "form_id")
    base = known.get(code) or Checklist(
        code=code,
        stage=code,
        repeat=Checklist.Repeat.VISIT,
        order=1 + max((one.order for one in known.values()), default=0),
    )
    chosen: dict[str, str] = {}
    for column, field_name, values in (
        ("stage", "stage", None),
        ("place_level", "place", Checklist.Place.values),
        ("repeat", "repeat", Checklist.Repeat.values),
    ):
        cell = str(given.get(column) or getattr(base, field_name)).strip()
        if values is not None and cell not in values:
            sheets.complain("settings", 2, _("there are %(known)s") % {"known": ", ".join(values)}, column)
        elif values is None and (reason := code_problem(cell, 40)):
            sheets.complain("settings", 2, reason, column)
        chosen[field_name] = cell
    order = str(given.get("order") or base.order).strip()
    if not order.isascii() or not order.isdigit() or len(order) > 4:
        sheets.complain("settings", 2, _("a whole number is expected"), "order")
        order = "0"
    titles = reader.words("settings", 2, given, "checklist_title")
    if not titles:
        title = str(given.get("title") or code)
        titles = base.titles if base.pk else dict.fromkeys(reader.reading.languages, title)
    return Draft(
        code,
        list(reader.sections.values()),
        reader.questions,
        reader.lines,
        sheets.file,
        int(order),
        chosen["stage"],
        chosen["place"],
        chosen["repeat"],
        titles,
        list(media),
    )


@dataclass
class _Group:
    section: Section
    relevant: str
    appearance: str


@dataclass
class _Reader:
    """One pass over the survey sheet, then a second over what refers to other questions."""

    sheets: Sheets
    reading: Reading
    sections: dict[str, Section] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)  # media files, and the first row that shows each
    groups: list[_Group] = field(default_factory=list)
    names: dict[str, Question] = field(default_factory=dict)
    relevants: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        self.lists: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for line, row in enumerate(self.sheets.choices, 2):
            if row:
                self.lists[str(row.get("list_name") or row.get("list name") or "")].append((line, row))
        for line, row in enumerate(self.sheets.survey, 2):
            if row:
                self._row(line, row)
        if self.groups:
            self._complain(0, _("a group is not closed"))
        if not self.questions and not self.sheets.bad:
            self._complain(0, _("has no questions"))
        self._settle()

    def _complain(self, line: int, reason: str, column: str = "") -> None:
        self.sheets.complain("survey", line, reason, column)

    # ── rows ──
    def _row(self, line: int, row: Row) -> None:
        kind = " ".join(str(row.get("type", "")).split())
        plain = kind.lower().replace(" ", "_")
        if plain == "begin_group":
            self._begin(line, row)
        elif plain == "end_group":
            if self.groups:
                self.groups.pop()
            else:
                self._complain(line, _("a group ends here that did not begin"), "type")
        elif plain in ("begin_repeat", "end_repeat"):
            self._complain(
                line, _("repeats are not supported: make a checklist of its own, filled at every visit"), "type"
            )
        elif plain not in METADATA and str(row.get("disabled", "")).lower() not in TRUE:
            self._question(line, row, kind)

    def _begin(self, line: int, row: Row) -> None:
        name = str(row.get("name") or "")
        code = str(row.get("code") or name)
        if reason := code_problem(code, 40):
            self._complain(line, reason, "name")
        section = self.sections.setdefault(code, Section(order=len(self.sections), code=code, titles={}))
        section.titles = section.titles or self.words("survey", line, row, "label")
        relevant = str(_part(row, "bind").get("relevant", ""))
        if not expression_is_whole(relevant):
            self._complain(line, _("this is no whole expression"), "relevant")
        self.groups.append(_Group(section, relevant, str(_part(row, "control").get("appearance", ""))))

    def _question(self, line: int, row: Row, kind: str) -> None:
        self._refuse(line, row)
        bind = _part(row, "bind")
        for column in ("relevant", "constraint", "required"):
            if not expression_is_whole(str(bind.get(column, ""))):
                self._complain(line, _("this is no whole expression"), column)
        read = self._type(line, row, kind)
        name = str(row.get("name") or "")
        code = str(row.get("code") or name)
        if reason := code_problem(code, 40):
            self._complain(line, reason, "code" if row.get("code") else "name")
            return
        if name.startswith("_"):
            self._complain(line, _("names that begin with _ are the platform's own"), "name")
        if code in self.lines or name in self.names:
            values = {"code": code, "line": self.lines.get(code, 0)}
            self._complain(line, _("code %(code)s was already in line %(line)d") % values, "name")
            return
        if read is None:
            return
        type_, choices, more = read
        required = str(bind.get("required", "")).strip()
        if required.lower() not in TRUE | FALSE:
            more["required"] = required
        more |= self._more(line, row, bind)
        low, high = self._limits(line, type_, str(bind.get("constraint", "")).strip(), more)
        group = self.groups[-1] if self.groups else None
        question = Question(
            order=len(self.questions),
            code=code,
            type=type_,
            section=group.section if group else None,
            labels=self.words("survey", line, row, "label"),
            hints=self.words("survey", line, row, "hint"),
            choices=choices,
            required=required.lower() in TRUE,
            minimum=low,
            maximum=high,
            violation_answers=str(row.get("violation_answer") or "").split(),
            violation_code=str(row.get("violation_code") or ""),
            control=str(row.get("control_figure") or ""),
            sms_code=str(row.get("sms_code") or ""),
            xlsform=more or None,
        )
        for column, cell, longest in (("control_figure", question.control, 40), ("sms_code", question.sms_code, 12)):
            if cell and (reason := code_problem(cell, longest)):
                self._complain(line, reason, column)
        self.questions.append(question)
        self.names[name], self.lines[code] = question, line
        own = [one.relevant for one in self.groups if one.relevant] + [str(bind.get("relevant", "")).strip()]
        own = [one for one in own if one]
        self.relevants[name] = own[0] if len(own) == 1 else " and ".join(f"({one})" for one in own)

    def _refuse(self, line: int, row: Row) -> None:
        for path, column in NEVER.items():
            first, _dot, second = path.partition(".")
            if row.get(first) if not second else _part(row, first).get(second):
                self._complain(line, _("is not supported: an answer is what the observer said, in any client"), column)
        readonly = str(_part(row, "bind").get("readonly", "")).strip().lower()
        if readonly not in FALSE and str(row.get("type", "")).strip() != "note":
            self._complain(line, _("is not supported: an answer is what the observer said, in any client"), "read_only")
        default = row.get("default")
        if default and default_is_dynamic(default, row.get("type")):
            self._complain(line, _("only a plain value can be preset"), "default")

    # ── cells ──
    def words(self, sheet: str, line: int, row: Row, column: str) -> dict[str, str]:
        """A text by language; one without a language stands for every language that has none of its own."""
        cell = row.get(column)
        if not cell:
            return {}
        given = cell if isinstance(cell, Mapping) else {EVERY: cell}
        found: dict[str, str] = {}
        for name, text in given.items():
            language = language_of(str(name))
            if language == "?":
                reason = _("language %(name)s is unknown: write it with its code, like Қазақша (kk)") % {"name": name}
                self.sheets.complain(sheet, line, reason, column)
            elif str(text).strip():
                found[language] = str(text)
        every = found.pop(EVERY, "")
        return {language: every for language in self.reading.languages if every} | found

    def _type(self, line: int, row: Row, kind: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]] | None:
        """Our type, its choices, and what else is kept; None where it has no counterpart, which is said."""
        asked = str(row.get("question_type") or "")
        select = SELECT.fullmatch(kind)
        if select is None:
            type_, keep = PLAIN.get(kind.lower(), ("", ""))
            if not type_ or (asked and asked != type_):
                self._complain(line, _("type %(type)s is not supported") % {"type": kind or "''"}, "type")
                return None
            return type_, [], {"type": keep} if keep else {}
        rows = self.lists.get(select[2], [])
        if not rows:
            self._complain(line, _("list %(name)s is not on the sheet choices") % {"name": select[2]}, "type")
            return None
        codes = [str(one.get("name") or "") for _line, one in rows]
        type_ = asked or self._guess(row, select[1].lower(), codes)
        if (
            (type_ not in ONE_OF)
            if select[1].lower() in ("select_one", "select one", "select1")
            else type_ != "choices"
        ):
            self._complain(line, _("%(type)s does not fit a %(kind)s") % {"type": type_, "kind": kind}, "question_type")
            return None
        if type_ in ("yes_no", "rating"):
            return self._shared(line, type_, codes)
        return type_, [] if type_ == Type.VIOLATION else [self._choice(now, one) for now, one in rows], {}

    def _guess(self, row: Row, kind: str, codes: Sequence[str]) -> str:
        if "multiple" in kind or kind == "select":
            return Type.CHOICES
        if str(row.get("violation_answer") or "") == "*":
            return Type.VIOLATION
        if {"yes", "no"} <= set(codes) <= set(YES_NO):
            return Type.YES_NO
        return Type.RATING if set(codes) == set(RATING) else Type.CHOICE

    def _shared(self, line: int, type_: str, codes: Sequence[str]) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        """A list that every checklist shares; one with fewer answers stays so on phones that know the form."""
        known = YES_NO if type_ == Type.YES_NO else RATING
        for code in sorted(set(codes) - set(known)):
            self._complain(line, _("%(code)s is no answer to a %(type)s") % {"code": code, "type": type_}, "type")
        return type_, [], {} if set(codes) == set(known) else {"offered": [one for one in known if one in codes]}

    def _choice(self, line: int, row: Row) -> dict[str, Any]:
        code = str(row.get("name") or "")
        if reason := code_problem(code, 40):
            self.sheets.complain("choices", line, reason, "name")
        choice: dict[str, Any] = {"code": code, "labels": self.words("choices", line, row, "label")}
        media = media_read(row, self.wanted, line, language_of)
        return choice | ({"media": media} if media else {})

    def _more(self, line: int, row: Row, bind: Row) -> dict[str, Any]:
        """What goes back out as it came, for those who understand it."""
        more: dict[str, Any] = {}
        for key, value in (
            ("appearance", _part(row, "control").get("appearance")),
            ("parameters", row.get("parameters")),
            ("default", row.get("default")),
        ):
            if value:
                more[key] = str(value)
        for key, source, column in (
            ("required_message", bind, "jr:requiredMsg"),
            ("constraint_message", bind, "jr:constraintMsg"),
            ("guidance_hint", row, "guidance_hint"),
        ):
            if words := self.words("survey", line, source, column):
                more[key] = words
        if media := media_read(row, self.wanted, line, language_of):
            more["media"] = media
        if self.groups and self.groups[-1].appearance:
            more["group_appearance"] = self.groups[-1].appearance
        return more

    def _limits(self, line: int, type_: str, text: str, more: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
        if not text:
            return None, None
        limits = limits_read(text) if type_ in (Type.INTEGER, Type.DECIMAL) else None
        if limits is None:
            more["constraint"] = text
            return None, None
        return limits

    # ── what refers to other questions ──
    def _settle(self) -> None:
        """Turns `relevant` into `relevant_if` where it is one, and names in what is kept into those of our forms."""
        multiple = {name: one.type == Type.CHOICES for name, one in self.names.items() if one.type in LISTED}
        ours = names_of(question.code for question in self.questions)
        renamed = {name: ours[question.code] for name, question in self.names.items()}
        for name, question in self.names.items():
            more: dict[str, Any] = dict(question.xlsform or {})
            if text := self.relevants[name]:
                found = relevant_read(text, multiple)
                if found is None:
                    more["relevant"] = text
                else:
                    question.relevant_question, question.relevant_answers = self.names[found[0]].code, found[1]
            for key in ("relevant", "constraint", "required"):
                if key in more:
                    more[key] = references_renamed(more[key], renamed)
            question.xlsform = more or None


def _part(row: Row, key: str) -> Row:
    found = row.get(key)
    return found if isinstance(found, Mapping) else {}
