# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi2_contingency
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skoverfit.datasets import instance_noise, margin_noise

# Raw features far from unit scale, as tables have them.
X, Y = make_blobs(3000, centers=4, n_features=5, cluster_std=4, random_state=0)
RAW = X * np.array([1, 10, 100, 1000, 1])


@pytest.mark.parametrize("function", [instance_noise, margin_noise])
@pytest.mark.parametrize("rate", [0.02, 0.2, 0.45])
def test_mean_rate_of_independent_noise(function, rate):
    outputs = {"return_mask": True, "return_transition": True}
    _, wrong, matrix = function(Y, X, rate, exact=False, random_state=0, **outputs)
    # The flip probabilities add up to rate * n; a Poisson-binomial count varies less
    # than a binomial one.
    assert abs(wrong.sum() - rate * 3000) < 5 * np.sqrt(3000 * rate * (1 - rate))
    shares = np.bincount(Y) / len(Y)
    assert shares @ (1 - np.diag(matrix)) == pytest.approx(rate)


def targets_by_region(scale):
    """Entropy in bits of the wrong label, within one class and one half of X."""
    y_noisy, wrong = instance_noise(
        Y, RAW, 0.9, rate_sd=0, scale=scale, return_mask=True, random_state=0
    )
    rows = wrong & (Y == 0) & (RAW[:, 3] > np.median(RAW[Y == 0, 3]))
    shares = np.bincount(y_noisy[rows], minlength=4)[1:] / rows.sum()
    shares = shares[shares > 0]
    return -(shares * np.log2(shares)).sum()


def test_without_scaling_whole_regions_get_one_label():
    assert targets_by_region(None) < 0.2
    assert targets_by_region("auto") > 1.0


def test_instance_noise_depends_on_the_features():
    y_noisy, wrong = instance_noise(Y, X, 0.9, return_mask=True, random_state=0)
    rows = wrong & (Y == 0)
    upper = X[rows] > np.median(X[rows], axis=0)
    p_values = []
    for half in upper.T:
        table = np.bincount(half * 4 + y_noisy[rows], minlength=8).reshape(2, 4)
        p_values.append(chi2_contingency(table[:, 1:]).pvalue)
    assert min(p_values) < 1e-6


def test_instance_noise_is_free_of_units():
    assert_array_equal(
        instance_noise(Y, X, random_state=0),
        instance_noise(Y, RAW + 1000.0, random_state=0),
    )


def test_sparse_and_dense_features_give_the_same_noise():
    thin = np.where(np.abs(X) > 3, X, 0)
    for function in (instance_noise, margin_noise):
        for make in (sp.csr_array, sp.csc_matrix, sp.coo_array):
            y_noisy = function(Y, make(thin), random_state=0)
            assert (y_noisy != Y).sum() == 600
    assert_array_equal(
        instance_noise(Y, sp.csr_array(thin), random_state=0),
        instance_noise(Y, thin, random_state=0),
    )


def test_missing_and_constant_features():
    holes = X.copy()
    holes[::7, 0] = np.nan
    holes = np.column_stack([holes, np.full(3000, np.nan), np.ones(3000)])
    for function in (instance_noise, margin_noise):
        assert (function(Y, holes, random_state=0) != Y).sum() == 600
    same = np.column_stack([X, np.ones(3000)])
    _, told = instance_noise(Y, same, return_transition=True, random_state=0)
    assert np.isfinite(told).all()


@pytest.mark.parametrize("function", [instance_noise, margin_noise])
@pytest.mark.parametrize(
    ("features", "match"),
    [
        (None, "depends on the features: pass X"),
        (pd.DataFrame({"a": ["x", "y"] * 2}), "needs numeric features"),
        (np.arange(4), r"shape \(n, n_features\). Got shape \(4,\)"),
        (np.array([[np.inf], [1], [2], [3]]), "infinite"),
        (np.eye(3), "X has 3 rows, but y has 4 labels"),
    ],
)
def test_bad_features_are_named(function, features, match):
    with pytest.raises(ValueError, match=match):
        function([0, 1, 0, 1], features)


@pytest.mark.parametrize("scale", ["auto", None])
@pytest.mark.parametrize("seed", range(3))
def test_margin_noise_is_denser_near_the_boundary(scale, seed):
    model = LogisticRegression(max_iter=1000).fit(X, Y)
    decision = np.sort(model.predict_log_proba(X), axis=1)
    margin = decision[:, -1] - decision[:, -2]
    _, wrong = margin_noise(Y, X, 0.2, scale=scale, return_mask=True, random_state=seed)
    near = margin < np.median(margin)
    assert wrong[near].mean() > 2 * wrong[~near].mean()


def test_margin_noise_goes_to_plausible_classes():
    X_iris, y = load_iris(return_X_y=True)
    y_noisy, wrong = margin_noise(y, X_iris, 0.3, return_mask=True, random_state=0)
    from_virginica = y_noisy[wrong & (y == 2)]
    assert (from_virginica == 1).mean() > 0.9


def test_margin_noise_takes_a_model_and_leaves_it_unfitted():
    frame = pd.DataFrame({"city": np.array(["u", "v", "w"])[Y % 3], "x": X[:, 0]})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"),
        LogisticRegression(),
    )
    y_noisy = margin_noise(Y, frame, estimator=model, random_state=0)
    assert (y_noisy != Y).sum() == 600
    assert not hasattr(model[-1], "coef_")
    with pytest.raises(ValueError, match="'estimator' parameter of margin_noise"):
        margin_noise(Y, frame, estimator="svm")


@pytest.mark.parametrize("function", [instance_noise, margin_noise])
def test_the_ends_of_the_rate(function):
    assert_array_equal(function(Y, X, 0.0, exact=False, random_state=0), Y)
    assert (function(Y, X, 1.0, random_state=0) != Y).all()


def test_transition_is_the_mean_over_rows():
    counts = np.zeros((4, 4))
    for seed in range(20):
        y_noisy = instance_noise(Y[:400], X[:400], 0.3, random_state=seed)
        counts += np.bincount(Y[:400] * 4 + y_noisy, minlength=16).reshape(4, 4)
    told = sum(
        instance_noise(Y[:400], X[:400], 0.3, return_transition=True, random_state=s)[1]
        for s in range(20)
    )
    assert_allclose(counts / counts.sum(axis=1, keepdims=True), told / 20, atol=0.06)


@pytest.mark.parametrize("scale", ["auto", None])
def test_one_hopeless_row_does_not_take_all_the_noise(scale):
    far = np.random.default_rng(0).normal(size=(2000, 2)) * [1000, 1]
    y = (far[:, 0] > 0).astype(int)
    y[0] = 1 - y[0]
    _, wrong = margin_noise(y, far, 0.9, scale=scale, return_mask=True, random_state=0)
    assert wrong.sum() == 1800
    assert wrong[0]
