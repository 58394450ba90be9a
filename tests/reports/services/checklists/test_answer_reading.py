"""Reading answers: every type, every refusal with its field, and the violations they raise."""

from decimal import Decimal
from typing import Any

import pytest

from reports.models import Violation
from reports.problems import FieldError, Rejected
from reports.services.checklists.answer_reading import (
    MAX_FILES,
    MAX_TEXT_CHARACTERS,
    find_answers_out_of_limits,
    find_missing_answers,
    find_raised_violations,
    read_answers,
)
from tests.support.intake import send_report, store_report
from tests.support.pure import FORMS, VIOLATION_CODES, build_form
from tests.support.world import World, payload

VOTING = FORMS["voting"]


def read(form_code: str = "voting", **answers: Any) -> dict[str, Any]:
    return read_answers(FORMS[form_code], answers, VIOLATION_CODES)


def read_errors(form_code: str = "voting", **answers: Any) -> list[FieldError]:
    with pytest.raises(Rejected) as caught:
        read(form_code, **answers)
    assert caught.value.code == "invalid_answers"
    return list(caught.value.errors)


class TestEveryType:
    @pytest.mark.parametrize(
        ("code", "given", "kept"),
        [
            ("V03", "yes", "yes"),
            ("V03", "no", "no"),
            ("V03", "not_observed", "not_observed"),
            ("V03", " not_applicable\n", "not_applicable"),
            ("V90", "very_good", "very_good"),
            ("V90", "very_bad", "very_bad"),
            ("V01", "female", "female"),
            ("V30", ["c", "a", "c"], ["a", "c"]),
            ("V30", ["b"], ["b"]),
            ("X05", 3, 3),
            ("X05", 3.0, 3),
            ("X05", "3", 3),
            ("X05", Decimal("3.00"), 3),
            ("X05", -7, -7),
            ("X05", 0, 0),
            ("X05", 999_999_999_999_999, 999_999_999_999_999),
            ("X06", 3, "3"),
            ("X06", 3.0, "3"),
            ("X06", "0.10", "0.1"),
            ("X06", Decimal("1E-12"), "0.000000000001"),
            ("X06", -2.5, "-2.5"),
            ("X06", 0, "0"),
            ("X07", " Жәшік\r\nашық ", "Жәшік\nашық"),
            ("X07", "=1+1", "=1+1"),
            ("X08", "07:30", "07:30"),
            ("X08", "07:30:00", "07:30"),
            ("X08", "23:59:59", "23:59:59"),
            ("X09", "2022-11-20", "2022-11-20"),
            ("X09", "2024-02-29", "2024-02-29"),
            ("X10", {"lat": 43.2380049, "lon": 76.945}, {"lat": 43.238, "lon": 76.945}),
            ("X10", {"lat": "-90", "lon": 180, "accuracy": 3.14}, {"lat": -90.0, "lon": 180.0, "accuracy": 3.1}),
            ("X11", "a.jpg", ["a.jpg"]),
            ("X11", ["b.jpg", "a.jpg"], ["a.jpg", "b.jpg"]),
        ],
        ids=str,
    )
    def test_is_kept_in_one_form(self, code, given, kept):
        found = read(**{code: given})[code]
        assert found == kept
        assert type(found) is type(kept)

    @pytest.mark.parametrize("code", [field.code for field in VOTING.fields.values() if field.type != "location"])
    def test_null_is_no_answer(self, code):
        assert read(**{code: None}) == {}

    @pytest.mark.parametrize(
        ("code", "empty"),
        [(code, "") for code in ("V03", "V90", "V01", "X05", "X06", "X07", "X08", "X09", "X11")]
        + [("X07", "\r\n\t "), ("V30", []), ("V30", [""]), ("X11", []), ("X11", ["", " "])],
    )
    def test_empty_is_no_answer(self, code, empty):
        assert read(**{code: empty}) == {}

    def test_zero_is_an_answer(self):
        assert read(X05=0, X06="0.0") == {"X05": 0, "X06": "0"}

    def test_a_violation_is_one_of_the_elections_codes(self):
        assert read("incident", I01=" ACC-01 ") == {"I01": "ACC-01"}


