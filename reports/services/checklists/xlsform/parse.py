"""Parsing an XLSForm into a checklist draft.

What the platform supports becomes part of the questions. What only phones can evaluate is kept for
them. A column that would produce an answer which nobody gave is refused.
"""

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

from observer.services.spreadsheets.tables import BadTable, find_code_problem
from reports.models import Checklist, ChecklistFile, Question, Section
from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS
from reports.services.checklists.csv_files import ChecklistDraft, ReadingContext
from reports.services.checklists.validation import TYPES_WITH_LISTED_ANSWERS, find_question_problems
from reports.services.checklists.xlsform.media import build_checklist_files, read_media
from reports.services.checklists.xlsform.names import build_xml_names
from reports.services.checklists.xlsform.workbook import ALL_LANGUAGES, Row, WorkbookSheets, parse_language, read_sheets
from reports.services.checklists.xlsform.xpath import (
    is_complete_expression,
    parse_limits,
    parse_relevant,
    rename_references,
)

Type = Question.Type
# By XLSForm type: the question's type, and the XLSForm type that is kept so that it can be written again.
SIMPLE_TYPES: Mapping[str, tuple[str, str]] = {
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
# The platform records these itself, so such rows are ignored.
METADATA_TYPES = frozenset(
    {"start", "end", "today", "deviceid", "username", "email", "phonenumber", "simserial", "subscriberid", "audit"}
)
SELECT_PATTERN = re.compile(r"(select[_ ]one|select[_ ]multiple|select1|select)\s+([\w.\-]+)", re.IGNORECASE)
SELECT_ONE_TYPES = {"yes_no", "rating", "choice", "violation"}
# They would produce an answer that nobody gave, or the platform's other clients could not follow them.
UNSUPPORTED_COLUMNS = {
    "choice_filter": "choice_filter",
    "trigger": "trigger",
    "bind.calculate": "calculation",
    "control.jr:count": "repeat_count",
    "bind.entities:saveto": "save_to",
}
TRUE_CELLS = frozenset({"yes", "true", "true()", "1"})
FALSE_CELLS = frozenset({"", "no", "false", "false()", "0"})


def parse_xlsform(
    *,
    source: bytes,
    file: str,
    context: ReadingContext,
    checklists: Mapping[str, Checklist],
    files: Mapping[str, bytes],
) -> ChecklistDraft:
    """Parses a workbook into a checklist draft.

    `checklists` are the election's, by code; `files` are the files that came with the workbook, by
    name. Raises BadTable with every problem.
    """
    sheets = read_sheets(source=source, file=file)
    reader = _SurveyReader(sheets, context)
    reader.read_survey()
    media = build_checklist_files(reader.wanted, files, lambda reason, line: sheets.add_problem("survey", line, reason))
    for code, reason in find_question_problems(
        reader.questions, languages=context.languages, violations=context.violations
    ):
        sheets.add_problem("survey", reader.lines.get(code, 0), f"{code}: {reason}")
    draft = _build_draft(sheets, reader, checklists, media)
    if not sheets.bad:
        try:
            convert(source, file_type=".xlsx", form_name="data")
        except PyXFormError as error:
            sheets.add_converter_error(error)
    if sheets.bad:
        raise BadTable(sheets.bad)
    return draft


def _build_draft(
    sheets: WorkbookSheets, reader: "_SurveyReader", checklists: Mapping[str, Checklist], media: Sequence[ChecklistFile]
) -> ChecklistDraft:
    """Builds the draft.

    Each property comes from the settings sheet, else from the stored checklist, else from the defaults.
    """
    settings = sheets.settings
    code = str(settings.get("id_string") or "").strip()
    if reason := find_code_problem(code, 40):
        sheets.add_problem("settings", 2, reason, "form_id")
    base = checklists.get(code) or Checklist(
        code=code,
        stage=code,
        repeat=Checklist.Repeat.VISIT,
        order=1 + max((checklist.order for checklist in checklists.values()), default=0),
    )
    properties: dict[str, str] = {}
    for column, field_name, values in (
        ("stage", "stage", None),
        ("place_level", "place", Checklist.Place.values),
        ("repeat", "repeat", Checklist.Repeat.values),
    ):
        cell = str(settings.get(column) or getattr(base, field_name)).strip()
        if values is not None and cell not in values:
            sheets.add_problem("settings", 2, _("there are %(known)s") % {"known": ", ".join(values)}, column)
        elif values is None and (reason := find_code_problem(cell, 40)):
            sheets.add_problem("settings", 2, reason, column)
        properties[field_name] = cell
    order = str(settings.get("order") or base.order).strip()
    if not order.isascii() or not order.isdigit() or len(order) > 4:
        sheets.add_problem("settings", 2, _("a whole number is expected"), "order")
        order = "0"
    titles = reader.read_translations("settings", 2, settings, "checklist_title")
    if not titles:
        title = str(settings.get("title") or code)
        titles = base.titles if base.pk else dict.fromkeys(reader.context.languages, title)
    return ChecklistDraft(
        code,
        list(reader.sections.values()),
        reader.questions,
        reader.lines,
        sheets.file,
        int(order),
        properties["stage"],
        properties["place"],
        properties["repeat"],
        titles,
        list(media),
    )


@dataclass
class _OpenGroup:
    """A group of the survey sheet that has begun and not ended."""

    section: Section
    relevant: str
    appearance: str


@dataclass
class _SurveyReader:
    """Reads the survey sheet.

    One pass reads the rows, a second resolves references to other questions.
    """

    sheets: WorkbookSheets
    context: ReadingContext
    sections: dict[str, Section] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)  # media files, with the first line that names each
    groups: list[_OpenGroup] = field(default_factory=list)
    names: dict[str, Question] = field(default_factory=dict)
    relevants: dict[str, str] = field(default_factory=dict)

    def read_survey(self) -> None:
        """Reads all rows into `sections`, `questions`, `lines` and `wanted`."""
        self.lists: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for line, row in enumerate(self.sheets.choices, 2):
            if row:
                self.lists[str(row.get("list_name") or row.get("list name") or "")].append((line, row))
        for line, row in enumerate(self.sheets.survey, 2):
            if row:
                self._read_row(line, row)
        if self.groups:
            self._add_problem(0, _("a group is not closed"))
        if not self.questions and not self.sheets.bad:
            self._add_problem(0, _("has no questions"))
        self._resolve_references()

    def _add_problem(self, line: int, reason: str, column: str = "") -> None:
        self.sheets.add_problem("survey", line, reason, column)

    # ── rows ──
    def _read_row(self, line: int, row: Row) -> None:
        kind = " ".join(str(row.get("type", "")).split())
        plain = kind.lower().replace(" ", "_")
        if plain == "begin_group":
            self._begin_group(line, row)
        elif plain == "end_group":
            if self.groups:
                self.groups.pop()
            else:
                self._add_problem(line, _("a group ends here that did not begin"), "type")
        elif plain in ("begin_repeat", "end_repeat"):
            self._add_problem(
                line, _("repeats are not supported: make a checklist of its own, filled at every visit"), "type"
            )
        elif plain not in METADATA_TYPES and str(row.get("disabled", "")).lower() not in TRUE_CELLS:
            self._read_question(line, row, kind)

    def _begin_group(self, line: int, row: Row) -> None:
        name = str(row.get("name") or "")
        code = str(row.get("code") or name)
        if reason := find_code_problem(code, 40):
            self._add_problem(line, reason, "name")
        section = self.sections.setdefault(code, Section(order=len(self.sections), code=code, titles={}))
        section.titles = section.titles or self.read_translations("survey", line, row, "label")
        relevant = str(_get_column_group(row, "bind").get("relevant", ""))
        if not is_complete_expression(relevant):
            self._add_problem(line, _("this is no whole expression"), "relevant")
        self.groups.append(_OpenGroup(section, relevant, str(_get_column_group(row, "control").get("appearance", ""))))

    def _read_question(self, line: int, row: Row, kind: str) -> None:
        self._check_supported(line, row)
        bind = _get_column_group(row, "bind")
        for column in ("relevant", "constraint", "required"):
            if not is_complete_expression(str(bind.get(column, ""))):
                self._add_problem(line, _("this is no whole expression"), column)
        type_and_choices = self._read_type(line, row, kind)
        name = str(row.get("name") or "")
        code = str(row.get("code") or name)
        if reason := find_code_problem(code, 40):
            self._add_problem(line, reason, "code" if row.get("code") else "name")
            return
        if name.startswith("_"):
            self._add_problem(line, _("names that begin with _ are the platform's own"), "name")
        if code in self.lines or name in self.names:
            values = {"code": code, "line": self.lines.get(code, 0)}
            self._add_problem(line, _("code %(code)s was already in line %(line)d") % values, "name")
            return
        if type_and_choices is None:
            return
        type_, choices, extras = type_and_choices
        required = str(bind.get("required", "")).strip()
        if required.lower() not in TRUE_CELLS | FALSE_CELLS:
            extras["required"] = required
        extras |= self._read_extras(line, row, bind)
        low, high = self._read_limits(line, type_, str(bind.get("constraint", "")).strip(), extras)
        group = self.groups[-1] if self.groups else None
        question = Question(
            order=len(self.questions),
            code=code,
            type=type_,
            section=group.section if group else None,
            labels=self.read_translations("survey", line, row, "label"),
            hints=self.read_translations("survey", line, row, "hint"),
            choices=choices,
            required=required.lower() in TRUE_CELLS,
            minimum=low,
            maximum=high,
            violation_answers=str(row.get("violation_answer") or "").split(),
            violation_code=str(row.get("violation_code") or ""),
            control=str(row.get("control_figure") or ""),
            sms_code=str(row.get("sms_code") or ""),
            xlsform=extras or None,
        )
        for column, cell, max_length in (("control_figure", question.control, 40), ("sms_code", question.sms_code, 12)):
            if cell and (reason := find_code_problem(cell, max_length)):
                self._add_problem(line, reason, column)
        self.questions.append(question)
        self.names[name], self.lines[code] = question, line
        conditions = [one.relevant for one in self.groups if one.relevant] + [str(bind.get("relevant", "")).strip()]
        conditions = [condition for condition in conditions if condition]
        self.relevants[name] = (
            conditions[0] if len(conditions) == 1 else " and ".join(f"({condition})" for condition in conditions)
        )

    def _check_supported(self, line: int, row: Row) -> None:
        """Adds a problem for each cell that the platform does not support."""
        for path, column in UNSUPPORTED_COLUMNS.items():
            first, _dot, second = path.partition(".")
            if row.get(first) if not second else _get_column_group(row, first).get(second):
                self._add_problem(
                    line, _("is not supported: an answer is what the observer said, in any client"), column
                )
        readonly = str(_get_column_group(row, "bind").get("readonly", "")).strip().lower()
        if readonly not in FALSE_CELLS and str(row.get("type", "")).strip() != "note":
            self._add_problem(
                line, _("is not supported: an answer is what the observer said, in any client"), "read_only"
            )
        default = row.get("default")
        if default and default_is_dynamic(default, row.get("type")):
            self._add_problem(line, _("only a plain value can be preset"), "default")

    # ── cells ──
    def read_translations(self, sheet: str, line: int, row: Row, column: str) -> dict[str, str]:
        """Reads a text by language.

        A text without a language is used for every language that has no text of its own.
        """
        cell = row.get(column)
        if not cell:
            return {}
        given = cell if isinstance(cell, Mapping) else {ALL_LANGUAGES: cell}
        found: dict[str, str] = {}
        for name, text in given.items():
            language = parse_language(str(name))
            if language == "?":
                reason = _("language %(name)s is unknown: write it with its code, like Қазақша (kk)") % {"name": name}
                self.sheets.add_problem(sheet, line, reason, column)
            elif str(text).strip():
                found[language] = str(text)
        for_all = found.pop(ALL_LANGUAGES, "")
        return {language: for_all for language in self.context.languages if for_all} | found

    def _read_type(self, line: int, row: Row, kind: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]] | None:
        """Reads the question's type, its choices, and what else is kept.

        Returns None and adds a problem where the platform has no such type.
        """
        question_type = str(row.get("question_type") or "")
        select = SELECT_PATTERN.fullmatch(kind)
        if select is None:
            type_, xlsform_type = SIMPLE_TYPES.get(kind.lower(), ("", ""))
            if not type_ or (question_type and question_type != type_):
                self._add_problem(line, _("type %(type)s is not supported") % {"type": kind or "''"}, "type")
                return None
            return type_, [], {"type": xlsform_type} if xlsform_type else {}
        rows = self.lists.get(select[2], [])
        if not rows:
            self._add_problem(line, _("list %(name)s is not on the sheet choices") % {"name": select[2]}, "type")
            return None
        codes = [str(one.get("name") or "") for _line, one in rows]
        type_ = question_type or self._guess_type(row, select[1].lower(), codes)
        if (
            (type_ not in SELECT_ONE_TYPES)
            if select[1].lower() in ("select_one", "select one", "select1")
            else type_ != "choices"
        ):
            self._add_problem(
                line, _("%(type)s does not fit a %(kind)s") % {"type": type_, "kind": kind}, "question_type"
            )
            return None
        if type_ in ("yes_no", "rating"):
            return self._read_shared_list(line, type_, codes)
        return (
            type_,
            [] if type_ == Type.VIOLATION else [self._read_choice(choice_line, choice) for choice_line, choice in rows],
            {},
        )

    def _guess_type(self, row: Row, kind: str, codes: Sequence[str]) -> str:
        if "multiple" in kind or kind == "select":
            return Type.CHOICES
        if str(row.get("violation_answer") or "") == "*":
            return Type.VIOLATION
        if {"yes", "no"} <= set(codes) <= set(YES_NO_ANSWERS):
            return Type.YES_NO
        return Type.RATING if set(codes) == set(RATING_ANSWERS) else Type.CHOICE

    def _read_shared_list(
        self, line: int, type_: str, codes: Sequence[str]
    ) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        """Reads a list of answers that every checklist shares.

        Where the form offers fewer of them, these are kept for phones that show the form.
        """
        known = YES_NO_ANSWERS if type_ == Type.YES_NO else RATING_ANSWERS
        for code in sorted(set(codes) - set(known)):
            self._add_problem(line, _("%(code)s is no answer to a %(type)s") % {"code": code, "type": type_}, "type")
        return type_, [], {} if set(codes) == set(known) else {"offered": [one for one in known if one in codes]}

    def _read_choice(self, line: int, row: Row) -> dict[str, Any]:
        code = str(row.get("name") or "")
        if reason := find_code_problem(code, 40):
            self.sheets.add_problem("choices", line, reason, "name")
        choice: dict[str, Any] = {"code": code, "labels": self.read_translations("choices", line, row, "label")}
        media = read_media(row, self.wanted, line, parse_language)
        return choice | ({"media": media} if media else {})

    def _read_extras(self, line: int, row: Row, bind: Row) -> dict[str, Any]:
        """Reads what is kept unchanged for the clients that understand it."""
        extras: dict[str, Any] = {}
        for key, value in (
            ("appearance", _get_column_group(row, "control").get("appearance")),
            ("parameters", row.get("parameters")),
            ("default", row.get("default")),
        ):
            if value:
                extras[key] = str(value)
        for key, source, column in (
            ("required_message", bind, "jr:requiredMsg"),
            ("constraint_message", bind, "jr:constraintMsg"),
            ("guidance_hint", row, "guidance_hint"),
        ):
            if translations := self.read_translations("survey", line, source, column):
                extras[key] = translations
        if media := read_media(row, self.wanted, line, parse_language):
            extras["media"] = media
        if self.groups and self.groups[-1].appearance:
            extras["group_appearance"] = self.groups[-1].appearance
        return extras

    def _read_limits(
        self, line: int, type_: str, text: str, extras: dict[str, Any]
    ) -> tuple[Decimal | None, Decimal | None]:
        if not text:
            return None, None
        limits = parse_limits(text) if type_ in (Type.INTEGER, Type.DECIMAL) else None
        if limits is None:
            extras["constraint"] = text
            return None, None
        return limits

    # ── references to other questions ──
    def _resolve_references(self) -> None:
        """Turns `relevant` into a condition on an answer where possible.

        In the expressions that are kept, replaces the questions' names by those of the platform's
        forms.
        """
        multiple = {
            name: question.type == Type.CHOICES
            for name, question in self.names.items()
            if question.type in TYPES_WITH_LISTED_ANSWERS
        }
        xml_names = build_xml_names(question.code for question in self.questions)
        new_names = {name: xml_names[question.code] for name, question in self.names.items()}
        for name, question in self.names.items():
            extras: dict[str, Any] = dict(question.xlsform or {})
            if text := self.relevants[name]:
                parsed = parse_relevant(text, multiple)
                if parsed is None:
                    extras["relevant"] = text
                else:
                    question.relevant_question, question.relevant_answers = self.names[parsed[0]].code, parsed[1]
            for key in ("relevant", "constraint", "required"):
                if key in extras:
                    extras[key] = rename_references(extras[key], new_names)
            question.xlsform = extras or None


def _get_column_group(row: Row, key: str) -> Row:
    found = row.get(key)
    return found if isinstance(found, Mapping) else {}
