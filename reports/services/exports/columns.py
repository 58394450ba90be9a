"""The columns of an exported list: what each is called, means and may hold; and an answer as cells. Pure.

A cell is a text, a number or None. Whoever writes a file defuses what a spreadsheet would run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Func
from django.utils.translation import gettext as _

from observer.words import in_language
from reports.models import Export, Question
from reports.services.checklists.answer_labels import ANSWERS
from reports.services.checklists.compiled import RATING, YES_NO

Type = Question.Type
SEVERAL = ";"  # between the codes of an answer that has several
LABEL = ":label"  # what a column of words adds to the name of its codes'; no code holds a colon
CODED = frozenset({Type.YES_NO, Type.RATING, Type.CHOICE, Type.CHOICES, Type.VIOLATION})
# Free words and places of phones may tell who somebody is.
TELLING = frozenset({Type.TEXT, Type.LOCATION})
Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """`says`: what it holds, in the export's language. `choices`: each code that it may hold, with its words."""

    name: str
    says: str
    type: str = "text"
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One column made of the answer to one question; without a reader the answer itself is the cell."""

    code: str
    column: Column
    reader: Reader | None = None


def answer_columns(
    *, questions: Iterable[Question], labels: str, words: bool, violations: Mapping[str, str], taken: Iterable[str]
) -> list[Asked]:
    """One column a question, or two where codes and words are both wanted; the newest wording of each.

    `questions` are of all versions, newest first. `violations`: words by code. `taken`: names of other columns.
    """
    newest: dict[str, Question] = {}
    for one in questions:
        newest.setdefault(one.code, one)
    names = {name.lower() for name in taken}
    found: list[Asked] = []
    for one in newest.values():
        if one.type == Type.NOTE or (one.type in TELLING and not words):
            continue
        name = f"{one.code}:answer" if one.code.lower() in names else one.code
        coded = one.type in CODED
        choices = choices_of(one, violations)
        column = Column(name, in_language(one.labels) or one.code, one.type, _unit(one), choices)
        if not coded or labels != Export.Labels.LABELS:
            found.append(Asked(one.code, column, _READERS.get(one.type)))
        if coded and labels != Export.Labels.CODES:
            said = column if labels == Export.Labels.LABELS else Column(name + LABEL, column.says, "text")
            found.append(Asked(one.code, said, _worded(one.type, dict(choices))))
    return found


def choices_of(question: Question, violations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Codes that an answer may hold, with their words."""
    if question.type in (Type.YES_NO, Type.RATING):
        codes = YES_NO if question.type == Type.YES_NO else RATING
        return tuple((code, str(ANSWERS[code])) for code in codes)
    if question.type == Type.VIOLATION:
        return tuple(violations.items())
    return tuple((str(one["code"]), in_language(one.get("labels", {})) or str(one["code"])) for one in question.choices)


def _unit(question: Question) -> str:
    if question.type in (Type.PHOTO, Type.FILE):
        return _("files")
    if question.type == Type.LOCATION:
        return _("degrees, WGS84: latitude and longitude")
    return ""


def _worded(kind: str, words: Mapping[str, str]) -> Reader:
    if kind == Type.CHOICES:
        return lambda value: SEVERAL.join(words.get(one, str(one)) for one in value) if value else None
    return lambda value: None if value is None else words.get(value, value)


def _several(value: Any) -> str | None:
    return SEVERAL.join(map(str, value)) if value else None


def _location(value: Any) -> str | None:
    return f"{value['lat']} {value['lon']}" if value else None


_READERS: Mapping[str, Reader] = {
    Type.CHOICES: _several,
    Type.DECIMAL: lambda value: None if value is None else Decimal(value),
    Type.PHOTO: lambda value: None if value is None else len(value),
    Type.FILE: lambda value: None if value is None else len(value),
    Type.LOCATION: _location,
}


def answers_reader(asked: Sequence[Asked]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """A function from the answers of a report to its cells: most of them as they are, for there may be a million."""
    codes = [one.code for one in asked]
    special = [(place, one.reader) for place, one in enumerate(asked) if one.reader is not None]

    def cells(answers: Mapping[str, Any]) -> list[Any]:
        row = list(map(answers.get, codes))
        for place, reader in special:
            row[place] = reader(row[place])
        return row

    return cells


class Seconds(Func):
    """A moment as whole seconds since 1970: a driver makes a number of it ten times as fast as a date."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"
    arity = 1
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS integer)")


def moment(seconds: int | None) -> str | None:
    """`2022-11-20T04:00:00Z`."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def local(seconds: int, zone: ZoneInfo) -> str:
    """`2022-11-20 10:00:00`, as spreadsheets read it, by the clock of the place."""
    return datetime.fromtimestamp(seconds, zone).isoformat(" ")[:19]
