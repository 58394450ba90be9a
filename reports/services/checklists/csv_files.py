"""Checklists as files: `index.csv`, and one `<code>.csv` of questions for each."""

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import (
    CODE,
    BadLine,
    BadTable,
    Row,
    Table,
    code_problem,
    file_read,
    table_read,
)
from reports.models import Checklist, ChecklistFile, Question, Section
from reports.services.checklists.validation import question_problems

INDEX = "index.csv"
OPTIONAL = (
    "section",
    "choices",
    "required",
    "relevant_question",
    "relevant_answer",
    "min",
    "max",
    "violation_answer",
    "violation_code",
    "control",
    "sms_code",
)
FLAGS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
NUMBER = re.compile(r"-?\d{1,14}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Draft:
    """One checklist as a file tells it: unsaved sections and questions, and the line of each question's code.

    `order`, `stage`, `place`, `repeat` and `titles` come from the index; without one they are None.
    """

    code: str
    sections: list[Section]
    questions: list[Question]
    lines: dict[str, int]
    file: str
    order: int | None = None
    stage: str | None = None
    place: str | None = None
    repeat: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    files: list[ChecklistFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader of checklists has to know: languages, their order in `choices`, the violation codes."""

    languages: Sequence[str]
    choice_languages: Sequence[str]
    violations: AbstractSet[str]


def checklists_read(*, folder: Path, reading: Reading, prefix: str = "") -> tuple[list[Draft], list[BadLine]]:
    """The folder's checklists in the order of its index, and every bad line of all its files."""
    name = prefix + INDEX
    try:
        source = file_read(path=folder / INDEX)
    except BadTable as error:
        return [], [BadLine(name, line.line, line.reason) for line in error.lines]
    table = table_read(
        source=source, file=name, required=("code", "stage", "place_level", "repeat"), prefixes=("title",)
    )
    drafts: list[Draft] = []
    bad: list[BadLine] = []
    for order, (code, row) in enumerate(table.unique("code").items()):
        _check_index(table, row, reading.languages)
        file = f"{code}.csv"
        draft, wrong = checklist_read(path=folder / file, file=prefix + file, reading=reading)
        bad += wrong
        if draft:
            drafts.append(
                Draft(
                    code,
                    draft.sections,
                    draft.questions,
                    draft.lines,
                    draft.file,
                    order,
                    row["stage"],
                    row["place_level"],
                    row["repeat"],
                    row.words("title"),
                )
            )
    if not table.rows and not table.bad:
        table.complain(0, _("lists no checklist"))
    if table.columns and not table.bad:
        listed = {row["code"] for row in table.rows}
        for path in sorted(folder.glob("*.csv")):
            if path.name != INDEX and path.stem not in listed:
                bad.append(BadLine(prefix + path.name, 0, _("is not listed in index.csv")))
    return drafts, table.bad + bad


def checklist_read(*, path: Path, file: str, reading: Reading) -> tuple[Draft | None, list[BadLine]]:
    """One file of questions; its checklist's code is the file's name."""
    try:
        source = file_read(path=path)
    except BadTable as error:
        return None, [BadLine(file, line.line, line.reason) for line in error.lines]
    table = table_read(
        source=source, file=file, required=("code", "type"), optional=OPTIONAL, prefixes=("label", "hint", "section")
    )
    if reason := code_problem(path.stem, 40):
        table.complain(0, reason)
    sections: dict[str, Section] = {}
    questions = []
    rows = table.unique("code")
    for order, (code, row) in enumerate(rows.items()):
        if reason := code_problem(code, 40):
            table.complain(row.line, reason)
        questions.append(_question(table, row, order, sections, reading))
    if not table.rows and not table.bad:
        table.complain(0, _("has no questions"))
    for code, reason in question_problems(questions, languages=reading.languages, violations=reading.violations):
        table.complain(rows[code].line, reason)
    lines = {code: row.line for code, row in rows.items()}
    return Draft(path.stem, list(sections.values()), questions, lines, file), table.bad


def _check_index(table: Table, row: Row, languages: Sequence[str]) -> None:
    if reason := code_problem(row["code"], 40) or code_problem(row["stage"], 40):
        table.complain(row.line, reason)
    for column, known in (("place_level", Checklist.Place.values), ("repeat", Checklist.Repeat.values)):
        if row[column] not in known:
            values = {"column": column, "cell": row[column] or "''", "known": ", ".join(known)}
            table.complain(row.line, _("%(column)s %(cell)s is unknown; there are %(known)s") % values)
    missing = [language for language in languages if not row[f"title_{language}"]]
    if missing:
        table.complain(row.line, _("has no title in %(languages)s") % {"languages": ", ".join(missing)})


def _question(table: Table, row: Row, order: int, sections: dict[str, Section], reading: Reading) -> Question:
    def complain(reason: str) -> None:
        table.complain(row.line, reason)

    if row["required"].lower() not in FLAGS:
        complain(_("required %(cell)s is neither yes nor no") % {"cell": row["required"]})
    for column, longest in (("control", 40), ("sms_code", 12)):
        if row[column] and (reason := code_problem(row[column], longest)):
            complain(f"{column}: {reason}")
    return Question(
        order=order,
        code=row["code"],
        type=row["type"],
        section=_section(row, sections, complain),
        labels=row.words("label"),
        hints=row.words("hint"),
        choices=_choices(row["choices"], reading.choice_languages, complain),
        required=FLAGS.get(row["required"].lower(), False),
        relevant_question=row["relevant_question"],
        relevant_answers=row["relevant_answer"].split(),
        minimum=_limit(row, "min", complain),
        maximum=_limit(row, "max", complain),
        violation_answers=row["violation_answer"].split(),
        violation_code=row["violation_code"],
        control=row["control"],
        sms_code=row["sms_code"],
    )


def _section(row: Row, sections: dict[str, Section], complain: Callable[[str], None]) -> Section | None:
    """The section of a question. Its titles stand in `section_<lang>`, in any one of its rows."""
    code, titles = row["section"], row.words("section")
    if not code:
        if titles:
            complain(_("a section's title needs the section's code"))
        return None
    if reason := code_problem(code, 40):
        complain(f"section: {reason}")
    section = sections.setdefault(code, Section(order=len(sections), code=code, titles={}))
    if titles and section.titles and titles != section.titles:
        complain(_("section %(code)s has two different titles") % {"code": code})
    section.titles = section.titles or titles
    return section


def _choices(cell: str, languages: Sequence[str], complain: Callable[[str], None]) -> list[dict[str, object]]:
    """`code:label:label…;code:…`, the labels in the order of `languages`."""
    found: list[dict[str, object]] = []
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        code, *labels = (text.strip() for text in part.split(":"))
        if not CODE.fullmatch(code) or len(labels) != len(languages) or not all(labels):
            shape = ":".join(["code", *languages])
            complain(_("choice %(part)s is not %(shape)s") % {"part": part[:80], "shape": shape})
        else:
            found.append({"code": code, "labels": dict(zip(languages, labels, strict=True))})
    return found


def _limit(row: Row, column: str, complain: Callable[[str], None]) -> Decimal | None:
    cell = row[column]
    if not cell:
        return None
    if not NUMBER.fullmatch(cell):
        complain(_("%(column)s %(cell)s is not a number") % {"column": column, "cell": cell[:40]})
        return None
    return Decimal(cell)
