"""Counting one commission's reports, and merging tallies in any order."""

import copy
import json
from decimal import Decimal
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.services.checklists.compiled import RATING_ANSWERS, YES_NO_ANSWERS, Field, Form
from reports.services.figures.tally import (
    EMPTY_TALLY,
    CountedReport,
    RaisedViolation,
    ViolationKind,
    format_number,
    merge_tallies,
    pack_observers,
    tally_reports,
    unpack_observers,
)
from reports.services.figures.tally_flat import TallySum, flatten_tally


def question(
    code, kind, choices=(), findings=(), raises="", relevant_question="", relevant_answers=(), answer_is_code=False
):
    options = {"yes_no": YES_NO_ANSWERS, "rating": RATING_ANSWERS}.get(kind, tuple(choices))
    return Field(
        code,
        kind,
        False,
        options,
        relevant_question,
        tuple(relevant_answers),
        None,
        None,
        tuple(findings),
        raises,
        answer_is_code,
        {},
    )


def form(*questions, version=1, code="voting", stage="voting", repeat="visit"):
    return Form(version, 1, code, version, stage, "precinct", repeat, {q.code: q for q in questions})


FORM = form(
    question("Y", "yes_no", findings=["yes"], raises="FRD"),
    question("Z", "yes_no", findings=["no"], raises="ACC"),
    question("W", "yes_no", findings=["no"], raises="ACC"),
    question("A", "yes_no", findings=["yes"], raises="UNA", relevant_question="P", relevant_answers=["yes"]),
    question("P", "yes_no"),
    question("R", "rating"),
    question("C", "choice", ["f", "m"]),
    question("D", "choice", ["fine", "torn"], findings=["torn"], raises="TRN"),
    question("M", "choices", ["a", "b", "c"], findings=["b", "c"], raises="MUL"),
    question("I", "integer"),
    question("N", "decimal"),
    question("T", "text"),
    question("L", "location"),
    question("F", "photo"),
)
INCIDENT = form(
    question("V", "violation", answer_is_code=True), version=2, code="incident", stage="incident", repeat="any"
)
KINDS = {
    "FRD": ViolationKind("critical", "fraud", False),
    "ACC": ViolationKind("major", "access", True),
    "UNA": ViolationKind("critical", "fraud", False),
    "TRN": ViolationKind("minor", "ballots", False),
}


def report(answers=None, *violations, form=FORM, contest=None, slot="", verified=False):
    return CountedReport(form, contest, slot, verified, answers or {}, tuple(violations))


def tally(*reports, precinct=True):
    return tally_reports(reports=reports, precinct=precinct, kinds=KINDS)


def get_question(tally, code, stage="voting", checklist="voting"):
    return tally["stages"][stage]["lists"][checklist][code]


class TestNoReports:
    def test_no_report_at_a_station_is_one_station(self):
        assert tally() == {"precincts": 1}

    def test_no_report_elsewhere_is_empty(self):
        assert tally(precinct=False) == EMPTY_TALLY


class TestYesAndNo:
    def test_observations_and_stations_stand_side_by_side(self):
        found = tally(report({"Y": "yes"}), report({"Y": "yes"}), report({"Y": "not_observed"}))
        assert get_question(found, "Y")["yes_no"] == {"all": {"yes": 2, "not_observed": 1}}
        assert get_question(found, "Y")["stations"] == {"yes": 1}
        assert get_question(found, "Y")["finding"] == {"n": 2, "of": 2, "refuted": 0}

    def test_two_visits_that_disagree_are_one_conflicting_station(self):
        assert get_question(tally(report({"Y": "yes"}), report({"Y": "no"})), "Y")["stations"] == {"conflicting": 1}

    def test_a_station_where_nobody_could_see_is_neither(self):
        assert "stations" not in get_question(tally(report({"Y": "not_observed"})), "Y")

    def test_no_may_be_the_finding(self):
        found = tally(report({"Z": "no"}), report({"Z": "yes"}), report({"Z": "not_applicable"}))
        assert get_question(found, "Z")["finding"] == {"n": 1, "of": 2, "refuted": 0}

    def test_a_question_without_a_violation_answer_has_no_finding(self):
        assert "finding" not in get_question(tally(report({"P": "yes"})), "P")

    def test_a_question_that_was_not_asked_is_not_an_answer(self):
        found = tally(report({"P": "no", "A": "yes"}), report({"P": "yes", "A": "yes"}), report({"A": "yes"}))
        assert get_question(found, "A")["yes_no"] == {"all": {"yes": 1}}


