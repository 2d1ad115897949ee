# SPDX-License-Identifier: BSD-3-Clause
"""SMOTER and SMOGN: relevance, segments, counts, and the law of made rows."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import NearestNeighbors

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.over_sampling import SMOGN, SMOTER
from skoverfit.over_sampling._relevance import (
    relevance_at,
)
from skoverfit.pipeline import Pipeline

BOTH = pytest.mark.parametrize("cls", [SMOTER, SMOGN])


@pytest.fixture
def skewed():
    """160 rows of three columns with a target that has a long upper tail."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(160, 3))
    return X, np.exp(X[:, 0] + 0.5 * X[:, 1] + 0.2 * rng.normal(size=160))


# --- segments and counts --------------------------------------------------------------


def test_a_callable_relevance_is_asked(skewed):
    X, y = skewed
    sampler = SMOTER(relevance=lambda v: (v < 0.3).astype(float), random_state=0)
    sampler.fit_resample(X, y)
    assert sampler.control_points_ is None
    assert_array_equal(sampler.segment_is_rare_, [True, False])
    assert sampler.segment_bounds_[0, 1] < 0.3 <= sampler.segment_bounds_[1, 0]
    with pytest.raises(ValueError, match="callable 'relevance'"):
        SMOTER(relevance=lambda v: v).fit_resample(X, y)


