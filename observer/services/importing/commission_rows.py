"""Reading and checking the lines of a commission import."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from observer.models import Level
from observer.services.spreadsheets.tables import Row, Table, is_known_timezone

MAX_VOTERS = 2_147_483_647
DEGREES_PATTERN = re.compile(r"[+-]?\d{1,3}(\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CommissionRow:
    """One row of the file.

    `fields` has only the fields for which the file has a column. Degrees are rounded to six decimal places.
    """

    line: int
    code: str
    parent: str
    level: Level | None
    names: dict[str, str]
    name_languages: tuple[str, ...]
    address: dict[str, str]
    address_languages: tuple[str, ...]
    fields: dict[str, Any] = field(default_factory=dict)


def read_commission_rows(
    table: Table, levels: Mapping[str, Level], languages: Sequence[str]
) -> dict[str, CommissionRow]:
    """The rows of the table by code.

    Adds a problem for every cell that is not valid.
    """
    default = languages[0] if languages else "en"
    name_languages, address_languages = (
        tuple(dict.fromkeys((*table.get_languages(one), *((default,) if one in table.columns else ()))))
        for one in ("name", "address")
    )
    if table.columns and not table.file_problems and not name_languages:
        table.add_problem(table.header_line, _("column %(column)s is missing") % {"column": f"name_{default}"})
    levels_by_name = {name.casefold(): level for level in levels.values() for name in level.names.values()}
    found = {}
    for code, row in table.index_rows("code").items():
        level = levels.get(row["level"]) or levels_by_name.get(row["level"].casefold())
        if level is None:
            values = {"level": row["level"] or "''", "known": ", ".join(levels)}
            table.add_problem(row.line, _("level %(level)s is unknown; there are %(known)s") % values)
        names, address = (
            {default: row[one]} | row.get_translations(one) if row[one] else row.get_translations(one)
            for one in ("name", "address")
        )
        found[code] = CommissionRow(
            line=row.line,
            code=code,
            parent=row["parent"],
            level=level,
            names=names,
            name_languages=name_languages,
            address=address,
            address_languages=address_languages,
            fields=_parse_fields(table, row),
        )
    return found


def _parse_fields(table: Table, row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for column, limit in (("lat", 90), ("lon", 180)):
        if column in table.columns:
            fields[column] = _parse_degrees(table, row, column, limit)
    if bool(row["lat"]) != bool(row["lon"]):
        table.add_problem(row.line, _("has only one of lat and lon"))
    if "voters" in table.columns:
        fields["voters"] = _parse_voters(table, row)
    for column, longest in (("type", 40), ("timezone", 40), ("external_id", 60)):
        if column in table.columns:
            fields[column] = row[column]
            if len(row[column]) > longest:
                values = {"column": column, "longest": longest}
                table.add_problem(row.line, _("%(column)s is longer than %(longest)d characters") % values)
    if row["timezone"] and not is_known_timezone(row["timezone"]):
        table.add_problem(row.line, _("timezone %(zone)s is unknown") % {"zone": row["timezone"]})
    return fields


def _parse_degrees(table: Table, row: Row, column: str, limit: int) -> float | None:
    cell = row[column]
    if not cell:
        return None
    if not DEGREES_PATTERN.fullmatch(cell) or abs(Decimal(cell)) > limit:
        values = {"column": column, "cell": cell[:40], "limit": limit}
        table.add_problem(row.line, _("%(column)s %(cell)s is not a number from -%(limit)d to %(limit)d") % values)
        return None
    return float(round(Decimal(cell), 6)) + 0.0  # + 0.0 makes -0.0 to 0.0


def _parse_voters(table: Table, row: Row) -> int | None:
    cell = row["voters"]
    if not cell:
        return None
    if not re.fullmatch(r"\d{1,10}", cell, re.ASCII) or int(cell) > MAX_VOTERS:
        table.add_problem(row.line, _("voters %(cell)s is not a whole number") % {"cell": cell[:40]})
        return None
    return int(cell)
