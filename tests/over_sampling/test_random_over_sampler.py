# SPDX-License-Identifier: BSD-3-Clause
"""RandomOverSampler: copies of any content, smoothed bootstrap of mixed tables."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from imblearn.over_sampling import RandomOverSampler as PeerSampler
from scipy.stats import ks_2samp

from skoverfit.over_sampling import RandomOverSampler

Y = np.array(["rare"] * 3 + ["often"] * 9)


def mixed(n=12):
    return pd.DataFrame(
        {
            "id": np.arange(n) + 2**60,
            "size": np.linspace(0, 1, n, dtype=np.float32),
            "job": ["cook", None, "smith"] * (n // 3),
            "day": pd.date_range("2020-01-01", periods=n, tz="Europe/Berlin"),
        }
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "objects", "list"])
def test_any_content_is_copied_as_it_is(kind):
    X = mixed()
    X.loc[0, "size"] = np.inf
    given = {
        "pandas": X,
        "polars": pl.from_pandas(X),
        "objects": X.to_numpy(dtype=object),
        "list": X.to_numpy(dtype=object).tolist(),
    }[kind]
    sampler = RandomOverSampler(random_state=0)
    out, y = sampler.fit_resample(given, Y)
    expected = X.iloc[sampler.sample_indices_].reset_index(drop=True)
    assert type(out) is type(given)
    if kind in ("objects", "list"):
        expected = expected.to_numpy(dtype=object)
        out = np.array(out, dtype=object)
        assert all(
            a is b or a == b or (a != a and b != b)
            for a, b in zip(out.ravel(), expected.ravel(), strict=True)
        )
    else:
        out = out if kind == "pandas" else out.to_pandas()
        expected = expected if kind == "pandas" else pl.from_pandas(expected)
        expected = expected if kind == "pandas" else expected.to_pandas()
        pd.testing.assert_frame_equal(out, expected)
    assert (y[12:] == "rare").all()
    assert (sampler.parents_[12:, 0] < 3).all()
    assert sampler.split_safe([0, 5])


def test_sparse_and_tensors_come_out_as_they_came_in():
    dense = np.eye(12, dtype=np.float32)
    for X in (sp.csr_matrix(dense), sp.csc_array(dense), torch.tensor(dense)):
        for shrinkage in (None, 0.5):
            sampler = RandomOverSampler(shrinkage=shrinkage, random_state=0)
            out, _ = sampler.fit_resample(X, Y)
            assert (type(out), out.dtype, tuple(out.shape)) == (
                *(type(X), X.dtype),
                (18, 12),
            )


def test_smoothing_keeps_nominal_cells_dtypes_and_originals():
    X = mixed()
    sampler = RandomOverSampler(shrinkage=1, random_state=0)
    out, _ = sampler.fit_resample(X, Y)
    pd.testing.assert_frame_equal(out[:12], X)
    assert out.dtypes.equals(X.dtypes)
    base = X.iloc[sampler.sample_indices_[12:]].reset_index(drop=True)
    made = out[12:].reset_index(drop=True)
    pd.testing.assert_series_equal(made["job"], base["job"])
    assert (made["size"] != base["size"]).all()
    assert (sampler.parents_[12:] == -1).all()
    assert sampler.shrinkage_ == {"rare": 1}


def test_missing_cells_stay_missing():
    X = np.random.default_rng(0).normal(size=(12, 2))
    X[1, 0] = np.nan
    sampler = RandomOverSampler(shrinkage=1, random_state=1)
    out, _ = sampler.fit_resample(X, Y)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(X[sampler.sample_indices_]))


@pytest.mark.parametrize("integer", ["stochastic", "round"])
def test_integers_are_not_truncated(integer):
    rng = np.random.default_rng(0)
    X = rng.integers(-3, 4, size=(2000, 1))
    y = np.repeat([0, 1], [1500, 500])
    sampler = RandomOverSampler(
        sampling_strategy={1: 20_500, 0: 1500},
        shrinkage=2,
        integer=integer,
        random_state=0,
    )
    out, _ = sampler.fit_resample(X, y)
    made = out[2000:, 0] - X[sampler.sample_indices_[2000:], 0]
    # The noise has a standard deviation below 1.5: 5 standard errors of the mean.
    assert abs(made.mean()) < 5 * 1.5 / np.sqrt(20_000)


def test_smoothing_has_the_law_of_imbalanced_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)) * [1, 5]
    y = np.repeat([0, 1], [45, 15])
    arguments = {"sampling_strategy": {0: 45, 1: 4015}, "shrinkage": 1.5}
    ours = RandomOverSampler(**arguments, random_state=1).fit_resample(X, y)[0][60:]
    peer = PeerSampler(**arguments, random_state=2).fit_resample(X, y)[0][60:]
    for j in range(2):
        assert ks_2samp(ours[:, j], peer[:, j]).pvalue > 1e-3


def test_a_class_more_leaves_the_draws_of_the_others():
    X = np.arange(24.0).reshape(12, 2)
    y = np.array([0, 0, 1, 1, 1, *[2] * 7])
    everybody = RandomOverSampler(random_state=3)
    everybody.fit_resample(X, y)
    without = RandomOverSampler(random_state=3)
    without.fit_resample(X[2:], y[2:])
    made = everybody.sample_indices_[12:]
    assert made[y[made] == 1].tolist() == (without.sample_indices_[10:] + 2).tolist()


def test_rows_are_drawn_by_weight_and_weigh_the_mean():
    X, w = np.arange(12.0).reshape(-1, 1), np.ones(12)
    w[:3] = [0, 1, 3]
    sampler = RandomOverSampler(
        sampling_strategy={"rare": 4003, "often": 9}, random_state=0
    )
    sampler.fit_resample(X, Y, sample_weight=w, groups=np.arange(12) % 4)
    counts = np.bincount(sampler.sample_indices_[12:], minlength=3)
    assert counts[0] == 0
    assert abs(counts[2] / 4000 - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 4000)
    np.testing.assert_allclose(sampler.sample_weight_[12:], 4 / 3)
    np.testing.assert_array_equal(sampler.groups_, sampler.sample_indices_ % 4)


def test_an_infinite_value_can_not_be_smoothed():
    X = np.ones((12, 1))
    X[4] = np.inf
    with pytest.raises(ValueError, match="infinity: column 0 has inf in row 4"):
        RandomOverSampler(shrinkage=1).fit_resample(X, Y)
