"""Reading checklists from CSV files.

A folder has an `index.csv`, and a `<code>.csv` with the questions of each checklist.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from observer.services.spreadsheets.tables import (
    CODE_PATTERN,
    BadLine,
    BadTable,
    Row,
    Table,
    find_code_problem,
    read_csv_table,
    read_file,
)
from reports.models import Checklist, ChecklistFile, Question, Section
from reports.services.checklists.validation import find_question_problems

INDEX_FILE = "index.csv"
OPTIONAL_COLUMNS = (
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
BOOLEAN_CELLS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
NUMBER_PATTERN = re.compile(r"-?\d{1,14}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ChecklistDraft:
    """One checklist as read from a file: unsaved sections, questions and files.

    `lines` has the line of each question's code. `order`, `stage`, `place`, `repeat` and `titles` come
    from the index; without an index the first four are None and `titles` is empty.
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
class ReadingContext:
    """What reading a checklist needs to know of its election.

    `languages`: its languages; `choice_languages`: their order in the column `choices`; `violations`:
    its violation codes.
    """

    languages: Sequence[str]
    choice_languages: Sequence[str]
    violations: AbstractSet[str]


def read_checklists(
    *, folder: Path, context: ReadingContext, prefix: str = ""
) -> tuple[list[ChecklistDraft], list[BadLine]]:
    """Reads a folder's checklists in the order of its index.

    Also returns every bad line of all files. `prefix` is put before the file names in bad lines.
    """
    name = prefix + INDEX_FILE
    try:
        source = read_file(path=folder / INDEX_FILE)
    except BadTable as error:
        return [], [BadLine(name, line.line, line.reason) for line in error.lines]
    table = read_csv_table(
        source=source, file=name, required=("code", "stage", "place_level", "repeat"), prefixes=("title",)
    )
    drafts: list[ChecklistDraft] = []
    bad: list[BadLine] = []
    for order, (code, row) in enumerate(table.index_rows("code").items()):
        _check_index_row(table, row, context.languages)
        file = f"{code}.csv"
        draft, bad_lines = read_checklist(path=folder / file, file=prefix + file, context=context)
        bad += bad_lines
        if draft:
            drafts.append(
                ChecklistDraft(
                    code,
                    draft.sections,
                    draft.questions,
                    draft.lines,
                    draft.file,
                    order,
                    row["stage"],
                    row["place_level"],
                    row["repeat"],
                    row.get_translations("title"),
                )
            )
    if not table.rows and not table.bad:
        table.add_problem(0, _("lists no checklist"))
    if table.columns and not table.bad:
        listed = {row["code"] for row in table.rows}
        for path in sorted(folder.glob("*.csv")):
            if path.name != INDEX_FILE and path.stem not in listed:
                bad.append(BadLine(prefix + path.name, 0, _("is not listed in index.csv")))
    return drafts, table.bad + bad


def read_checklist(*, path: Path, file: str, context: ReadingContext) -> tuple[ChecklistDraft | None, list[BadLine]]:
    """Reads one file of questions.

    The file's name without `.csv` is the checklist's code. Also returns every bad line.
    """
    try:
        source = read_file(path=path)
    except BadTable as error:
        return None, [BadLine(file, line.line, line.reason) for line in error.lines]
    table = read_csv_table(
        source=source,
        file=file,
        required=("code", "type"),
        optional=OPTIONAL_COLUMNS,
        prefixes=("label", "hint", "section"),
    )
    if reason := find_code_problem(path.stem, 40):
        table.add_problem(0, reason)
    sections: dict[str, Section] = {}
    questions = []
    rows = table.index_rows("code")
    for order, (code, row) in enumerate(rows.items()):
        if reason := find_code_problem(code, 40):
            table.add_problem(row.line, reason)
        questions.append(_build_question(table, row, order, sections, context))
    if not table.rows and not table.bad:
        table.add_problem(0, _("has no questions"))
    for code, reason in find_question_problems(questions, languages=context.languages, violations=context.violations):
        table.add_problem(rows[code].line, reason)
    lines = {code: row.line for code, row in rows.items()}
    return ChecklistDraft(path.stem, list(sections.values()), questions, lines, file), table.bad


