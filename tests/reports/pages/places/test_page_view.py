"""Tests of the page view, in three languages."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from reports.pages.http import formats
from reports.pages.places.names import CodebookQuestion, CodebookStage, CodebookViolationGroup, CodebookViolationType
from reports.pages.places.page_view import PageLocation, build_page_view
from reports.services.figures.format import format_figure

NARROW_NO_BREAK_SPACE, NO_BREAK_SPACE = "\u202f", "\u00a0"
STAGES = {
    "voting": CodebookStage(
        {"en": "Voting", "ru": "Голосование", "kk": "Дауыс беру"},
        {
            "V03": CodebookQuestion("V03", "yes_no", {"en": "Identical signatures?"}, {}, ("yes",)),
            "V04": CodebookQuestion("V04", "yes_no", {"en": "Were the boxes sealed?"}, {}, ("no",)),
            "V90": CodebookQuestion("V90", "rating", {"en": "Overall"}, {}, ()),
            "V30": CodebookQuestion(
                "V30", "choices", {"en": "Who was there?"}, {"a": {"en": "Police"}, "b": {"en": "Press"}}, ()
            ),
        },
    )
}
GROUPS = [
    CodebookViolationGroup(
        {"en": "Fraud"}, (CodebookViolationType("FRD-05", {"en": "Identical signatures"}, "critical"),)
    )
]


def make_finding(n: int, of: int, refuted: int = 0) -> dict[str, object]:
    return {"n": n, "of": of, "text": format_figure(n, of), "refuted": refuted}


def make_document(n: int = 90, of: int = 1131) -> dict[str, object]:
    return {
        "revision": 412,
        "as_of": "2022-11-20T12:05:00Z",
        "coverage": {
            "precincts": 10101,
            "precincts_observed": 1131,
            "precincts_denied": 14,
            "observers": 299,
            "reports": 1468,
            "reports_verified": 900,
        },
        "stages": {
            "voting": {
                "reports": 1131,
                "commissions": 1088,
                "questions": {
                    "V03": {
                        "yes": n,
                        "no": of - n,
                        "stations": {"yes": 88, "no": 1000, "conflicting": 2},
                        "finding": make_finding(n, of, 3),
                        "verified": make_finding(40, 540),
                    },
                    "V04": {
                        "yes": 1100,
                        "no": 31,
                        "stations": {"yes": 1000, "no": 30, "conflicting": 0},
                        "finding": make_finding(31, 1131),
                        "verified": make_finding(0, 0),
                    },
                    "V90": {
                        "very_good": 600,
                        "good": 474,
                        "bad": 50,
                        "very_bad": 7,
                        "finding": make_finding(57, 1131),
                        "verified": make_finding(0, 0),
                    },
                    "V30": {"choices": {"a": 5, "b": 7, "z": 1}},
                },
            }
        },
        "violations": {
            "reports": 90,
            "by_type": {
                "FRD-05": {"reported": 90, "confirmed": 12, "refuted": 3, "solved": 1},
                "NEW-01": {"reported": 1, "confirmed": 0, "refuted": 0},
            },
        },
        "children": [],
        "children_withheld": 0,
    }


def build_view(language: str = "en", **numbers: int):
    with translation.override(language):
        return build_page_view(
            make_document(**numbers), STAGES, GROUPS, PageLocation(False, "Asia/Almaty", ("en",)), language
        )


class TestFigures:
    def test_every_percentage_has_its_numerator_and_denominator(self):
        ratio = build_view().stages[0].findings[0].ratio
        assert (ratio.n, ratio.of, ratio.percent) == ("90", "1,131", "8%")

    @pytest.mark.parametrize(
        ("n", "of", "percent"), [(57, 199, ""), (100, 200, "50%"), (1, 1131, ""), (1130, 1131, "")]
    )
    def test_a_percentage_is_printed_by_the_rule(self, n, of, percent):
        assert build_view(n=n, of=of).stages[0].findings[0].ratio.percent == percent

    def test_the_verified_ratio_is_missing_where_nothing_was_verified(self):
        first, second = build_view().stages[0].findings
        assert first.verified is not None and (first.verified.n, first.verified.of) == ("40", "540")
        assert second.verified is None

    def test_refuted_and_conflicting_are_given_separately(self):
        first = build_view().stages[0].findings[0]
        assert (first.refuted, first.conflicting, first.stations, first.stations_of) == ("3", "2", "88", "1,090")

    def test_where_no_is_the_finding_the_stations_that_answered_no_are_counted(self):
        sealed = build_view().stages[0].findings[1]
        assert (sealed.answer, sealed.stations, sealed.stations_of) == ("no", "30", "1,030")

    def test_multiple_choices_are_counted_as_answers_not_reports(self):
        spread = build_view().stages[0].spreads[0]
        assert spread.answered == "Answers chosen: 13"
        assert [one.label for one in spread.shares] == ["Police", "Press", "z"]

    def test_the_answer_is_coverage_and_the_largest_rated_stage(self):
        assert build_view().answer == (
            "Observers reported from 1,131 of 10,101 polling stations (11%).",
            "Voting: judged bad or very bad in 57 of 1,131 observations (5%).",
        )

    def test_an_unknown_violation_is_shown_by_its_code(self):
        fraud, other = build_view().groups
        assert [one.code for one in fraud.types] == ["FRD-05"]
        assert [one.name for one in other.types] == ["NEW-01"]


class TestLanguages:
    @pytest.mark.parametrize("language", ["ru", "kk"])
    def test_thousands_and_percent_are_spaced(self, language):
        ratio = build_view(language).stages[0].findings[0].ratio
        assert (ratio.of, ratio.percent) == (f"1{NARROW_NO_BREAK_SPACE}131", f"8{NO_BREAK_SPACE}%")
        assert all(word not in build_view(language).answer[0] for word in ("Observers", "stations"))

    def test_decimals_are_by_language(self):
        assert formats.format_number(Decimal("1234.5"), "ru") == f"1{NARROW_NO_BREAK_SPACE}234,5"
        assert formats.format_number(Decimal("1234.5"), "en") == "1,234.5"
        assert formats.format_number(7, "no-such-language") == "7"

    def test_a_time_has_its_zone(self):
        now = datetime(2022, 11, 20, 12, 5, tzinfo=UTC)
        assert (
            formats.format_timestamp(now, "Asia/Almaty", "en")
            == f"20{NO_BREAK_SPACE}November{NO_BREAK_SPACE}2022, 18:05 (UTC+6)"
        )
        assert formats.format_timestamp(now, "Asia/Kathmandu", "en").endswith("17:50 (UTC+5:45)")
        assert formats.format_timestamp(now, "America/St_Johns", "en").endswith("08:35 (UTC−3:30)")
        assert formats.format_day(date(2022, 11, 20), "kk").split() == ["2022", "ж.", "20", "қараша"]

    def test_a_language_has_its_own_name(self):
        assert [formats.get_language_name(one) for one in ("kk", "ky", "xx")] == ["Қазақша", "Кыргызча", "xx"]
