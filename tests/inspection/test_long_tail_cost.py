"""The cost of a refused row is a mean frequency, and shows up as test error."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.datasets import make_long_tail_subpopulations
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import long_tail_cost


def test_equal_frequencies_cost_themselves():
    assert_allclose(long_tail_cost(np.ones(40), 100, times_seen=[0, 1, 7, 100]), 1 / 40)
    assert long_tail_cost([3.0], 5, times_seen=5) == 1.0


def test_it_is_the_sum_in_plain_numbers():
    p = np.array([0.5, 0.3, 0.15, 0.05])
    for n, ell in ((6, 0), (6, 1), (6, 4), (6, 6)):
        weight = p**ell * (1 - p) ** (n - ell)
        expected = (p * weight).sum() / weight.sum()
        assert_allclose(long_tail_cost(10 * p, n, times_seen=ell), expected)
    # Frequencies of 0 are never seen; large n does not underflow.
    assert_allclose(long_tail_cost([*p, 0.0], 6), long_tail_cost(p, 6))
    assert 0 < long_tail_cost(np.ones(10**5), 10**6) < 1.1e-5


@pytest.mark.parametrize("ell", [0, 1, 3])
def test_it_is_the_mean_frequency_of_kinds_seen_so_often(ell):
    p = 1 / np.arange(1, 401)
    p /= p.sum()
    counts = np.random.default_rng(0).multinomial(500, p, size=400)
    total = np.array([[p[row == ell].sum(), (row == ell).sum()] for row in counts])
    found = total[:, 0].sum() / total[:, 1].sum()
    assert_allclose(found, long_tail_cost(p, 500, times_seen=ell), rtol=0.03)


def test_more_of_a_kind_cost_more_and_long_tails_cost_about_a_row():
    zipf = 1 / np.arange(1, 3001)
    costs = long_tail_cost(zipf, 3000, times_seen=np.arange(6))
    assert (np.diff(costs) > 0).all()
    assert 0.3 < 3000 * costs[1] < 1.0
    assert long_tail_cost(np.ones(3000), 3000) == pytest.approx(1 / 3000)


def test_refusing_single_rows_costs_what_the_formula_says():
    gaps, told = [], []
    for seed in range(12):
        data = make_long_tail_subpopulations(
            6000, 800, n_classes=20, separation=30.0, random_state=seed
        )
        X, y, kind = data.X[:500], data.y[:500], data.subpopulation[:500]
        X_test, y_test = data.X[500:], data.y[500:]
        single = np.bincount(kind, minlength=800)[kind] == 1
        nearest = KNeighborsClassifier(1)
        fitted = nearest.fit(X, y).score(X_test, y_test)
        refused = nearest.fit(X[~single], y[~single]).score(X_test, y_test)
        gaps.append(fitted - refused)
        # A refused kind is right by chance one time in twenty.
        cost = long_tail_cost(data.frequencies, 500) * 19 / 20
        told.append(single.sum() * cost)
    assert_allclose(np.mean(gaps), np.mean(told), rtol=0.05)
    assert np.mean(gaps) > 0.1


def test_subpopulations_have_their_frequencies_and_places():
    data = make_long_tail_subpopulations(
        20_000, 5, exponent=2.0, n_features=3, n_classes=4, random_state=0
    )
    share = np.bincount(data.subpopulation, minlength=5) / 20_000
    assert_allclose(share, data.frequencies, atol=0.01)
    assert_allclose(data.frequencies, np.arange(1, 6.0) ** -2 / 1.463611, rtol=1e-5)
    assert (data.y == data.labels[data.subpopulation]).all()
    apart = data.X - data.centers[data.subpopulation]
    assert_allclose(apart.std(axis=0), 1, atol=0.02)
    again = make_long_tail_subpopulations(
        20_000, 5, exponent=2.0, n_features=3, n_classes=4, random_state=0
    )
    assert (again.X == data.X).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequencies": [-1, 2]}, "frequencies must be.*from 0 on"),
        ({"frequencies": [0.0, 0.0]}, "not all of them 0"),
        ({"frequencies": [[1.0]]}, "one-dimensional"),
        ({"times_seen": 11}, "from 0 to n_samples=10. Got 11"),
        ({"times_seen": 0.5}, "whole numbers.*Got 0.5"),
    ],
)
def test_bad_input_is_one_sentence(change, message):
    with pytest.raises(BadInputError, match=message):
        long_tail_cost(**{"frequencies": [1, 2], "n_samples": 10, **change})
    with pytest.raises(ValueError, match=r"exponent.*range \[0.0, inf\)"):
        make_long_tail_subpopulations(exponent=-1)
