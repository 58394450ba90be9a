"""How a summary document is worded: no database, one document, three languages."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from reports.pages.http import formats
from reports.pages.places.names import Asked, Group, Kind, Stage
from reports.pages.places.present import Place, page_view
from reports.services.figures.format import figure

THIN, WIDE = "\u202f", "\u00a0"
STAGES = {
    "voting": Stage(
        {"en": "Voting", "ru": "Голосование", "kk": "Дауыс беру"},
        {
            "V03": Asked("V03", "yes_no", {"en": "Identical signatures?"}, {}, ("yes",)),
            "V04": Asked("V04", "yes_no", {"en": "Were the boxes sealed?"}, {}, ("no",)),
            "V90": Asked("V90", "rating", {"en": "Overall"}, {}, ()),
            "V30": Asked("V30", "choices", {"en": "Who was there?"}, {"a": {"en": "Police"}, "b": {"en": "Press"}}, ()),
        },
    )
}
GROUPS = [Group({"en": "Fraud"}, (Kind("FRD-05", {"en": "Identical signatures"}, "critical"),))]


def finding(n: int, of: int, refuted: int = 0) -> dict[str, object]:
    return {"n": n, "of": of, "text": figure(n, of), "refuted": refuted}


def document(n: int = 90, of: int = 1131) -> dict[str, object]:
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
                        "finding": finding(n, of, 3),
                        "verified": finding(40, 540),
                    },
                    "V04": {
                        "yes": 1100,
                        "no": 31,
                        "stations": {"yes": 1000, "no": 30, "conflicting": 0},
                        "finding": finding(31, 1131),
                        "verified": finding(0, 0),
                    },
                    "V90": {
                        "very_good": 600,
                        "good": 474,
                        "bad": 50,
                        "very_bad": 7,
                        "finding": finding(57, 1131),
                        "verified": finding(0, 0),
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


def view(language: str = "en", **numbers: int):
    with translation.override(language):
        return page_view(document(**numbers), STAGES, GROUPS, Place(False, "Asia/Almaty", ("en",)), language)


class TestFigures:
    def test_the_numerator_and_denominator_stand_beside_every_percentage(self):
        ratio = view().stages[0].findings[0].ratio
        assert (ratio.n, ratio.of, ratio.percent) == ("90", "1,131", "8%")

    @pytest.mark.parametrize(
        ("n", "of", "percent"), [(57, 199, ""), (100, 200, "50%"), (1, 1131, ""), (1130, 1131, "")]
    )
    def test_a_percentage_is_printed_by_the_rule(self, n, of, percent):
        assert view(n=n, of=of).stages[0].findings[0].ratio.percent == percent

    def test_verified_is_beside_and_missing_where_nothing_was_verified(self):
        first, second = view().stages[0].findings
        assert first.verified is not None and (first.verified.n, first.verified.of) == ("40", "540")
        assert second.verified is None

    def test_refuted_and_conflicting_are_beside(self):
        first = view().stages[0].findings[0]
        assert (first.refuted, first.conflicting, first.stations, first.stations_of) == ("3", "2", "88", "1,090")

    def test_where_no_is_the_finding_the_stations_are_those_that_said_no(self):
        sealed = view().stages[0].findings[1]
        assert (sealed.answer, sealed.stations, sealed.stations_of) == ("no", "30", "1,030")

    def test_several_choices_are_not_called_reports(self):
        spread = view().stages[0].spreads[0]
        assert spread.answered == "Answers chosen: 13"
        assert [one.label for one in spread.shares] == ["Police", "Press", "z"]

    def test_the_answer_is_coverage_and_the_largest_rated_stage(self):
        assert view().answer == (
            "Observers reported from 1,131 of 10,101 polling stations (11%).",
            "Voting: judged bad or very bad in 57 of 1,131 observations (5%).",
        )

    def test_an_unknown_violation_is_shown_by_its_code(self):
        fraud, other = view().groups
        assert [one.code for one in fraud.types] == ["FRD-05"]
        assert [one.name for one in other.types] == ["NEW-01"]


class TestLanguages:
    @pytest.mark.parametrize("language", ["ru", "kk"])
    def test_thousands_and_percent_are_spaced(self, language):
        ratio = view(language).stages[0].findings[0].ratio
        assert (ratio.of, ratio.percent) == (f"1{THIN}131", f"8{WIDE}%")
        assert all(word not in view(language).answer[0] for word in ("Observers", "stations"))

    def test_decimals_are_by_language(self):
        assert formats.number(Decimal("1234.5"), "ru") == f"1{THIN}234,5"
        assert formats.number(Decimal("1234.5"), "en") == "1,234.5"
        assert formats.number(7, "no-such-language") == "7"

    def test_a_time_has_its_zone(self):
        now = datetime(2022, 11, 20, 12, 5, tzinfo=UTC)
        assert formats.moment(now, "Asia/Almaty", "en") == f"20{WIDE}November{WIDE}2022, 18:05 (UTC+6)"
        assert formats.moment(now, "Asia/Kathmandu", "en").endswith("17:50 (UTC+5:45)")
        assert formats.moment(now, "America/St_Johns", "en").endswith("08:35 (UTC−3:30)")
        assert formats.day(date(2022, 11, 20), "kk").split() == ["2022", "ж.", "20", "қараша"]

    def test_a_language_is_called_by_its_own_name(self):
        assert [formats.language_name(one) for one in ("kk", "ky", "xx")] == ["Қазақша", "Кыргызча", "xx"]
