"""Columns of exported tables, and how an answer is turned into cells.

A cell is a text, a number or None. The writers make sure that no spreadsheet takes a text for a formula. Uses no
database, except that EpochSeconds is a database function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Func
from django.utils.translation import gettext as _

from observer.words import get_translation
from reports.models import Export, Question
from reports.services.checklists.answer_labels import SHARED_ANSWER_LABELS
from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS

Type = Question.Type
CODE_SEPARATOR = ";"  # between the codes of an answer with several choices
LABEL_SUFFIX = ":label"  # ends the name of a column with labels instead of codes; codes hold no colon
CODED_TYPES = frozenset({Type.YES_NO, Type.RATING, Type.CHOICE, Type.CHOICES, Type.VIOLATION})
# Free text and locations of phones may tell who somebody is.
IDENTIFYING_TYPES = frozenset({Type.TEXT, Type.LOCATION})
CellReader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an exported table.

    `meaning` explains it in the language of the export; `unit` may be a time zone. `choices` are the codes that it
    may hold, each with its label.
    """

    name: str
    meaning: str
    type: str = "text"
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """A column made from the answers to one question.

    `reader` turns the answer into a cell; without one the answer itself is the cell.
    """

    code: str
    column: Column
    reader: CellReader | None = None


def make_answer_columns(
    *,
    questions: Iterable[Question],
    labels: str,
    include_free_text: bool,
    violations: Mapping[str, str],
    used_names: Iterable[str],
) -> list[AnswerColumn]:
    """Makes one column per question, or two where codes and labels are both wanted.

    `questions` are those of all versions, newest first; each column has the newest wording. `labels` is one of
    Export.Labels. `violations` are labels by code. `used_names` are the names of the table's other columns.
    """
    newest: dict[str, Question] = {}
    for one in questions:
        newest.setdefault(one.code, one)
    names = {name.lower() for name in used_names}
    found: list[AnswerColumn] = []
    for one in newest.values():
        if one.type == Type.NOTE or (one.type in IDENTIFYING_TYPES and not include_free_text):
            continue
        name = f"{one.code}:answer" if one.code.lower() in names else one.code
        is_coded = one.type in CODED_TYPES
        choices = get_choices(one, violations)
        column = Column(name, get_translation(one.labels) or one.code, one.type, _get_unit(one), choices)
        if not is_coded or labels != Export.Labels.LABELS:
            found.append(AnswerColumn(one.code, column, _CELL_READERS.get(one.type)))
        if is_coded and labels != Export.Labels.CODES:
            label_column = (
                column if labels == Export.Labels.LABELS else Column(name + LABEL_SUFFIX, column.meaning, "text")
            )
            found.append(AnswerColumn(one.code, label_column, _make_label_reader(one.type, dict(choices))))
    return found


def get_choices(question: Question, violations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Returns the codes that an answer may hold, each with its label."""
    if question.type in (Type.YES_NO, Type.RATING):
        codes = YES_NO_ANSWERS if question.type == Type.YES_NO else RATING_ANSWERS
        return tuple((code, str(SHARED_ANSWER_LABELS[code])) for code in codes)
    if question.type == Type.VIOLATION:
        return tuple(violations.items())
    return tuple(
        (str(one["code"]), get_translation(one.get("labels", {})) or str(one["code"])) for one in question.choices
    )


def _get_unit(question: Question) -> str:
    if question.type in (Type.PHOTO, Type.FILE):
        return _("files")
    if question.type == Type.LOCATION:
        return _("degrees, WGS84: latitude and longitude")
    return ""


def _make_label_reader(kind: str, labels: Mapping[str, str]) -> CellReader:
    if kind == Type.CHOICES:
        return lambda value: CODE_SEPARATOR.join(labels.get(one, str(one)) for one in value) if value else None
    return lambda value: None if value is None else labels.get(value, value)


def _join_codes(value: Any) -> str | None:
    return CODE_SEPARATOR.join(map(str, value)) if value else None


def _format_location(value: Any) -> str | None:
    return f"{value['lat']} {value['lon']}" if value else None


_CELL_READERS: Mapping[str, CellReader] = {
    Type.CHOICES: _join_codes,
    Type.DECIMAL: lambda value: None if value is None else Decimal(value),
    Type.PHOTO: lambda value: None if value is None else len(value),
    Type.FILE: lambda value: None if value is None else len(value),
    Type.LOCATION: _format_location,
}


def make_row_reader(columns: Sequence[AnswerColumn]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """Makes a function that turns a report's answers into cells.

    Most answers are copied as they are, because there may be a million of them.
    """
    codes = [one.code for one in columns]
    readers = [(index, one.reader) for index, one in enumerate(columns) if one.reader is not None]

    def read_row(answers: Mapping[str, Any]) -> list[Any]:
        row = list(map(answers.get, codes))
        for index, reader in readers:
            row[index] = reader(row[index])
        return row

    return read_row


class EpochSeconds(Func):
    """Database function: a time as whole seconds since 1970.

    The database driver reads a number ten times as fast as a date.
    """

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"
    arity = 1
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS integer)")


def format_utc(seconds: int | None) -> str | None:
    """Formats seconds since 1970 as UTC: `2022-11-20T04:00:00Z`."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def format_local(seconds: int, zone: ZoneInfo) -> str:
    """Formats seconds since 1970 in a zone, as spreadsheets read it: `2022-11-20 10:00:00`."""
    return datetime.fromtimestamp(seconds, zone).isoformat(" ")[:19]
