"""Reports as open data: what was answered, and nothing that points to a person or a station. Pure.

A row bears no time, no observer, no organisation, no words, and lies in no order that tells of one.
Numbers are apart from everything else: a number of a posted protocol would name the station, and
with it whoever wrote the rest of the row.
"""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reports.services.figures.tally import Counted, number_text

CLOSED = frozenset({"yes_no", "rating", "choice", "choices", "violation"})
NUMBERS = frozenset({"integer", "decimal"})


class Rows:
    """The rows of one territory."""

    def __init__(self) -> None:
        self.reports: Counter[str] = Counter()
        self.numbers: Counter[str] = Counter()

    def add(self, report: Counted, contests: Mapping[int, str]) -> None:
        form = report.form
        about = {
            "stage": form.stage,
            "checklist": form.code,
            "contest": contests.get(report.contest, "") if report.contest is not None else "",
            "slot": report.slot,
            "verified": report.verified,
        }
        asked = form.asked(report.answers)
        closed = {code: value for code, value in sorted(asked.items()) if form.fields[code].type in CLOSED}
        claims = sorted([one.code, one.state] for one in report.violations)
        self.reports[_text(about | {"version": form.number, "answers": closed, "violations": claims})] += 1
        for code, value in asked.items():
            if form.fields[code].type in NUMBERS:
                self.numbers[_text(about | {"question": code, "value": number_text(Decimal(value))})] += 1

    def content(self) -> dict[str, Any]:
        """Equal rows once, with how often; in the order of their text."""
        return {
            "reports": [[n, json.loads(text)] for text, n in sorted(self.reports.items())],
            "numbers": [[n, json.loads(text)] for text, n in sorted(self.numbers.items())],
        }


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)