class TestRefuted:
    def test_it_leaves_the_finding_and_stands_beside_it(self):
        refuted = RaisedViolation(1, "FRD", "refuted", None)
        found = tally(report({"Y": "yes"}, refuted), report({"Y": "yes"}), report({"Y": "no"}))
        assert get_question(found, "Y")["finding"] == {"n": 1, "of": 3, "refuted": 1}

    def test_every_answer_that_raised_it_is_set_aside_and_no_other(self):
        refuted = RaisedViolation(1, "ACC", "refuted", None)
        found = tally(report({"Z": "no", "W": "no", "Y": "yes"}, refuted), report({"Z": "yes", "W": "no"}))
        assert [get_question(found, code)["finding"]["n"] for code in "ZWY"] == [0, 1, 1]

    def test_an_answer_that_raised_nothing_stays(self):
        refuted = RaisedViolation(1, "ACC", "refuted", None)
        found = tally(report({"Z": "no", "W": "yes"}, refuted))
        assert get_question(found, "W")["finding"] == {"n": 0, "of": 1, "refuted": 0}


class TestVerified:
    def test_it_is_counted_side_by_side(self):
        refuted = RaisedViolation(1, "FRD", "refuted", None)
        found = tally(
            report({"Y": "yes", "R": "bad", "I": 2}, verified=True),
            report({"Y": "yes"}, refuted, verified=True),
            report({"Y": "no", "R": "good", "I": 5}),
        )
        assert found["verified"] == 2
        assert get_question(found, "Y")["yes_no"] == {"all": {"yes": 2, "no": 1}, "verified": {"yes": 2}}
        assert get_question(found, "Y")["finding"] == {"n": 1, "of": 3, "refuted": 1, "verified": {"n": 1, "of": 2}}
        assert get_question(found, "R")["finding"] == {"n": 1, "of": 2, "verified": {"n": 1, "of": 1}}
        assert get_question(found, "I")["numbers"]["verified"] == {"answered": 1, "sum": "2", "min": "2", "max": "2"}


class TestOtherQuestions:
    def test_the_lower_two_ratings_are_negative(self):
        found = tally(*[report({"R": rating}) for rating in RATING_ANSWERS])
        assert get_question(found, "R")["finding"] == {"n": 2, "of": 4}

    def test_a_choice_and_its_finding(self):
        found = tally(report({"C": "f", "D": "torn"}), report({"C": "m", "D": "fine"}))
        assert get_question(found, "C") == {"choices": {"all": {"f": 1, "m": 1}}}
        assert get_question(found, "D")["finding"] == {"n": 1, "of": 2, "refuted": 0}

    def test_several_choices_count_each_and_the_report_once(self):
        found = tally(report({"M": ["b", "c"]}), report({"M": ["a"]}))
        assert get_question(found, "M")["choices"] == {"all": {"a": 1, "b": 1, "c": 1}}
        assert get_question(found, "M")["finding"] == {"n": 1, "of": 2, "refuted": 0}

    def test_numbers_are_exact(self):
        found = tally(*[report({"N": "0.1", "I": 10**15 - 1}) for _ in range(3)])
        assert get_question(found, "N")["numbers"]["all"] == {"answered": 3, "sum": "0.3", "min": "0.1", "max": "0.1"}
        assert get_question(found, "I")["numbers"]["all"]["sum"] == "2999999999999997"

    def test_words_places_and_pictures_are_not_figures(self):
        answers = {"T": "text", "L": {"lat": 1, "lon": 2}, "F": ["1.jpg"]}
        assert tally(report(answers))["stages"]["voting"]["lists"] == {"voting": {}}

    def test_a_question_is_pooled_over_versions(self):
        later = form(question("Y", "yes_no", findings=["yes"], raises="FRD"), version=9)
        assert get_question(tally(report({"Y": "yes"}), report({"Y": "no"}, form=later)), "Y")["finding"]["of"] == 2

    def test_two_checklists_of_one_stage_never_mix(self):
        other = form(question("Y", "rating"), version=9, code="urban")
        found = tally(report({"Y": "yes"}), report({"Y": "bad"}, form=other))
        assert found["stages"]["voting"]["reports"] == 2
        assert "rating" not in get_question(found, "Y")
        assert get_question(found, "Y", checklist="urban")["rating"] == {"all": {"bad": 1}}


