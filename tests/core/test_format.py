"""How the report writes numbers."""

import math

import pytest

from skoverfit._core import _format as fmt

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("ends", [(-INF, INF), (0.1, INF), (NAN, NAN), (-INF, 0.2)])
def test_an_infinite_interval_is_not_estimable(ends):
    assert fmt.interval(*ends) == "not estimable"
    value, span = fmt.with_interval(0.5, *ends, sign=True)
    assert (value, span) == ("+0.500", "not estimable")


def test_narrow_intervals_get_more_digits_so_that_their_ends_differ():
    for width in (1.0, 0.1, 1e-2, 1e-3, 1e-4):
        value, span = fmt.with_interval(0.5, 0.5 - width / 2, 0.5 + width / 2)
        low, high = (float(end) for end in span.strip("[]").split(", "))
        assert high - low == pytest.approx(width, rel=0.11)
        assert len(value.split(".")[1]) == len(span.split(", ")[0].split(".")[1])


def test_minus_is_a_minus_and_zero_has_no_sign():
    assert fmt.signed(-0.0421) == "−0.042"
    assert fmt.signed(-0.00001) == fmt.signed(0.0) == "0.000"
    assert fmt.signed(0.5) == "+0.500"
    assert fmt.number(NAN) == "not estimable"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "> 99 %"), (0.0, "< 1 %"), (0.42, "42 %"), (NAN, "not estimable")],
)
def test_probabilities_are_never_certain(value, text):
    assert fmt.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "< 1 ms"),
        (0.0123, "12 ms"),
        (2.34, "2.3 s"),
        (90, "1.5 min"),
        (7200, "2.0 h"),
        (INF, "not estimable"),
    ],
)
def test_durations_have_a_unit_that_fits(value, text):
    assert fmt.seconds(value) == text


def test_ratios_counts_and_p_values():
    assert fmt.ratio(1.234) == "1.2 ×"
    assert fmt.ratio(123.4) == "123 ×"
    assert fmt.count(1234567) == "1\u202f234\u202f567"
    assert fmt.p_value(0.00004) == "< 0.001"
    assert fmt.p_value(0.25) == "0.250"