class TestWhatCannotBeRead:
    @pytest.mark.parametrize(
        ("code", "given", "problem"),
        [
            ("V03", "maybe", "unknown_choice"),
            ("V03", "Yes", "unknown_choice"),
            ("V03", "very_good", "unknown_choice"),
            ("V03", True, "wrong_type"),
            ("V03", 1, "wrong_type"),
            ("V03", ["yes"], "wrong_type"),
            ("V03", {}, "wrong_type"),
            ("V90", "yes", "unknown_choice"),
            ("V90", 5, "wrong_type"),
            ("V01", "other", "unknown_choice"),
            ("V01", 0, "wrong_type"),
            ("V30", "a", "wrong_type"),
            ("V30", ["a", "z"], "unknown_choice"),
            ("V30", [["a"]], "wrong_type"),
            ("V30", {"a": True}, "wrong_type"),
            ("X05", "three", "wrong_type"),
            ("X05", 3.5, "wrong_type"),
            ("X05", True, "wrong_type"),
            ("X05", [3], "wrong_type"),
            ("X05", " ", "wrong_type"),
            ("X05", 10**16, "out_of_range"),
            ("X05", 10**5000, "out_of_range"),
            ("X05", "1e400", "out_of_range"),
            ("X05", float("inf"), "out_of_range"),
            ("X05", "1" * 5000, "out_of_range"),
            ("X06", float("nan"), "out_of_range"),
            ("X06", "sNaN", "out_of_range"),
            ("X06", "-Infinity", "out_of_range"),
            ("X06", "1e-400", "out_of_range"),
            ("X06", "0.1234567890123", "out_of_range"),
            ("X06", {}, "wrong_type"),
            ("X06", "1,5", "wrong_type"),
            ("X07", 3, "wrong_type"),
            ("X07", ["a"], "wrong_type"),
            ("X07", "x" * (MAX_TEXT_CHARACTERS + 1), "too_long"),
            ("X08", "25:00", "wrong_type"),
            ("X08", "half past", "wrong_type"),
            ("X08", 730, "wrong_type"),
            ("X09", "2022-02-30", "wrong_type"),
            ("X09", "20.11.2022", "wrong_type"),
            ("X09", 20221120, "wrong_type"),
            ("X10", "43.2 76.9", "wrong_type"),
            ("X10", {"lat": 43}, "wrong_type"),
            ("X10", {}, "wrong_type"),
            ("X10", {"lat": 90.1, "lon": 0}, "out_of_range"),
            ("X10", {"lat": 0, "lon": "-180.1"}, "out_of_range"),
            ("X10", {"lat": 0, "lon": 0, "accuracy": "far"}, "wrong_type"),
            ("X10", [1, 2], "wrong_type"),
            ("X11", 1, "wrong_type"),
            ("X11", [None], "wrong_type"),
            ("X11", ["a"] * (MAX_FILES + 1), "too_long"),
            ("X12", "", "no_answer_expected"),
            ("X12", "read", "no_answer_expected"),
            ("V99", "yes", "unknown_question"),
            ("v03", "yes", "unknown_question"),
            ("", "", "unknown_question"),
        ],
        ids=lambda value: ascii(value)[:30] if not isinstance(value, int) or value < 10**20 else "huge",
    )
    def test_is_refused_with_its_field(self, code, given, problem):
        (error,) = read_errors(**{code: given})
        assert (error.field, error.code) == (f"answers.{code}", problem)
        assert error.detail

    def test_a_violation_that_the_election_has_not(self):
        (error,) = read_errors("incident", I01="XXX-01")
        assert (error.field, error.code) == ("answers.I01", "unknown_choice")

    def test_every_wrong_field_is_told_at_once(self):
        errors = read_errors(V03="maybe", X05="three", V99="yes", V90="good")
        assert [error.field for error in errors] == ["answers.V03", "answers.X05", "answers.V99"]

    def test_an_absurdly_long_code_is_cut_in_the_answer(self):
        (error,) = read_errors(**{"Q" * 5000: "yes"})
        assert len(error.field) < 100

    def test_through_the_door_it_is_a_problem_with_its_field(self, world: World):
        outcome = send_report(world.first, payload(answers={"V03": "maybe"}))
        assert outcome.kind == "invalid"
        assert outcome.problem and outcome.problem.code == "invalid_answers"
        assert [error.field for error in outcome.problem.errors] == ["answers.V03"]


CHAIN = build_form(
    [
        {"code": "A", "type": "yes_no", "required": True, "violation_answers": ["no"], "violation_code": "V-A"},
        {
            "code": "B",
            "type": "choices",
            "choices": ["x", "y"],
            "relevant_question": "A",
            "relevant_answers": ["yes"],
            "required": True,
        },
        {"code": "C", "type": "integer", "relevant_question": "B", "relevant_answers": ["y"], "required": True},
        {
            "code": "D",
            "type": "yes_no",
            "relevant_question": "C",
            "relevant_answers": ["3"],
            "required": True,
            "violation_answers": ["yes", "not_observed"],
            "violation_code": "V-D",
        },
        {"code": "E", "type": "yes_no", "violation_answers": ["yes"], "violation_code": "V-A"},
        {"code": "N", "type": "note", "required": True},
        {"code": "P", "type": "photo", "required": True},
    ]
)


