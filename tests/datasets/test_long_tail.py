# SPDX-License-Identifier: BSD-3-Clause
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal

from skoverfit._core._arrays import to_numpy
from skoverfit.datasets import (
    make_linear_imbalance,
    make_long_tail,
    make_noisy_long_tail,
    make_step_imbalance,
)
from skoverfit.exceptions import SkoverfitWarning

Y = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 200))
ROWS = np.arange(len(Y)).reshape(-1, 1)


def sizes(y, n_classes=5):
    return np.bincount(y, minlength=n_classes)


@pytest.mark.parametrize("ratio", [1, 2, 10, 20, 50, 100, 1000])
@pytest.mark.parametrize("n_max", [None, 200, 120, 7])
def test_sizes_follow_the_formula(ratio, n_max):
    _, y = make_long_tail(ROWS, Y, imbalance_ratio=ratio, n_max=n_max, random_state=0)
    head = n_max or 200
    told = [max(1, int(head * ratio ** -(c / 4) + 1e-9)) for c in range(5)]
    assert sizes(y).tolist() == told


@pytest.mark.parametrize(
    ("fraction", "told"),
    [(0.5, [200, 200, 200, 20, 20]), (0.1, [200] * 4 + [20]), (0.99, [200] + [20] * 4)],
)
def test_step_has_two_sizes(fraction, told):
    _, y = make_step_imbalance(ROWS, Y, minority_fraction=fraction, random_state=0)
    assert sizes(y).tolist() == told


def test_linear_falls_in_equal_steps():
    _, y = make_linear_imbalance(ROWS, Y, imbalance_ratio=10, random_state=0)
    assert sizes(y).tolist() == [200, 155, 110, 65, 20]


@pytest.mark.parametrize("kind", ["exp", "step", "linear"])
@pytest.mark.parametrize("order", ["frequency", "given", "shuffle"])
def test_ratio_one_changes_nothing(kind, order):
    y = np.repeat([0, 1, 2], [5, 50, 20])
    X_cut, y_cut = make_long_tail(
        y[:, None], y, imbalance_ratio=1, kind=kind, class_order=order
    )
    assert_array_equal(y_cut, y)
    assert_array_equal(X_cut[:, 0], y)


@pytest.mark.parametrize("kind", ["exp", "step", "linear"])
def test_the_rarer_of_two_classes_shrinks(kind):
    y = np.array(["rare"] * 212 + ["zfrequent"] * 357)
    _, y_cut = make_long_tail(y, y, imbalance_ratio=20, kind=kind, random_state=0)
    assert (y_cut == "zfrequent").sum() == 357
    assert (y_cut == "rare").sum() == 17
    options = {"class_order": ["rare", "zfrequent"], "n_max": 200, "kind": kind}
    _, given = make_long_tail(y, y, imbalance_ratio=20, **options)
    assert (given == "rare").sum() == 200
    assert (given == "zfrequent").sum() == 10


def test_unequal_classes_never_grow_and_keep_their_order():
    counts = np.array([10, 1000, 500])
    y = np.repeat([0, 1, 2], counts)
    _, y_cut = make_long_tail(y, y, imbalance_ratio=20, random_state=0)
    assert sizes(y_cut, 3).tolist() == [10, 1000, 223]  # 50 wanted, 10 there are


def test_too_few_head_rows_warn():
    y = np.repeat([0, 1], [10, 1000])
    with pytest.warns(SkoverfitWarning, match=r"larger than one before .* \[10, 100\]"):
        make_long_tail(y, y, imbalance_ratio=10, class_order="given")


def test_every_class_keeps_a_row():
    _, y = make_long_tail(ROWS, Y, imbalance_ratio=1e9, random_state=0)
    assert sizes(y).min() == 1


def test_rows_keep_their_order_and_their_labels():
    X_cut, y_cut, kept = make_long_tail(
        ROWS, Y, imbalance_ratio=10, return_indices=True, random_state=0
    )
    assert (np.diff(kept) > 0).all()
    assert_array_equal(X_cut[:, 0], kept)
    assert_array_equal(y_cut, Y[kept])


def test_shuffle_follows_the_seed():
    orders = set()
    for seed in range(6):
        _, y = make_long_tail(ROWS, Y, class_order="shuffle", random_state=seed)
        _, again = make_long_tail(ROWS, Y, class_order="shuffle", random_state=seed)
        assert_array_equal(y, again)
        assert sorted(sizes(y)) == [2, 6, 20, 63, 200]
        orders.add(tuple(sizes(y)))
    assert len(orders) > 1


def test_higher_ratios_keep_a_subset():
    kept = [
        set(make_long_tail(ROWS, Y, imbalance_ratio=r, random_state=7)[0].ravel())
        for r in (5, 50)
    ]
    assert kept[1] < kept[0]