class TestContestsAndSlots:
    def test_answers_are_pooled_and_listed_apart_and_numbers_only_apart(self):
        found = tally(
            report({"Y": "yes", "I": 100}, slot="10:05"),
            report({"Y": "no", "I": 250}, slot="12:05", contest=7),
            report({"I": 3}),
        )
        stage = found["stages"]["voting"]
        assert get_question(found, "Y")["finding"]["of"] == 2
        assert get_question(found, "Y")["stations"] == {"conflicting": 1}
        assert get_question(found, "I")["numbers"]["all"] == {"answered": 1, "sum": "3", "min": "3", "max": "3"}
        assert sorted(stage["parts"]) == ["7|12:05", "|10:05"]
        assert stage["parts"]["|10:05"]["lists"]["voting"]["I"]["numbers"]["all"]["sum"] == "100"
        assert (stage["reports"], stage["commissions"]) == (3, 1)


class TestViolations:
    def test_reported_counts_reports_and_confirmed_counts_cases(self):
        found = tally(
            report({}, RaisedViolation(1, "FRD", "confirmed", 5), RaisedViolation(2, "UNA", "confirmed", 5)),
            report({}, RaisedViolation(3, "FRD", "confirmed", 5), RaisedViolation(4, "ACC", "refuted", None)),
            report({}, RaisedViolation(5, "FRD", "confirmed", None), RaisedViolation(6, "TRN", "solved", None)),
            report({}, RaisedViolation(7, "FRD", "reported", None)),
        )["violations"]
        assert (found["reports"], found["confirmed"]) == (4, 2)
        assert found["types"] == {
            "FRD": {"reported": 4, "confirmed": 2},
            "UNA": {"reported": 1, "confirmed": 1},
            "ACC": {"reported": 1, "refuted": 1},
            "TRN": {"reported": 1, "solved": 1},
        }
        # The first report tells of two critical codes: one report, and one case.
        assert found["severities"]["critical"] == {"reported": 4, "confirmed": 2}
        assert found["groups"]["access"] == {"reported": 1}

    def test_a_code_that_the_election_does_not_list_is_still_counted(self):
        found = tally(report({}, RaisedViolation(1, "OLD", "confirmed", None)))["violations"]
        assert found == {
            "reports": 1,
            "confirmed": 1,
            "types": {"OLD": {"reported": 1, "confirmed": 1}},
            "severities": {},
            "groups": {},
        }


class TestCoverage:
    def test_an_incident_alone_does_not_make_a_station_observed(self):
        found = tally(report({"V": "ACC"}, RaisedViolation(1, "ACC", "reported", None), form=INCIDENT))
        assert "observed" not in found
        assert (found["denied"], found["reports"]) == (1, 1)

    def test_a_refuted_denial_denies_nothing(self):
        assert "denied" not in tally(report({}, RaisedViolation(1, "ACC", "refuted", None)))

    def test_stations_are_observed_once_whatever_the_stages(self):
        opening = form(version=3, code="opening", stage="opening", repeat="once")
        assert tally(report(), report(), report(form=opening))["observed"] == 1

    def test_a_territorial_commission_is_no_station(self):
        found = tally(report({}, RaisedViolation(1, "ACC", "reported", None)), precinct=False)
        assert not found.keys() & {"precincts", "observed", "denied"}


# ── any reports whatever ────────────────────────────────────────────────────────────────────
answer_sets = st.fixed_dictionaries(
    {},
    optional={
        "Y": st.sampled_from(YES_NO_ANSWERS),
        "Z": st.sampled_from(YES_NO_ANSWERS),
        "W": st.sampled_from(YES_NO_ANSWERS),
        "A": st.sampled_from(YES_NO_ANSWERS),
        "P": st.sampled_from(YES_NO_ANSWERS),
        "R": st.sampled_from(RATING_ANSWERS),
        "C": st.sampled_from("fm"),
        "D": st.sampled_from(["fine", "torn"]),
        "M": st.lists(st.sampled_from("abc"), min_size=1, unique=True).map(sorted),
        "I": st.integers(-(10**15) + 1, 10**15 - 1),
        "N": st.decimals(-(10**15) + 1, 10**15 - 1, places=12).map(str),
        "T": st.text(max_size=3),
    },
)
states = st.sampled_from(["reported", "confirmed", "refuted", "solved", "passed_on"])
raised = st.builds(
    RaisedViolation, st.integers(1, 99), st.sampled_from(["FRD", "ACC", "UNA", "TRN", "OLD"]), states, st.none()
)
reports_any = st.builds(
    CountedReport,
    st.just(FORM),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["", "10:05", "a|b"]),
    st.booleans(),
    answer_sets,
    st.lists(raised, max_size=3, unique_by=lambda one: one.code).map(tuple),
)
tallies = st.builds(
    lambda reports, precinct: tally_reports(reports=reports, precinct=precinct, kinds=KINDS),
    st.lists(reports_any, max_size=6),
    st.booleans(),
)


