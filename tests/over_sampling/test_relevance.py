# SPDX-License-Identifier: BSD-3-Clause
"""Which values of a number matter, which segments they make, and their shares."""

import re

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import PchipInterpolator

from skoverfit.over_sampling import SMOTER
from skoverfit.over_sampling._relevance import (
    box_plot_points,
    check_points,
    relevance_at,
    segment,
    shares,
)


def test_box_plot_points_are_those_of_a_box_plot():
    y = np.append(np.arange(1.0, 21.0), [-40.0, 60.0, 70.0])
    for tail, expected in {
        "both": [[1, 1], [11, 0], [20, 1]],
        "high": [[-40, 0], [11, 0], [20, 1]],
        "low": [[1, 1], [11, 0], [70, 0]],
    }.items():
        assert_array_equal(box_plot_points(y, tail), expected)


def test_without_outliers_nothing_matters():
    y = np.arange(20.0)
    points = box_plot_points(y, "both")
    assert_array_equal(points, [[0, 0], [9.5, 0], [19, 0]])
    assert not relevance_at(points, y).any()


def test_a_box_of_no_width_takes_the_nearest_value_beyond():
    y = np.array([5.0] * 20 + [6.0, 9.0, 1.0])
    assert_array_equal(box_plot_points(y, "both"), [[1, 1], [5, 0], [6, 1]])


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=60))
def test_whiskers_enclose_the_median(values):
    y = np.array(values)
    points = box_plot_points(y, "both")
    assert (np.diff(points[:, 0]) > 0).all()
    assert 0.0 in points[points[:, 0] == np.median(y), 1]
    phi = relevance_at(points, y) if len(points) > 1 else np.zeros(len(y))
    assert ((phi >= 0) & (phi <= 1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_relevance_is_scipys_pchip(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.normal(size=6))
    points = np.column_stack([x, rng.random(6)])
    y = np.linspace(x[0], x[-1], 101)
    # In the inner intervals the outer points decide nothing.
    inner = y[(y >= x[1]) & (y <= x[-2])]
    told = relevance_at(points, inner)
    assert_allclose(told, PchipInterpolator(*points.T)(inner))
    # Everywhere, with the constants outside as points of their own.
    wide = np.vstack([[x[0] - 9, points[0, 1]], points, [x[-1] + 9, points[-1, 1]]])
    far = np.linspace(x[0] - 5, x[-1] + 5, 301)
    assert_allclose(relevance_at(points, far), PchipInterpolator(*wide.T)(far))


def test_relevance_has_no_slope_at_the_ends():
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    t = np.linspace(0, 1, 21)
    assert_allclose(relevance_at(points, t), 3 * t**2 - 2 * t**3)
    assert_array_equal(relevance_at(points, np.array([-5.0, 7.0])), [0, 1])


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([[1, 0]], "shape (1, 2)"),
        ([1, 2, 3], "shape (3,)"),
        ([[1, 0], [1, 1]], "different finite values"),
        ([[1, 0], [2, 1.5]], "relevances in [0, 1]"),
        ([[1, 0], [np.nan, 1]], "different finite values"),
        ([["a", 0], ["b", 1]], "pairs of numbers"),
    ],
)
def test_bad_control_points(points, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        SMOTER(relevance=points).fit_resample(np.ones((9, 2)), np.arange(9.0))


def test_control_points_may_come_in_any_order():
    assert_array_equal(check_points([[3, 1], [1, 0]]), [[1, 0], [3, 1]])


def test_segments_are_runs_in_the_order_of_y():
    y = np.array([5.0, 1.0, 2.0, 9.0, 8.0, 2.0])
    codes, is_rare = segment(y, np.array([False, True, False, True, True, False]))
    assert_array_equal(codes, [1, 0, 1, 2, 2, 1])
    assert_array_equal(is_rare, [True, False, True])


def test_shares_are_exact():
    counts, rare = np.array([3, 90, 7]), np.array([True, False, True])
    assert_array_equal(shares("balance", counts, rare), [34, 33, 33])
    extreme = shares("extreme", counts, rare)
    assert extreme.sum() == 100
    inverse = 1 / counts
    assert np.abs(extreme - 100 * inverse / inverse.sum()).max() < 1
    assert_array_equal(shares(0.5, counts, rare), [45, 90, 45])
    assert_array_equal(shares({0: 10}, counts, rare), [10, 90, 7])