def _check_index_row(table: Table, row: Row, languages: Sequence[str]) -> None:
    if reason := find_code_problem(row["code"], 40) or find_code_problem(row["stage"], 40):
        table.add_problem(row.line, reason)
    for column, known_values in (("place_level", Checklist.Place.values), ("repeat", Checklist.Repeat.values)):
        if row[column] not in known_values:
            values = {"column": column, "cell": row[column] or "''", "known": ", ".join(known_values)}
            table.add_problem(row.line, _("%(column)s %(cell)s is unknown; there are %(known)s") % values)
    missing = [language for language in languages if not row[f"title_{language}"]]
    if missing:
        table.add_problem(row.line, _("has no title in %(languages)s") % {"languages": ", ".join(missing)})


def _build_question(
    table: Table, row: Row, order: int, sections: dict[str, Section], context: ReadingContext
) -> Question:
    def add_problem(reason: str) -> None:
        table.add_problem(row.line, reason)

    if row["required"].lower() not in BOOLEAN_CELLS:
        add_problem(_("required %(cell)s is neither yes nor no") % {"cell": row["required"]})
    for column, max_length in (("control", 40), ("sms_code", 12)):
        if row[column] and (reason := find_code_problem(row[column], max_length)):
            add_problem(f"{column}: {reason}")
    return Question(
        order=order,
        code=row["code"],
        type=row["type"],
        section=_get_section(row, sections, add_problem),
        labels=row.get_translations("label"),
        hints=row.get_translations("hint"),
        choices=_parse_choices(row["choices"], context.choice_languages, add_problem),
        required=BOOLEAN_CELLS.get(row["required"].lower(), False),
        relevant_question=row["relevant_question"],
        relevant_answers=row["relevant_answer"].split(),
        minimum=_parse_limit(row, "min", add_problem),
        maximum=_parse_limit(row, "max", add_problem),
        violation_answers=row["violation_answer"].split(),
        violation_code=row["violation_code"],
        control=row["control"],
        sms_code=row["sms_code"],
    )


def _get_section(row: Row, sections: dict[str, Section], add_problem: Callable[[str], None]) -> Section | None:
    """Returns a question's section, created at its first row.

    Its titles are in the columns `section_<lang>` of any one of its rows.
    """
    code, titles = row["section"], row.get_translations("section")
    if not code:
        if titles:
            add_problem(_("a section's title needs the section's code"))
        return None
    if reason := find_code_problem(code, 40):
        add_problem(f"section: {reason}")
    section = sections.setdefault(code, Section(order=len(sections), code=code, titles={}))
    if titles and section.titles and titles != section.titles:
        add_problem(_("section %(code)s has two different titles") % {"code": code})
    section.titles = section.titles or titles
    return section


def _parse_choices(cell: str, languages: Sequence[str], add_problem: Callable[[str], None]) -> list[dict[str, object]]:
    """Parses `code:label:label…;code:…`, with the labels in the order of `languages`."""
    found: list[dict[str, object]] = []
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        code, *labels = (text.strip() for text in part.split(":"))
        if not CODE_PATTERN.fullmatch(code) or len(labels) != len(languages) or not all(labels):
            shape = ":".join(["code", *languages])
            add_problem(_("choice %(part)s is not %(shape)s") % {"part": part[:80], "shape": shape})
        else:
            found.append({"code": code, "labels": dict(zip(languages, labels, strict=True))})
    return found


def _parse_limit(row: Row, column: str, add_problem: Callable[[str], None]) -> Decimal | None:
    cell = row[column]
    if not cell:
        return None
    if not NUMBER_PATTERN.fullmatch(cell):
        add_problem(_("%(column)s %(cell)s is not a number") % {"column": column, "cell": cell[:40]})
        return None
    return Decimal(cell)