class TestRequiredQuestions:
    @pytest.mark.parametrize(
        ("answers", "missing"),
        [
            ({}, ["A", "P"]),
            ({"A": "no"}, ["P"]),
            ({"A": "yes"}, ["B", "P"]),
            ({"A": "yes", "B": ["x"]}, ["P"]),
            ({"A": "yes", "B": ["x", "y"]}, ["C", "P"]),
            ({"A": "yes", "B": ["y"], "C": 2}, ["P"]),
            ({"A": "yes", "B": ["y"], "C": 3}, ["D", "P"]),
            ({"A": "yes", "B": ["y"], "C": 3, "D": "no", "P": ["p.jpg"]}, []),
            # C was answered, but B, on which it depends, was not asked.
            ({"A": "no", "B": ["y"], "C": 3}, ["P"]),
        ],
        ids=str,
    )
    def test_are_missed_only_where_they_were_asked(self, answers, missing):
        assert find_missing_answers(CHAIN, answers) == missing

    def test_a_photo_may_come_as_a_file(self):
        assert find_missing_answers(CHAIN, {"A": "no"}, codes_with_files={"P"}) == []

    def test_a_circle_of_conditions_is_never_asked(self):
        form = build_form(
            [
                {
                    "code": "A",
                    "type": "yes_no",
                    "relevant_question": "B",
                    "relevant_answers": ["yes"],
                    "required": True,
                },
                {
                    "code": "B",
                    "type": "yes_no",
                    "relevant_question": "A",
                    "relevant_answers": ["yes"],
                    "required": True,
                },
                {
                    "code": "C",
                    "type": "yes_no",
                    "relevant_question": "C",
                    "relevant_answers": ["yes"],
                    "required": True,
                },
                {
                    "code": "D",
                    "type": "yes_no",
                    "relevant_question": "Z",
                    "relevant_answers": ["yes"],
                    "required": True,
                },
            ]
        )
        answers = {"A": "yes", "B": "yes", "C": "yes", "D": "yes"}
        assert form.filter_asked_answers(answers) == {}
        assert find_missing_answers(form, {}) == []

    def test_a_missing_one_is_a_flag_not_a_refusal(self, world: World):
        assert store_report(world.first, payload(answers={"V15": "yes"})).flags == ["missing_answers"]
        assert store_report(world.first, payload(answers={"V03": "no", "V15": "no"})).flags == []


class TestLimits:
    @pytest.mark.parametrize(("given", "out"), [(0, []), (3000, []), (-1, ["X05"]), (3001, ["X05"]), (10**14, ["X05"])])
    def test_are_of_both_ends_inclusive(self, given, out):
        assert find_answers_out_of_limits(VOTING, {"X05": given}) == out

    def test_a_wrong_figure_is_evidence_and_is_stored_with_a_flag(self, world: World):
        report = store_report(world.first, payload(answers={"V03": "no", "X05": 9999}))
        assert report.answers["X05"] == 9999
        assert report.flags == ["out_of_limits"]


class TestFindings:
    @pytest.mark.parametrize(
        ("answers", "raised"),
        [
            ({}, {}),
            ({"A": "yes", "E": "no"}, {}),
            ({"A": "no"}, {"V-A": ("A",)}),
            ({"A": "no", "E": "yes"}, {"V-A": ("A", "E")}),
            ({"A": "not_observed"}, {}),
            ({"A": "yes", "B": ["y"], "C": 3, "D": "yes"}, {"V-D": ("D",)}),
            ({"A": "yes", "B": ["y"], "C": 3, "D": "not_observed"}, {"V-D": ("D",)}),
            # D was answered, but not asked: no answer, no finding.
            ({"A": "not_observed", "B": ["y"], "C": 3, "D": "yes"}, {}),
        ],
        ids=str,
    )
    def test_come_from_questions_that_were_asked(self, answers, raised):
        assert find_raised_violations(CHAIN, answers) == raised

    def test_an_answer_may_be_the_code_itself(self):
        assert find_raised_violations(FORMS["incident"], {"I01": "ACC-01", "I02": "ACC-03"}) == {"ACC-01": ("I01",)}

    def test_become_violations_one_a_report_and_code(self, world: World):
        report = store_report(world.first, payload(answers={"V03": "yes", "V19": "no", "V20": "no"}))
        assert sorted(Violation.objects.filter(report=report).values_list("code", flat=True)) == ["ACC-03", "FRD-05"]
