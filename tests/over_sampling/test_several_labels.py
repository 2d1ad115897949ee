# SPDX-License-Identifier: BSD-3-Clause
"""MLSMOTE: which labels are rare, which rows are made, and which labels they get."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.over_sampling import MLSMOTE
from skoverfit.pipeline import Pipeline


@pytest.fixture
def tagged():
    """120 rows of three columns and four labels, of which the last two are rare."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(120, 3))
    scores = X @ rng.normal(size=(3, 4)) + 0.3 * rng.normal(size=(120, 4))
    shares = [0.8, 0.5, 0.08, 0.1]
    Y = scores > [np.quantile(scores[:, j], 1 - shares[j]) for j in range(4)]
    return X, Y.astype(int)


def naive_ratios(Y):
    counts = Counter(int(label) for row in Y for label in np.flatnonzero(row))
    most = max(counts.values())
    ratios = {label: most / count for label, count in counts.items()}
    return ratios, sum(ratios.values()) / len(ratios)


@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=5, max_size=30)
)
@settings(deadline=None)
@pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
def test_imbalance_ratios_against_counting(rows):
    Y = np.array(rows)
    if not Y.any():
        return
    X = np.random.default_rng(0).normal(size=(len(Y), 2))
    sampler = MLSMOTE(random_state=0).fit(X, Y)
    ratios, mean = naive_ratios(Y)
    for label, ratio in enumerate(sampler.imbalance_ratios_):
        assert ratio == ratios.get(label, np.inf)
    assert_allclose(sampler.mean_imbalance_ratio_, mean)
    rare = {label: int(Y[:, label].sum()) for label in ratios if ratios[label] > mean}
    told = sampler.sampling_strategy_
    # Ratios that are next to the mean may fall to either side of it.
    sure = {label for label in ratios if abs(ratios[label] - mean) > 1e-9}
    assert {c: m for c, m in told.items() if c in sure} == {
        c: m for c, m in rare.items() if c in sure
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strategy", ["auto", 0.6, 2.5, {2: 25, 3: 20}])
def test_rows_and_labels(tagged, seed, strategy):
    X, Y = tagged
    sampler = MLSMOTE(sampling_strategy=strategy, k_neighbors=4, random_state=seed)
    X_res, Y_res = sampler.fit_resample(X, Y)
    assert_array_equal(X_res[:120], X)
    assert_array_equal(Y_res[:120], Y)
    counts = Y.sum(axis=0)
    share = {"auto": 1.0}.get(strategy if isinstance(strategy, str) else None, strategy)
    if isinstance(strategy, dict):
        wanted = {label: n - counts[label] for label, n in strategy.items()}
    else:
        wanted = {label: round(share * counts[label]) for label in (2, 3)}
    assert {c: m for c, m in sampler.n_generated_.items() if m} == wanted
    assert_allclose(
        np.einsum("np,npd->nd", sampler.weights_, X[sampler.parents_]), X_res
    )
    start = 120
    for label, m in wanted.items():
        bag = np.flatnonzero(Y[:, label])
        for row in range(start, start + m):
            base, partner = sampler.parents_[row]
            apart = np.linalg.norm(X[bag] - X[base], axis=1)
            near = bag[np.argsort(apart, kind="stable")[1:5]]
            assert base in bag
            assert partner in near
            votes = Counter(
                c for r in (base, *near) for c in np.flatnonzero(Y[r]).tolist()
            )
            kept = [c for c, n in votes.items() if n > 5 / 2]
            assert label in kept
            assert_array_equal(np.flatnonzero(Y_res[row]), sorted(kept))
        start += m
    assert start == len(X_res) == len(Y_res)


def test_a_tie_is_no_majority():
    X = np.array([[0.0], [1.0], *([9.0 + j] for j in range(8))])
    Y = np.zeros((10, 3), dtype=int)
    Y[:, 0] = 1
    Y[:2, 1] = 1  # rare: rows 0 and 1, with one neighbour each
    Y[0, 2] = 1  # one of the two
    Y[2:, 2] = 1
    _, Y_res = MLSMOTE(k_neighbors=1, random_state=0).fit_resample(X, Y)
    assert_array_equal(Y_res[10:], [[1, 1, 0]] * 2)


def test_each_label_has_its_own_stream(tagged):
    X, Y = tagged
    both = MLSMOTE(sampling_strategy={2: 30, 3: 30}, random_state=0)
    X_both, _ = both.fit_resample(X, Y)
    only = MLSMOTE(sampling_strategy={2: 30}, random_state=0)
    m = both.n_generated_[2]
    assert_array_equal(X_both[120 : 120 + m], only.fit_resample(X, Y)[0][120:])


def test_balanced_labels_are_left_alone_and_it_is_told():
    X, Y = np.arange(8.0)[:, None], np.tile([[1, 0], [0, 1]], (4, 1))
    with pytest.warns(SkoverfitWarning, match="No row was made"):
        X_res, Y_res = MLSMOTE().fit_resample(X, Y)
    assert_array_equal(X_res, X)
    assert_array_equal(Y_res, Y)


def test_the_only_row_of_a_label():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 2)), np.ones((30, 2), dtype=int)
    Y[1:, 1] = 0
    sampler = MLSMOTE(sampling_strategy={1: 200}, random_state=0)
    with pytest.warns(SkoverfitWarning, match="Label 1 has rows without a distinct"):
        X_res, Y_res = sampler.fit_resample(X, Y)
    assert_allclose((X_res[30:] - X[0]).std(axis=0), X.std(axis=0), rtol=0.3)
    assert (Y_res[30:] == 1).all()
    assert (sampler.parents_[30:] == [0, -1]).all()


