"""One line of an import as a commission's values, or what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from observer.models import Level
from observer.services.spreadsheets.tables import Row, Table, zone_is_known

VOTERS_MAX = 2_147_483_647
NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One row. `facts` holds only fields for which the file has a column; degrees to six places."""

    line: int
    code: str
    parent: str
    level: Level | None
    names: dict[str, str]
    name_languages: tuple[str, ...]
    address: dict[str, str]
    address_languages: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def places_read(table: Table, levels: Mapping[str, Level], languages: Sequence[str]) -> dict[str, Place]:
    """The table's rows by code; complains of every cell that cannot be."""
    default = languages[0] if languages else "en"
    name_languages, address_languages = (
        tuple(dict.fromkeys((*table.languages(one), *((default,) if one in table.columns else ()))))
        for one in ("name", "address")
    )
    if table.columns and not table.refused and not name_languages:
        table.complain(table.header, _("column %(column)s is missing") % {"column": f"name_{default}"})
    named = {name.casefold(): level for level in levels.values() for name in level.names.values()}
    found = {}
    for code, row in table.unique("code").items():
        level = levels.get(row["level"]) or named.get(row["level"].casefold())
        if level is None:
            values = {"level": row["level"] or "''", "known": ", ".join(levels)}
            table.complain(row.line, _("level %(level)s is unknown; there are %(known)s") % values)
        names, address = (
            {default: row[one]} | row.words(one) if row[one] else row.words(one) for one in ("name", "address")
        )
        found[code] = Place(
            line=row.line,
            code=code,
            parent=row["parent"],
            level=level,
            names=names,
            name_languages=name_languages,
            address=address,
            address_languages=address_languages,
            facts=_facts(table, row),
        )
    return found


def _facts(table: Table, row: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for column, limit in (("lat", 90), ("lon", 180)):
        if column in table.columns:
            facts[column] = _degrees(table, row, column, limit)
    if bool(row["lat"]) != bool(row["lon"]):
        table.complain(row.line, _("has only one of lat and lon"))
    if "voters" in table.columns:
        facts["voters"] = _voters(table, row)
    for column, longest in (("type", 40), ("timezone", 40), ("external_id", 60)):
        if column in table.columns:
            facts[column] = row[column]
            if len(row[column]) > longest:
                values = {"column": column, "longest": longest}
                table.complain(row.line, _("%(column)s is longer than %(longest)d characters") % values)
    if row["timezone"] and not zone_is_known(row["timezone"]):
        table.complain(row.line, _("timezone %(zone)s is unknown") % {"zone": row["timezone"]})
    return facts


def _degrees(table: Table, row: Row, column: str, limit: int) -> float | None:
    cell = row[column]
    if not cell:
        return None
    if not NUMBER.fullmatch(cell) or abs(Decimal(cell)) > limit:
        values = {"column": column, "cell": cell[:40], "limit": limit}
        table.complain(row.line, _("%(column)s %(cell)s is not a number from -%(limit)d to %(limit)d") % values)
        return None
    return float(round(Decimal(cell), 6)) + 0.0  # -0.0 is 0.0


def _voters(table: Table, row: Row) -> int | None:
    cell = row["voters"]
    if not cell:
        return None
    if not re.fullmatch(r"\d{1,10}", cell, re.ASCII) or int(cell) > VOTERS_MAX:
        table.complain(row.line, _("voters %(cell)s is not a whole number") % {"cell": cell[:40]})
        return None
    return int(cell)
