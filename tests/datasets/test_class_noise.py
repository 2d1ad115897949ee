# SPDX-License-Identifier: BSD-3-Clause
"""The laws of noise that depends on the class alone."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom, chi2

from skoverfit.datasets import (
    asymmetric_noise,
    class_conditional_noise,
    joint_noise,
    joint_proportional_noise,
    make_transition_matrix,
    pair_noise,
    symmetric_noise,
)
from skoverfit.exceptions import SkoverfitWarning

COUNTS = np.array([6000, 3000, 1000])
LONG = np.repeat([0, 1, 2], COUNTS)


def joint_counts(y, y_noisy):
    k = int(max(y.max(), y_noisy.max())) + 1
    return np.bincount(y * k + y_noisy, minlength=k * k).reshape(k, k)


def assert_drawn_from(counts, matrix):
    """Pearson's chi-square at 1e-4; cells of probability 0 must be empty."""
    assert (counts[matrix == 0] == 0).all()
    expected = counts.sum(axis=1, keepdims=True) * matrix
    cells = expected > 0
    statistic = ((counts - expected)[cells] ** 2 / expected[cells]).sum()
    freedom = cells.sum() - len(matrix)
    assert statistic < chi2.isf(1e-4, freedom)


MAKERS = {
    "symmetric": (symmetric_noise, {}),
    "pair": (pair_noise, {}),
    "asymmetric": (asymmetric_noise, {"mapping": {2: 0, 0: 1}}),
    "joint": (joint_noise, {}),
    "joint_proportional": (joint_proportional_noise, {}),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", range(3))
def test_independent_noise_follows_its_matrix(name, seed):
    function, options = MAKERS[name]
    y_noisy, matrix = function(
        LONG, 0.3, exact=False, return_transition=True, random_state=seed, **options
    )
    told = make_transition_matrix(
        3, 0.3, name, priors=COUNTS if "joint" in name else None, **options
    )
    assert_allclose(matrix, told, atol=1e-12)
    assert_drawn_from(joint_counts(LONG, y_noisy), told)


@pytest.mark.parametrize("seed", range(3))
def test_any_matrix_can_be_drawn_from(seed):
    matrix = np.array([[0.5, 0.2, 0.3], [0, 1, 0], [0.9, 0.1, 0]])
    y_noisy = class_conditional_noise(LONG, matrix, exact=False, random_state=seed)
    assert_drawn_from(joint_counts(LONG, y_noisy), matrix)


def test_exact_noise_with_unequal_rates_keeps_them_on_average():
    matrix = np.array([[0.9, 0.1], [0.6, 0.4]])
    y = np.repeat([0, 1], [70, 30])
    flips = np.zeros(2)
    n_draws = 400
    for seed in range(n_draws):
        _, wrong = class_conditional_noise(
            y, matrix, return_mask=True, random_state=seed
        )
        assert wrong.sum() == 25  # 7 + 18
        flips += np.bincount(y, weights=wrong)
    # Each flip is at most Bernoulli: 5 standard errors of the mean over the draws.
    bound = 5 * np.sqrt(np.array([70 * 0.09, 30 * 0.24]) / n_draws)
    assert (np.abs(flips / n_draws - [7, 18]) < bound).all()


def test_exact_symmetric_noise_chooses_every_row_alike():
    y = np.arange(20) % 2
    times = sum(
        symmetric_noise(y, 0.25, return_mask=True, random_state=seed)[1].astype(int)
        for seed in range(400)
    )
    assert times.sum() == 400 * 5
    low, high = binom.ppf([1e-6, 1 - 1e-6], 400, 0.25)
    assert (times >= low).all()
    assert (times <= high).all()


def test_include_self_redraws_so_many_and_wrongs_fewer():
    n = len(LONG)
    _, wrong, matrix = symmetric_noise(
        LONG,
        0.3,
        include_self=True,
        return_mask=True,
        return_transition=True,
        random_state=0,
    )
    assert_allclose(np.diag(matrix), 1 - 0.3 * 2 / 3)
    low, high = binom.ppf([1e-6, 1 - 1e-6], round(0.3 * n), 2 / 3)
    assert low <= wrong.sum() <= high


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_proportional_noise_has_the_expected_rate_and_keeps_class_sizes(rate):
    shares = COUNTS / COUNTS.sum()
    r = 1 - (shares**2).sum()
    y_noisy, wrong = joint_proportional_noise(
        LONG, rate, return_mask=True, random_state=0
    )
    redrawn = round(rate / r * len(LONG))
    low, high = binom.ppf([1e-6, 1 - 1e-6], redrawn, r)
    assert low <= wrong.sum() <= high
    drift = np.bincount(y_noisy) - COUNTS
    assert (np.abs(drift) < 5 * np.sqrt(2 * redrawn * shares * (1 - shares))).all()


def test_proportional_noise_refuses_rates_out_of_reach():
    y = np.repeat([0, 1], [95, 5])
    with pytest.raises(ValueError, match=r"rate=0.2 .* 1 - sum\(shares\*\*2\) = 0.095"):
        joint_proportional_noise(y, 0.2)
    joint_proportional_noise(y, 0.094)


def test_joint_noise_is_the_rolt_convention():
    """Wrong labels are drawn with n_j over the other classes, rows uniformly."""
    matrix = make_transition_matrix(3, 0.3, "joint", priors=COUNTS)
    n = COUNTS.sum()
    for i in range(3):
        for j in range(3):
            told = 0.7 if i == j else 0.3 * COUNTS[j] / (n - COUNTS[i])
            assert matrix[i, j] == pytest.approx(told)
    y_noisy, wrong = joint_noise(LONG, 0.3, return_mask=True, random_state=0)
    assert wrong.sum() == 3000
    lost = np.bincount(LONG, weights=wrong)
    assert (np.abs(lost - 0.3 * COUNTS) < 5 * np.sqrt(COUNTS * 0.21)).all()
    redraw = joint_counts(LONG[wrong], y_noisy[wrong])
    told = matrix / 0.3
    np.fill_diagonal(told, 0)
    assert_drawn_from(redraw, told)


def test_pair_noise_goes_to_the_next_class_only():
    y_noisy, wrong = pair_noise(LONG, 0.2, return_mask=True, random_state=0)
    assert_array_equal(y_noisy[wrong], (LONG[wrong] + 1) % 3)


def test_asymmetric_noise_without_mapping_draws_one_target_a_class():
    y = np.repeat(np.arange(6), 200)
    maps = set()
    for seed in range(8):
        y_noisy, wrong = asymmetric_noise(y, 0.3, return_mask=True, random_state=seed)
        targets = [np.unique(y_noisy[wrong & (y == c)]) for c in range(6)]
        assert all(len(t) == 1 and t[0] != c for c, t in enumerate(targets))
        maps.add(tuple(int(t[0]) for t in targets))
    assert len(maps) > 1


def test_asymmetric_noise_leaves_other_classes_alone():
    y = np.array(["car"] * 50 + ["truck"] * 40 + ["ship"] * 10)
    y_noisy, wrong = asymmetric_noise(
        y, 0.2, mapping={"truck": "car"}, return_mask=True, random_state=0
    )
    assert wrong.sum() == 8
    assert set(y[wrong]) == {"truck"}
    assert set(y_noisy[wrong]) == {"car"}


@pytest.mark.parametrize(
    ("mapping", "match"),
    [
        ({"truk": "car"}, "'truk', which y does not have. Did you mean 'truck'"),
        ({"truck": "plane"}, "'plane', which y does not have"),
        ({"car": "car"}, "sends the label 'car' to itself"),
    ],
)
def test_bad_mappings_are_named(mapping, match):
    with pytest.raises(ValueError, match=match):
        asymmetric_noise(["car", "truck", "ship"], mapping=mapping)


@pytest.mark.parametrize("function", [pair_noise, asymmetric_noise])
def test_half_of_the_labels_wrong_warns(function):
    y = np.arange(400) % 4
    with pytest.warns(SkoverfitWarning, match="rate=0.5 makes a wrong label at least"):
        function(y, 0.5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(y, 0.49, random_state=0)
        symmetric_noise(y, 0.74, random_state=0)
    with pytest.warns(SkoverfitWarning, match="symmetric noise with rate=0.75"):
        symmetric_noise(y, 0.75, random_state=0)


@pytest.mark.parametrize("function", [symmetric_noise, joint_noise])
def test_noise_is_equivariant_in_law(function):
    """Renamed classes: the same transition matrix, with renamed rows and columns."""
    order = np.array([2, 0, 1])
    _, matrix = function(LONG, 0.3, return_transition=True, random_state=0)
    y_noisy, renamed = function(
        order[LONG], 0.3, exact=False, return_transition=True, random_state=0
    )
    assert_allclose(renamed[np.ix_(order, order)], matrix)
    assert_drawn_from(joint_counts(order[LONG], y_noisy), renamed)


def test_row_order_does_not_matter_in_law():
    order = np.random.default_rng(0).permutation(len(LONG))
    y_noisy, matrix = joint_noise(
        LONG[order], 0.3, exact=False, return_transition=True, random_state=1
    )
    assert_drawn_from(joint_counts(LONG[order], y_noisy), matrix)