class TestMerging:
    @given(tallies, tallies, tallies)
    @settings(max_examples=60)
    def test_it_is_associative(self, a, b, c):
        assert merge_tallies(merge_tallies(a, b), c) == merge_tallies(a, merge_tallies(b, c))

    @given(tallies, tallies)
    @settings(max_examples=60)
    def test_it_is_commutative_and_empty_changes_nothing(self, a, b):
        assert merge_tallies(a, b) == merge_tallies(b, a)
        assert merge_tallies(a, EMPTY_TALLY) == merge_tallies(EMPTY_TALLY, a) == a

    @given(tallies, tallies)
    @settings(max_examples=60)
    def test_it_touches_neither_argument_and_shares_nothing_with_them(self, a, b):
        before = copy.deepcopy((a, b))
        merged = merge_tallies(a, b)
        for stage in merged.get("stages", {}).values():
            stage["lists"].clear()
        assert (a, b) == before

    @given(st.permutations(range(8)), st.lists(tallies, min_size=8, max_size=8))
    @settings(max_examples=40)
    def test_the_order_of_many_does_not_matter_to_the_byte(self, order, several):
        def text(parts):
            return json.dumps(reduce(merge_tallies, parts, EMPTY_TALLY), sort_keys=True)

        assert text(several) == text([several[place] for place in order])

    @given(st.lists(tallies, max_size=6))
    @settings(max_examples=60)
    def test_flat_lines_add_up_to_the_same(self, several):
        before = copy.deepcopy(several)
        total = TallySum()
        for one in several:
            total.add(flatten_tally(one))
        assert total.build_tally() == reduce(merge_tallies, several, EMPTY_TALLY)
        total.build_tally().get("stages", {}).clear()
        assert several == before

    @given(tallies)
    def test_it_survives_the_database(self, a):
        assert json.loads(json.dumps(a)) == a

    @given(st.lists(reports_any, max_size=8), st.randoms())
    @settings(max_examples=60)
    def test_the_order_of_reports_does_not_matter(self, reports, chance):
        shuffled = list(reports)
        chance.shuffle(shuffled)
        assert tally(*shuffled) == tally(*reports)

    @given(st.lists(reports_any, max_size=8))
    @settings(max_examples=60)
    def test_counts_of_two_commissions_are_the_sum_of_theirs(self, reports):
        apart = reduce(merge_tallies, (tally(one, precinct=False) for one in reports), EMPTY_TALLY)
        together = tally(*reports, precinct=False)
        assert apart.get("reports", 0) == together.get("reports", 0) == len(reports)
        for code, found in together.get("stages", {}).get("voting", {}).get("lists", {}).get("voting", {}).items():
            other = get_question(apart, code)
            assert {k: v for k, v in found.items() if k != "stations"} == {
                k: v for k, v in other.items() if k != "stations"
            }


class TestNumbersAsText:
    @given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15))
    def test_equal_numbers_are_equal_texts_and_nothing_is_lost(self, number):
        assert Decimal(format_number(number)) == number
        assert format_number(number) == format_number(number + Decimal("0.000000000000000"))
        assert "E" not in format_number(number).upper()


class TestObservers:
    @given(st.sets(st.integers(1, 2**62)), st.sets(st.integers(1, 2**62)))
    def test_they_merge_as_sets(self, first, second):
        assert unpack_observers(pack_observers(first)) == first
        both = unpack_observers(pack_observers(first)) | unpack_observers(memoryview(pack_observers(second)))
        assert pack_observers(both) == pack_observers([*second, *first, *second])