@BOTH
@pytest.mark.parametrize("strategy", ["balance", "extreme", 0.7, {1: 50}])
@pytest.mark.parametrize("thin", [False, True])
def test_counts_are_exact_and_rows_are_made_of_rare_ones(skewed, cls, strategy, thin):
    X, y = skewed
    sampler = cls(sampling_strategy=strategy, under_sampling=thin, random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    phi = relevance_at(sampler.control_points_, y)
    rare = phi >= 0.8
    common = int((~rare).sum())
    wanted = {
        "balance": 80, "extreme": common, 0.7: int(0.7 * common),
    }.get(strategy if not isinstance(strategy, dict) else None, 50)  # fmt: skip
    made = sampler.is_synthetic_
    assert made.sum() == wanted - rare.sum() == sampler.n_generated_[1]
    assert len(X_res) == len(y_res) == len(made)
    parents = sampler.parents_[made]
    assert rare[parents[parents >= 0]].all()
    kept = sampler.sample_indices_[~made]
    assert_array_equal(X_res[~made], X[kept])
    assert_array_equal(y_res[~made], y[kept])
    if not (thin and isinstance(strategy, str)):
        assert_array_equal(kept, np.arange(160))
    else:
        assert len(X_res) == 160
        assert rare[kept].sum() == rare.sum()
        assert (np.diff(kept) > 0).all()


def test_two_tails_are_two_segments_with_streams_of_their_own(skewed):
    X, _ = skewed
    y = stats.t(2).ppf(np.linspace(0.01, 0.99, 160))
    both = SMOTER(random_state=0)
    X_res, y_res = both.fit_resample(X, y)
    assert_array_equal(both.segment_is_rare_, [True, False, True])
    made = both.is_synthetic_
    low = made & (y_res < 0)
    assert both.n_generated_[0] == low.sum() > 0
    only = SMOTER(sampling_strategy=dict(both.sampling_strategy_), random_state=0)
    first = {0: int(low.sum() + (y <= both.segment_bounds_[0, 1]).sum())}
    only.set_params(sampling_strategy=first)
    assert_array_equal(only.fit_resample(X, y)[0][160:], X_res[low])


@pytest.mark.parametrize("tail", ["high", "low"])
def test_one_tail(tail):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.standard_t(2, size=200)
    sampler = SMOTER(tail=tail, random_state=0)
    _, y_res = sampler.fit_resample(X, y)
    made = y_res[200:]
    assert (made > np.median(y)).all() if tail == "high" else (made < 0).all()


# --- the rows ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_targets_are_weighed_by_distance(skewed, seed):
    X, y = skewed
    sampler = SMOTER(gap="box", random_state=seed)
    X_res, y_res = sampler.fit_resample(X, y)
    made = sampler.is_synthetic_
    a, b = sampler.parents_[made].T
    d1 = np.linalg.norm(X_res[made] - X[a], axis=1)
    d2 = np.linalg.norm(X_res[made] - X[b], axis=1)
    assert_allclose(y_res[made], (d2 * y[a] + d1 * y[b]) / (d1 + d2))
    assert (y_res[made] >= np.minimum(y[a], y[b])).all()
    assert (y_res[made] <= np.maximum(y[a], y[b])).all()


@BOTH
def test_the_law_is_that_of_the_papers_row_by_row(cls):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = np.exp(X[:, 0] + 0.5 * X[:, 1])
    sampler = cls(relevance=[[0, 0], [3, 1]], sampling_strategy={1: 3000})
    sampler.set_params(random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    rare = y >= sampler.segment_bounds_[1, 0]
    R, target = X[rare], y[rare]
    made = []
    for _ in range(3000):
        i = rng.integers(len(R))
        apart = np.linalg.norm(R - R[i], axis=1)
        j = rng.choice(np.argsort(apart)[1:6])
        half = np.median(np.delete(apart, i)) / 2
        if cls is SMOGN and apart[j] >= half:
            width = min(half, 0.02)
            x = R[i] + rng.normal(size=2) * R.std(axis=0) * width
            value = target[i] + rng.normal() * target.std() * width
        else:
            x = R[i] + rng.random() * (R[j] - R[i])
            d1, d2 = np.linalg.norm(x - R[i]), np.linalg.norm(x - R[j])
            value = (d2 * target[i] + d1 * target[j]) / (d1 + d2)
        made.append([*x, value])
    ours = np.column_stack([X_res, y_res])[120:]
    for column, expected in zip(ours.T, np.array(made).T, strict=True):
        assert stats.ks_2samp(column, expected).pvalue > 1e-3


def test_on_a_segment_rows_and_targets_have_the_same_weights(skewed):
    X, y = skewed
    sampler = SMOTER(random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    weights, parents = sampler.weights_, sampler.parents_
    assert_allclose(np.einsum("np,npd->nd", weights, X[parents]), X_res)
    assert_allclose((weights * y[parents]).sum(axis=1), y_res)


def test_noise_takes_the_place_of_far_neighbours(skewed):
    X, y = skewed
    sampler = SMOGN(sampling_strategy={1: 3000}, random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    rare = np.flatnonzero(relevance_at(sampler.control_points_, y) >= 0.8)
    apart = np.linalg.norm(X[rare][:, None] - X[rare][None], axis=2)
    np.fill_diagonal(apart, np.nan)
    half = dict(zip(rare, np.nanmedian(apart, axis=1) / 2, strict=True))
    made = sampler.is_synthetic_
    base, partner = sampler.parents_[made].T
    near = partner >= 0
    d = np.linalg.norm(X[base[near]] - X[partner[near]], axis=1)
    limit = np.array([half[b] for b in base])
    assert (d < limit[near]).all()
    # How often: the share of the five nearest that are too far.
    nearest = np.sort(apart, axis=1)[:, :5]
    share = (nearest >= np.array([half[r] for r in rare])[:, None]).mean()
    assert abs((~near).mean() - share) < 0.03
    noise = (X_res[made] - X[base])[~near] / X[rare].std(axis=0)
    width = np.minimum(limit, 0.02)[~near]
    for column in (noise / width[:, None]).T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
    moved = (y_res[made] - y[base])[~near] / (y[rare].std() * width)
    assert stats.kstest(moved, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(moved, noise[:, 0])[0, 1]) < 0.1


def test_no_noise_is_a_copy(skewed):
    X, y = skewed
    sampler = SMOGN(perturbation=0.0, random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    alone = sampler.is_synthetic_ & (sampler.parents_[:, 1] < 0)
    source = sampler.sample_indices_[alone]
    assert alone.any()
    assert_array_equal(X_res[alone], X[source])
    assert_array_equal(y_res[alone], y[source])


def test_copies_have_no_part_in_the_median():
    rng = np.random.default_rng(0)
    far = rng.normal(size=(6, 2))
    X = np.vstack([rng.normal(size=(90, 2)), np.repeat(far, 8, axis=0)])
    y = np.r_[np.zeros(90), np.full(48, 7.0)] + np.linspace(0, 1, 138)
    sampler = SMOGN(relevance=[[0, 0], [7, 1]], random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    made = X_res[138:]
    copied = (made[:, None] == far[None]).all(axis=2).any()
    assert not copied


@BOTH
def test_whole_numbers_are_rounded_without_bias(cls):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = np.r_[np.zeros(80, dtype=np.int32), np.tile([20, 21], 10)].astype(np.int32)
    sampler = cls(sampling_strategy={1: 4020}, relevance=[[0, 0], [9, 1]])
    sampler.set_params(random_state=0)
    _, y_res = sampler.fit_resample(X, y)
    assert y_res.dtype == np.int32
    assert set(y_res[100:].tolist()) <= {19, 20, 21, 22}
    assert abs(y_res[100:].mean() - 20.5) < 0.1


@BOTH
def test_the_only_rare_row(cls):
    X = np.arange(20.0)[:, None] ** 2
    y = np.r_[np.zeros(19), 50.0]
    sampler = cls(sampling_strategy={1: 400}, relevance=[[0, 0], [50, 1]])
    sampler.set_params(random_state=0)
    with pytest.warns(SkoverfitWarning, match="Segment 1 has rows without a distinct"):
        X_res, y_res = sampler.fit_resample(X, y)
    moved = (X_res[20:, 0] - X[19, 0]).std()
    if cls is SMOGN:
        assert_allclose(moved, 0.02 * X.std(), rtol=0.2)
        assert_allclose(y_res[20:].std(), 0.02 * y.std(), rtol=0.2)
    else:
        assert moved > 0.5 * X[:19].std()
    if cls is SMOTER:
        with pytest.raises(ValueError, match="Row 19 of segment 1 has no other row"):
            sampler.set_params(fallback="raise").fit_resample(X, y)
        with pytest.warns(SkoverfitWarning, match="duplicated"):
            X_res, y_res = sampler.set_params(fallback="duplicate").fit_resample(X, y)
        assert set(X_res[20:, 0]) == {361.0}
        assert set(y_res[20:]) == {50.0}


# --- weights, groups, missing values, containers -------------------------------------


@BOTH
def test_weights(skewed, cls):
    X, y = skewed
    sampler = cls(random_state=0)
    plain = sampler.fit_resample(X, y)
    same = sampler.fit_resample(X, y, sample_weight=np.full(160, 3.0))
    assert_array_equal(plain[0], same[0])
    assert_array_equal(sampler.sample_weight_, np.full(len(same[0]), 3.0))
    w = np.random.default_rng(0).integers(0, 4, 160).astype(float)
    sampler.fit_resample(X, y, sample_weight=w)
    used = sampler.parents_[160:]
    assert (w[used[used >= 0]] > 0).all()
    rare = y >= sampler.segment_bounds_[1, 0]
    assert_allclose(sampler.sample_weight_[160:], w[rare].mean())
    with pytest.raises(ValueError, match="All rows of segment 1 have a sample_weight"):
        sampler.fit_resample(X, y, sample_weight=np.where(rare, 0.0, 1.0))


@BOTH
def test_groups_are_not_mixed(skewed, cls):
    X, y = skewed
    groups = np.arange(160) % 2
    sampler = cls(random_state=0)
    sampler.fit_resample(X, y, groups=groups)
    a, b = sampler.parents_[160:].T
    assert_array_equal(groups[a[b >= 0]], groups[b[b >= 0]])
    assert_array_equal(sampler.groups_, groups[sampler.sample_indices_])


@BOTH
def test_all_that_belongs_to_a_row_follows_it_when_rows_are_dropped(skewed, cls):
    X, y = skewed
    w, groups = np.arange(1, 161) / 10, np.arange(160) % 3
    sampler = cls(under_sampling=True, random_state=0)
    X_res, y_res = sampler.fit_resample(X, y, sample_weight=w, groups=groups)
    source, made = sampler.sample_indices_, sampler.is_synthetic_
    assert len(X_res) == len(y_res) == len(source) == 160
    assert_array_equal(X_res[~made], X[source[~made]])
    assert_array_equal(sampler.sample_weight_[~made], w[source[~made]])
    assert_array_equal(sampler.groups_, groups[source])
    frame = sampler.origin_frame()
    assert_array_equal(frame["source"], source)
    assert sampler.split_safe(np.arange(160))


@BOTH
@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "int16"])
def test_series_keep_their_dtype(skewed, cls, dtype):
    X, y = skewed
    series = pd.Series(np.rint(10 * y)).astype(dtype)
    _, y_res = cls(random_state=0).fit_resample(X, series)
    assert y_res.dtype == series.dtype
    assert len(y_res) > 160
    pd.testing.assert_series_equal(y_res[:160], series)
    gone = series.astype(object)
    gone[3] = None
    with pytest.raises(ValueError, match="contains NaN: row 3 has no target"):
        cls().fit_resample(X, gone)


@BOTH
@pytest.mark.parametrize("thin", [False, True])
def test_containers_come_back(skewed, cls, thin):
    X, y = skewed
    sampler = cls(random_state=0, under_sampling=thin)
    X_res, y_res = sampler.fit_resample(X, y)
    frame, series = pd.DataFrame(X).add_prefix("c"), pd.Series(y, name="price")
    frame.index = series.index = np.arange(160)[::-1]
    A, b = sampler.fit_resample(frame, series)
    assert_array_equal(A.to_numpy(), X_res)
    assert_array_equal(b.to_numpy(), y_res)
    assert b.name == "price"
    assert_array_equal(b.index, np.arange(len(b)))
    A, b = sampler.fit_resample(pl.DataFrame(frame), pl.Series("price", y))
    assert isinstance(A, pl.DataFrame)
    assert isinstance(b, pl.Series)
    assert_array_equal(b.to_numpy(), y_res)
    A, b = sampler.fit_resample(torch.as_tensor(X), torch.as_tensor(y))
    assert isinstance(A, torch.Tensor)
    assert_allclose(A.numpy(), X_res)
    assert_allclose(b.numpy(), y_res)
    A, b = sampler.fit_resample(X.tolist(), y.tolist())
    assert isinstance(A, list)
    assert isinstance(b, list)
    assert b == y_res.tolist()
    A, b = sampler.fit_resample(sparse.csr_array(X), y[:, None])
    assert sparse.issparse(A)
    assert b.shape == (len(y_res), 1)
    assert_allclose(b[:160, 0] if not thin else b[: len(b) // 4, 0],
                    y_res[:160] if not thin else y_res[: len(b) // 4])  # fmt: skip
    one = sampler.fit_resample(frame, series.to_frame())[1]
    assert_array_equal(one["price"], y_res)


@BOTH
def test_mixed_and_incomplete_tables(skewed, cls):
    X, y = skewed
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(160) < 0.2, np.nan, X[:, 0]),
            "rooms": rng.integers(1, 9, 160),
            "town": rng.choice(["a", "b", None], 160),
            "built": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, 160), "D"),
        }
    )
    sampler = cls(scaling="standard", random_state=0)
    X_res, y_res = sampler.fit_resample(frame, y)
    pd.testing.assert_frame_equal(X_res.iloc[:160], frame)
    made = X_res.iloc[160:]
    assert made["rooms"].between(1, 8).all()
    assert set(made["town"].dropna()) <= {"a", "b"}
    a, b = sampler.parents_[160:].T
    two = b >= 0
    assert (y_res[160:][two] <= np.maximum(y[a], y[b])[two]).all()
    assert (y_res[160:][two] >= np.minimum(y[a], y[b])[two]).all()
    names = frame[["town"]].fillna("c")
    only, y_only = cls(random_state=0).fit_resample(names, y)
    assert set(only["town"]) <= {"a", "b", "c"}
    assert np.isfinite(y_only).all()


def test_a_neighbour_object_is_asked(skewed):
    X, y = skewed
    engine = SMOTER(k_neighbors=3, random_state=0).fit_resample(X, y)
    theirs = NearestNeighbors(n_neighbors=4)
    asked = SMOTER(k_neighbors=theirs, random_state=0).fit_resample(X, y)
    assert_allclose(engine[0], asked[0])
    assert_allclose(engine[1], asked[1])


@BOTH
@given(
    seed=st.integers(0, 99),
    n=st.integers(6, 50),
    k=st.integers(1, 8),
    whole=st.booleans(),
    gone=st.sampled_from([0.0, 0.3]),
    strategy=st.sampled_from(["balance", "extreme", 60.0, {1: 60}]),
    thin=st.booleans(),
    levels=st.integers(0, 2),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
def test_any_table(cls, seed, n, k, whole, gone, strategy, thin, levels):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 4, (n, 2)).astype(float), columns=["a", "b"])
    frame[rng.random(frame.shape) < gone] = np.nan
    for column in frame:
        frame.loc[0, column] = 1.0
    for j in range(levels):
        frame[f"level {j}"] = rng.choice(["x", "y"], n)
    y = rng.integers(0, 6, n) if whole else rng.random(n) * 5
    y[:2] = 0, 5
    sampler = cls(sampling_strategy=strategy, relevance=[[0, 0], [5, 1]])
    sampler.set_params(k_neighbors=k, under_sampling=thin, random_state=seed)
    X_res, y_res = sampler.fit_resample(frame, y)
    assert y_res.dtype == y.dtype
    assert np.isfinite(y_res).all()
    made = sampler.is_synthetic_
    kept = sampler.sample_indices_[~made]
    pd.testing.assert_frame_equal(X_res[~made], frame.iloc[kept].reset_index(drop=True))
    assert_array_equal(y_res[~made], y[kept])
    assert sampler.n_generated_[1] == sampler.sampling_strategy_.get(1, 0)
    assert made.sum() == sum(sampler.n_generated_.values())


# --- bad input, and in use ------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("y", "told"),
    [
        (np.full(160, 3.0), "y is constant: it is 3 in each of the 160 rows"),
        (np.arange(160.0), "no rare value: none has a relevance of threshold=0.8"),
        (np.where(np.arange(160) == 7, np.nan, 1.0), "contains NaN: row 7"),
        (np.where(np.arange(160) == 7, np.inf, 1.0), "infinity: row 7 has inf"),
        (np.where(np.arange(160) == 7, 1e200, 1.0), "Got 1e+200 in row 7; rescale"),
        (np.full(160, "2026-01-01", dtype="M8[D]"), "must hold numbers, and has"),
        (np.ones((160, 2)), "one number a row. Got shape (160, 2)"),
        (["ant"] * 160, "must hold numbers, and has 'ant'"),
        (np.arange(160) > 3, "must hold numbers, and has False"),
        (np.ones(160) * 1j, "Complex data not supported"),
        (None, "requires y"),
        ([], "y has no row"),
        (np.exp(np.arange(159.0) / 9), "inconsistent numbers of samples"),
    ],
)
def test_bad_targets(skewed, cls, y, told):
    X, _ = skewed
    with pytest.raises(ValueError, match=re.escape(told)):
        cls().fit_resample(X, y)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"sampling_strategy": "auto"}, "'sampling_strategy' parameter of SMOTER"),
        ({"sampling_strategy": 0.01}, "sampling_strategy=0.01 asks for"),
        ({"sampling_strategy": {7: 50}}, "names the target class 7"),
        ({"sampling_strategy": {0: 5}}, "5 samples are asked"),
        ({"threshold": 0}, "'threshold' parameter of SMOTER"),
        ({"tail": "upper"}, "'tail' parameter of SMOTER"),
        ({"relevance": [[-5, 1], [500, 1]]}, "has rare values only"),
        ({"k_neighbors": 0}, "'k_neighbors' parameter of SMOTER"),
    ],
)
def test_bad_parameters(skewed, parameters, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        SMOTER(**parameters).fit_resample(*skewed)


def test_nothing_to_make_is_told():
    X = np.arange(40.0)[:, None]
    sampler = SMOTER(relevance=[[0, 1], [30, 1], [39, 0]])
    with pytest.warns(SkoverfitWarning, match="No row was made"):
        X_res, _ = sampler.fit_resample(X, X[:, 0])
    assert_array_equal(X_res, X)


@BOTH
def test_in_a_pipeline_before_a_regressor(skewed, cls):
    X, y = skewed
    model = Pipeline([("more", cls(random_state=0)), ("ridge", Ridge())])
    model.fit(X, y, sample_weight=np.ones(160))
    by_hand = Ridge().fit(*cls(random_state=0).fit_resample(X, y))
    assert_allclose(model.predict(X), by_hand.predict(X))
    search = GridSearchCV(model, {"more__k_neighbors": [2, 5]}, cv=3).fit(X, y)
    assert search.best_params_["more__k_neighbors"] in (2, 5)
    linear = Pipeline([("more", cls(random_state=0)), ("fit", LinearRegression())])
    assert np.isfinite(cross_validate(linear, X, y, cv=3)["test_score"]).all()
