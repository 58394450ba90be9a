"""The printed form of a figure: a count, or a whole percentage from 200 on, never a false one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.services.figures.format import MIN_PERCENT_DENOMINATOR, format_figure

pairs = st.integers(0, 2_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@pytest.mark.parametrize(
    ("n", "of", "text"),
    [
        (90, 1131, "8%"),
        (1074, 1131, "95%"),
        (57, 1131, "5%"),
        (65, 111, "65"),
        (88, 88, "88"),
        (0, 0, "0"),
        (0, 199, "0"),
        (199, 199, "199"),
        (0, 200, "0%"),
        (200, 200, "100%"),
        (1, 200, "1%"),  # half up
        (199, 200, "199"),  # 99.5 would round to all of them
        (3, 200, "2%"),
        (1, 201, "1"),  # 0.497… would round to none of them
        (1, 10_101, "1"),
        (10_100, 10_101, "10100"),
        (5, 1000, "1%"),
        (4, 1000, "4"),
        (994, 1000, "99%"),
        (995, 1000, "995"),
        (25, 1000, "3%"),
        (24, 1000, "2%"),
        (2**60, 2**61, "50%"),
    ],
)
def test_examples_from_statements_and_borders(n, of, text):
    assert format_figure(n, of) == text


@pytest.mark.parametrize("of", [0, 1, 2, 7, 99, 100, 150, 199])
def test_a_small_denominator_is_printed_as_a_count(of):
    assert [format_figure(n, of) for n in range(of + 1)] == [str(n) for n in range(of + 1)]


@pytest.mark.parametrize("of", [200, 201, 333, 400, 999, 1000, 1131])
def test_every_numerator_of_a_large_denominator_follows_the_rule(of):
    for n in range(of + 1):
        exact = int(Fraction(100 * n, of) + Fraction(1, 2))
        is_false = (exact == 0 and n) or (exact == 100 and n != of)
        assert format_figure(n, of) == (str(n) if is_false else f"{exact}%")


@given(pairs)
def test_no_figure_says_none_or_all_where_it_is_not_so(pair):
    n, of = pair
    text = format_figure(n, of)
    if text == "0%":
        assert n == 0
    if text == "100%":
        assert n == of
    assert text.endswith("%") <= (of >= MIN_PERCENT_DENOMINATOR)
    if not text.endswith("%"):
        assert text == str(n)


@given(pairs)
def test_a_percentage_is_never_further_than_half_a_point_from_the_truth(pair):
    n, of = pair
    if format_figure(n, of).endswith("%"):
        error = int(format_figure(n, of)[:-1]) - Fraction(100 * n, of)
        assert Fraction(-1, 2) < error <= Fraction(1, 2)