def test_weights_and_groups(tagged):
    X, Y = tagged
    groups, w = np.arange(120) % 2, np.arange(120) % 3 + 0.0
    sampler = MLSMOTE(k_neighbors=2, random_state=0)
    sampler.fit_resample(X, Y, sample_weight=w, groups=groups)
    a, b = sampler.parents_[120:].T
    assert (w[a] > 0).all()
    assert (w[b[b >= 0]] > 0).all()
    assert_array_equal(groups[a[b >= 0]], groups[b[b >= 0]])
    assert_array_equal(sampler.groups_, groups[sampler.sample_indices_])
    first = sampler.n_generated_[2]
    assert_allclose(sampler.sample_weight_[120 : 120 + first], w[Y[:, 2] == 1].mean())
    nothing = np.where(Y[:, 2] == 1, 0.0, 1.0)
    with pytest.raises(ValueError, match="All rows of label 2 have a sample_weight"):
        sampler.fit_resample(X, Y, sample_weight=nothing)


def test_containers_come_back(tagged):
    X, Y = tagged
    sampler = MLSMOTE(random_state=0)
    X_res, Y_res = sampler.fit_resample(X, Y)
    frame = pd.DataFrame(X).add_prefix("c")
    labels = pd.DataFrame(Y == 1, columns=list("abcd"), index=np.arange(120)[::-1])
    A, B = sampler.fit_resample(frame, labels)
    assert_array_equal(A.to_numpy(), X_res)
    assert_array_equal(B.to_numpy(), Y_res == 1)
    assert [dtype.kind for dtype in B.dtypes] == ["b"] * 4
    assert_array_equal(B.index, np.arange(len(B)))
    A, B = sampler.fit_resample(pl.DataFrame(frame), pl.DataFrame(labels))
    assert B.columns == list("abcd")
    assert_array_equal(B.to_numpy(), Y_res == 1)
    A, B = sampler.fit_resample(torch.as_tensor(X), torch.as_tensor(Y))
    assert isinstance(B, torch.Tensor)
    assert_array_equal(B.numpy(), Y_res)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        A, B = sampler.fit_resample(X, kind(Y))
        assert isinstance(B, kind)
        assert_array_equal(B.toarray(), Y_res)
    A, B = sampler.fit_resample(X.tolist(), Y.tolist())
    assert isinstance(B, list)
    assert_array_equal(B, Y_res)
    for dtype in (np.int8, bool, np.float32):
        B = sampler.fit_resample(X, Y.astype(dtype))[1]
        assert B.dtype == dtype
        assert_array_equal(B, Y_res.astype(dtype))
    A, B = sampler.fit_resample(sparse.csr_array(X), Y)
    assert_allclose(A.toarray(), X_res)


