# SPDX-License-Identifier: BSD-3-Clause
"""RandomUnderSampler: rows of any content are kept as they are."""

import numpy as np
import pandas as pd
import pytest

from skoverfit.under_sampling import RandomUnderSampler

Y = np.array([0] * 3 + [1] * 9)


def test_rows_are_kept_as_they_are():
    X = pd.DataFrame(
        {"day": pd.date_range("2020", periods=12, tz="UTC"), "job": ["a", None] * 6}
    )
    sampler = RandomUnderSampler(random_state=0)
    out, y = sampler.fit_resample(X, Y, groups=np.arange(12))
    rows = sampler.sample_indices_
    pd.testing.assert_frame_equal(out, X.iloc[rows].reset_index(drop=True))
    assert np.bincount(y).tolist() == [3, 3]
    assert len(set(rows)) == 6
    assert not sampler.is_synthetic_.any()
    assert sampler.groups_.tolist() == rows.tolist()
    assert sampler.sample_weight_ is None


def test_replacement_keeps_rows_twice():
    sampler = RandomUnderSampler(
        sampling_strategy={1: 9}, replacement=True, random_state=0
    )
    sampler.fit_resample(np.ones((12, 1)), Y)
    assert len(set(sampler.sample_indices_[3:])) < 9


@pytest.mark.parametrize("draw", ["uniform", "weight"])
def test_weights_are_carried_or_drawn_by(draw):
    w = np.r_[1.0, 2.0, 3.0, 0.0, 1.0, 9 * np.ones(7)]
    drawn = np.zeros(12)
    for seed in range(200):
        sampler = RandomUnderSampler(draw=draw, random_state=seed)
        sampler.fit_resample(np.ones((12, 1)), Y, sample_weight=w)
        rows = sampler.sample_indices_
        drawn += np.bincount(rows, minlength=12)
        expected = np.where(Y[rows] == 0, w[rows], w[3:].mean())
        expected = w[rows] if draw == "uniform" else expected
        np.testing.assert_allclose(sampler.sample_weight_, expected)
    assert (drawn[3] == 0) == (draw == "weight")


def test_too_few_rows_with_weight_are_named():
    w = np.r_[1.0, 1.0, 1.0, 1.0, np.zeros(8)]
    with pytest.raises(ValueError, match="Class 1 has 1 rows with a positive"):
        RandomUnderSampler(draw="weight").fit_resample(
            np.ones((12, 1)), Y, sample_weight=w
        )
