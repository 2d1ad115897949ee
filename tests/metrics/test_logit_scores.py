# SPDX-License-Identifier: BSD-3-Clause
"""Scores of logits and of sampled answers."""

import numpy as np
import pytest

from skoverfit.metrics import (
    abnormal_adversarial_rate,
    pass_at_n_score,
    softmax_collapse_rate,
)


@pytest.mark.parametrize(
    ("dtype", "threshold"), [("float16", 7.6), ("float32", 16.6), ("float64", 36.7)]
)
def test_the_softmax_collapses_at_the_thresholds_of_its_dtype(dtype, threshold):
    below, above = 0.95 * threshold, 1.1 * threshold
    logits = np.array([[below, 0.0], [0.0, above], [0.0, -above]])
    assert softmax_collapse_rate([0, 1, 1], logits, dtype=dtype) == pytest.approx(1 / 3)


def test_no_collapse_at_one_and_all_at_fifty():
    ones = np.eye(3, dtype="float32")
    assert softmax_collapse_rate([0, 1, 2], ones) == 0
    assert softmax_collapse_rate([0, 1, 2], 50 * ones) == 1
    assert softmax_collapse_rate([0, 1, 2], 30 * ones.astype("float64")) == 0


def test_collapse_uses_weights_labels_and_one_column():
    logits = np.array([-50.0, 50.0, 0.0])
    found = softmax_collapse_rate(["n", "y", "y"], logits, sample_weight=[1, 1, 2])
    assert found == 0.5
    assert softmax_collapse_rate([1], [[0.0, 50.0]], labels=[0, 1]) == 1


def test_bad_logits_are_refused():
    with pytest.raises(ValueError, match="too large for dtype='float16'"):
        softmax_collapse_rate([0, 1], [[1e6, 0], [0, 1.0]], dtype="float16")
    with pytest.raises(ValueError, match="logits contains infinity"):
        softmax_collapse_rate([0, 1], [[np.inf, 0], [0, 1.0]])
    with pytest.raises(ValueError, match="scores of 3"):
        softmax_collapse_rate(["a", "b"], np.zeros((2, 3)))


def test_abnormal_rows_are_those_whose_loss_fell():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1, 2], 20)
    before, after = rng.normal(size=(2, 60, 3))
    assert abnormal_adversarial_rate(y, before, before) == 0

    def loss(z):
        return np.logaddexp.reduce(z, axis=1) - z[np.arange(60), y]

    wanted = np.mean(loss(before) > loss(after))
    assert abnormal_adversarial_rate(y, before, after) == wanted
    with pytest.raises(ValueError, match="attacked_logits"):
        abnormal_adversarial_rate(y, before, after[:30])


def test_pass_at_n_is_monotone_and_known_where_it_is_known():
    rng = np.random.default_rng(0)
    prob = rng.dirichlet(np.ones(4), size=50)
    y = np.arange(50) % 4
    scores = [pass_at_n_score(y, prob, n) for n in (1, 2, 5, 100)]
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(prob[np.arange(50), y].mean())
    alike = np.full((50, 4), 0.25)
    for n in (1, 3, 16):
        assert pass_at_n_score(y, alike, n) == pytest.approx(1 - 0.75**n)
    sure = np.eye(4)[(y + 1) % 4]
    assert pass_at_n_score(y, sure, 1000) == 0
    assert pass_at_n_score(y, np.eye(4)[y], 1000) == 1


def test_pass_at_n_is_what_sampling_gives():
    rng = np.random.default_rng(1)
    prob, y = rng.dirichlet(np.ones(3), size=30), np.arange(30) % 3
    draws = np.array([rng.choice(3, size=(2000, 4), p=p) for p in prob])
    passed = (draws == y[:, None, None]).any(axis=2).mean(axis=1)
    error = np.sqrt((passed * (1 - passed) / 2000).sum()) / 30
    assert abs(passed.mean() - pass_at_n_score(y, prob, 4)) < 4 * error + 1e-12


@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_n_below_one_is_refused(bad):
    with pytest.raises(ValueError, match="'n' parameter of pass_at_n_score"):
        pass_at_n_score([0, 1], [0.2, 0.8], bad)