@given(
    seed=st.integers(0, 99),
    n=st.integers(6, 40),
    k=st.integers(1, 8),
    gone=st.sampled_from([0.0, 0.3]),
    levels=st.integers(0, 2),
    numbers=st.integers(0, 2),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
def test_any_table(seed, n, k, gone, levels, numbers):
    rng = np.random.default_rng(seed)
    columns = {f"number {j}": rng.integers(0, 4, n) + 0.0 for j in range(numbers)}
    frame = pd.DataFrame(columns)
    frame[rng.random(frame.shape) < gone] = np.nan
    for column in frame:
        frame.loc[0, column] = 1.0
    for j in range(levels if numbers else 2):
        frame[f"level {j}"] = rng.choice(["x", "y"], n)
    Y = (rng.random((n, 3)) < [0.7, 0.4, 0.15]).astype(int)
    Y[0] = 1
    sampler = MLSMOTE(k_neighbors=k, random_state=seed)
    X_res, Y_res = sampler.fit_resample(frame, Y)
    pd.testing.assert_frame_equal(X_res.iloc[:n], frame)
    assert_array_equal(Y_res[:n], Y)
    start = n
    for label, m in sampler.sampling_strategy_.items():
        assert (Y_res[start : start + m, label] == 1).all()
        assert (Y[sampler.sample_indices_[start : start + m], label] == 1).all()
        start += m
    assert start == len(X_res)


@pytest.mark.parametrize(
    ("Y", "told"),
    [
        (np.ones(120), "two or more labels, a column of 0 and 1 for each. Got shape"),
        (np.ones((120, 1)), "Got shape (120, 1); for one label use SMOTE"),
        (np.zeros((120, 3)), "No row of y has a label: all 360 cells are 0"),
        (np.full((120, 3), 2), "must hold 0 and 1 only. Got 2 in row 0 of label 0"),
        (np.full((120, 3), np.nan), "contains NaN: row 0"),
        (np.full((120, 3), "ant"), "must hold 0 and 1 only. Got 'ant'"),
        (np.ones((119, 2)), "inconsistent numbers of samples"),
        (None, "requires y"),
    ],
)
def test_bad_labels(tagged, Y, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        MLSMOTE().fit_resample(tagged[0], Y)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"sampling_strategy": "balance"}, "'sampling_strategy' parameter of MLSMOTE"),
        ({"sampling_strategy": {9: 50}}, "names the target class 9"),
        ({"sampling_strategy": {0: 5}}, "5 samples are asked"),
        ({"k_neighbors": 0}, "'k_neighbors' parameter of MLSMOTE"),
    ],
)
def test_bad_parameters(tagged, parameters, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        MLSMOTE(**parameters).fit_resample(*tagged)


def test_a_label_that_no_row_has(tagged):
    X, Y = tagged
    Y = np.column_stack([Y, np.zeros(120, dtype=int)])
    sampler = MLSMOTE(random_state=0)
    sampler.fit_resample(X, Y)
    assert np.isinf(sampler.imbalance_ratios_[4])
    assert sampler.n_generated_[4] == 0
    with pytest.raises(ValueError, match="rows of label 4, which no row has"):
        sampler.set_params(sampling_strategy={4: 9}).fit_resample(X, Y)


def test_in_a_pipeline_before_a_multilabel_classifier(tagged):
    X, Y = tagged
    tree = DecisionTreeClassifier(random_state=0)
    model = Pipeline([("more", MLSMOTE(random_state=0)), ("tree", tree)]).fit(X, Y)
    more = MLSMOTE(random_state=0).fit_resample(X, Y)
    by_hand = DecisionTreeClassifier(random_state=0).fit(*more)
    assert_array_equal(model.predict(X), by_hand.predict(X))
    several = MultiOutputClassifier(LogisticRegression())
    model = Pipeline([("more", MLSMOTE(random_state=0)), ("each", several)])
    assert model.fit(X, pd.DataFrame(Y)).predict(X).shape == Y.shape
