"""Open-data rows of reports. Pure.

Nothing in them identifies a person or a station.

A row has no time, no observer, no organisation and no free text, and the order of the rows reveals none
of these. Numbers are in separate rows: a number from a posted protocol would identify the station, and
with it the person who wrote the rest of the row.
"""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reports.services.figures.tally import CountedReport, format_number

CLOSED_TYPES = frozenset({"yes_no", "rating", "choice", "choices", "violation"})
NUMBER_TYPES = frozenset({"integer", "decimal"})


class OpenDataRows:
    """The open-data rows of one territory, counted by equal content."""

    def __init__(self) -> None:
        self.reports: Counter[str] = Counter()
        self.numbers: Counter[str] = Counter()

    def add(self, report: CountedReport, contests: Mapping[int, str]) -> None:
        form = report.form
        common = {
            "stage": form.stage,
            "checklist": form.code,
            "contest": contests.get(report.contest, "") if report.contest is not None else "",
            "slot": report.slot,
            "verified": report.verified,
        }
        answers = form.filter_asked_answers(report.answers)
        closed_answers = {
            code: value for code, value in sorted(answers.items()) if form.fields[code].type in CLOSED_TYPES
        }
        claims = sorted([one.code, one.state] for one in report.violations)
        self.reports[
            _encode_row(common | {"version": form.number, "answers": closed_answers, "violations": claims})
        ] += 1
        for code, value in answers.items():
            if form.fields[code].type in NUMBER_TYPES:
                self.numbers[_encode_row(common | {"question": code, "value": format_number(Decimal(value))})] += 1

    def build_part(self) -> dict[str, Any]:
        """Build the part with the rows and their counts.

        Each different row is there once, as [count, row], sorted by its JSON text.
        """
        return {
            "reports": [[n, json.loads(text)] for text, n in sorted(self.reports.items())],
            "numbers": [[n, json.loads(text)] for text, n in sorted(self.numbers.items())],
        }


def _encode_row(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)