def test_rows_are_chosen_alike():
    """Each row of the last class is kept with probability 20 / 200."""
    times = np.zeros(1000)
    for seed in range(100):
        kept = make_long_tail(
            ROWS, Y, imbalance_ratio=10, return_indices=True, random_state=seed
        )[2]
        times[kept] += 1
    assert times[Y == 4].sum() == 2000
    assert times[Y == 4].max() <= 30  # Binomial(100, 0.1): mean 10, sd 3
    assert (times[Y == 0] == 100).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X.astype(np.float32),
        lambda X: X.tolist(),
        sp.csr_array,
        sp.csc_matrix,
        sp.coo_array,
        lambda X: torch.tensor(X, dtype=torch.float16),
        lambda X: pd.DataFrame(X, columns=["a"], index=np.arange(len(X)) + 5),
        lambda X: pl.DataFrame({"a": X.ravel()}),
    ],
)
def test_containers_of_features(make):
    X = make(ROWS)
    X_cut, _, kept = make_long_tail(
        X, Y, imbalance_ratio=10, return_indices=True, random_state=0
    )
    assert type(X_cut) is type(X)
    assert_array_equal(to_numpy(X_cut), to_numpy(X)[kept])
    if hasattr(X, "dtype"):
        assert X_cut.dtype == X.dtype
    if hasattr(X, "iloc"):
        assert_array_equal(X_cut.index, kept + 5)


def test_containers_of_labels():
    y = pd.Series(np.array(list("abcde"))[Y], index=np.arange(1000)[::-1])
    y = y.astype(pd.CategoricalDtype(list("zabcdey")))
    _, y_cut, kept = make_long_tail(ROWS, y, return_indices=True, random_state=0)
    pd.testing.assert_series_equal(y_cut, y.iloc[kept])
    assert isinstance(make_long_tail(ROWS, Y.tolist())[1], list)
    assert make_long_tail(ROWS, torch.tensor(Y))[1].dtype == torch.int64


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"imbalance_ratio": 0.5}, "'imbalance_ratio' parameter of make_long_tail"),
        ({"n_max": 201}, "n_max=201 is larger .* 200 rows"),
        ({"kind": "power"}, "'kind' parameter of make_long_tail"),
        ({"class_order": "size"}, "'class_order' parameter of make_long_tail"),
        ({"class_order": [0, 1, 2, 3, 9]}, "the label 9, which y does not have"),
        ({"class_order": [0, 1, 2, 3, 3]}, "each of the 5 labels once"),
        ({"class_order": [0, 1]}, "each of the 5 labels once"),
        ({"minority_fraction": 1.0}, "'minority_fraction' parameter"),
    ],
)
def test_bad_parameters_are_named(options, match):
    with pytest.raises(ValueError, match=match):
        make_long_tail(ROWS, Y, **options)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="X has 3 rows, but y has 1000 labels"):
        make_long_tail(np.eye(3), Y)
    with pytest.raises(ValueError, match="one class only"):
        make_long_tail(np.eye(3), [1, 1, 1])


@pytest.mark.parametrize("noise", ["joint", "symmetric", "instance"])
def test_tail_first_then_noise(noise):
    X = np.random.default_rng(1).normal(size=(1000, 3))
    data = make_noisy_long_tail(
        X, Y, imbalance_ratio=20, rate=0.3, noise=noise, random_state=0
    )
    n = len(data.indices)
    assert_array_equal(data.X, X[data.indices])
    assert_array_equal(data.y_clean, Y[data.indices])
    assert_array_equal(data.is_noisy, data.y != data.y_clean)
    # The tail is cut by the true labels, and the noise acts on all that is left.
    assert data.counts_clean.tolist() == [200, 94, 44, 21, 10]
    assert data.is_noisy.sum() == round(0.3 * n)
    assert_array_equal(data.counts_noisy, sizes(data.y))
    assert_array_equal(data.classes, np.arange(5))
    assert data.transition_matrix.shape == (5, 5)
    if noise == "joint":
        told = 0.3 * data.counts_clean[0] / (n - data.counts_clean[4])
        assert data.transition_matrix[4, 0] == pytest.approx(told)


def test_noisy_tail_keeps_containers_and_seeds():
    frame = pd.DataFrame({"a": ROWS.ravel()})
    y = pd.Series(np.array(list("abcde"))[Y], dtype="category")
    data, again = (make_noisy_long_tail(frame, y, random_state=4) for _ in range(2))
    pd.testing.assert_frame_equal(data.X, again.X)
    pd.testing.assert_series_equal(data.y, again.y)
    assert data.y.dtype == y.dtype
    assert data.y.index.equals(data.X.index)
    other = make_noisy_long_tail(frame, y, random_state=5)
    assert not other.X.index.equals(data.X.index)


def test_a_vanished_class_counts_zero():
    y = np.repeat(["a", "b"], [50, 50])
    with pytest.warns(SkoverfitWarning, match="no row with the label 'b'"):
        data = make_noisy_long_tail(
            y,
            y,
            imbalance_ratio=50,
            noise="class_conditional",
            noise_params={"transition_matrix": [[1, 0], [1, 0]]},
        )
    assert data.counts_clean.tolist() == [50, 1]
    assert data.counts_noisy.tolist() == [51, 0]


def test_noise_params_are_passed_and_checked():
    with pytest.raises(ValueError, match=r"noise_params can't hold \['rate'\]"):
        make_noisy_long_tail(ROWS, Y, noise_params={"rate": 0.1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = make_noisy_long_tail(
            ROWS, Y, noise="asymmetric", noise_params={"mapping": {0: 1}}
        )
    assert set(data.y_clean[data.is_noisy]) == {0}
