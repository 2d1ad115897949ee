"""Scores of predicted labels: geometric mean and balanced accuracy."""

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score as imblearn_score
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.metrics import balanced_accuracy_interval, geometric_mean_score


def make(seed, n=120, n_classes=3):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n)])
    wrong = rng.uniform(size=y.size) < 0.3
    return y, np.where(wrong, rng.integers(n_classes, size=y.size), y)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("weighted", [False, True])
def test_geometric_mean_agrees_with_imbalanced_learn(seed, n_classes, weighted):
    y, p = make(seed, n_classes=n_classes)
    w = np.random.default_rng(seed).uniform(size=y.size) if weighted else None
    reference = imblearn_score(
        y, p, average="multiclass", correction=0.0, sample_weight=w
    )
    found = geometric_mean_score(y, p, sample_weight=w)
    assert found == pytest.approx(reference, abs=1e-12)
    assert found <= balanced_accuracy_score(y, p, sample_weight=w) + 1e-12


def test_geometric_mean_zero_and_smoothing():
    y, p = [0] * 8 + [1] * 2, [0] * 10
    assert geometric_mean_score(y, p) == 0.0
    # (8 + 1) / (8 + 2) and (0 + 1) / (2 + 2)
    expected = np.sqrt(0.9 * 0.25)
    assert geometric_mean_score(y, p, smoothing=1) == pytest.approx(expected)


def test_geometric_mean_of_many_classes_does_not_underflow():
    y = np.repeat(np.arange(2000), 2)
    p = y.copy()
    p[::2] = (p[::2] + 1) % 2000
    assert geometric_mean_score(y, p) == pytest.approx(0.5)


@pytest.mark.parametrize("score", [geometric_mean_score, balanced_accuracy_interval])
def test_common_behaviour(score):
    y, p = make(4)
    names = np.array(["x", "yy", "zzz"])
    assert score(names[y], names[p]) == score(y, p)
    w = np.random.default_rng(4).integers(0, 4, size=y.size)
    assert score(y, p, sample_weight=w) == pytest.approx(
        score(np.repeat(y, w), np.repeat(p, w)), abs=1e-9
    )
    kept = y != 1
    with pytest.warns(SkoverfitWarning, match="no row of class 1") as caught:
        without = score(y[kept], p[kept])
    assert caught[0].filename == __file__
    # A class that isn't there is like any other wrong answer.
    assert without == score(y[kept], np.where(p[kept] == 1, 2 - y[kept], p[kept]))
    with pytest.warns(SkoverfitWarning, match="no row of class 7"):
        assert score(y, p, labels=[0, 1, 2, 7]) == score(y, p)


@pytest.mark.parametrize("score", [geometric_mean_score, balanced_accuracy_interval])
@pytest.mark.parametrize(
    ("y", "p", "options", "message"),
    [
        ([0, 1], [0], {}, "2 rows, but y_pred has 1"),
        ([], [], {}, "empty"),
        ([0, 1], ["a", "b"], {}, "different types"),
        ([0, 1], [0, 2], {"labels": [0, 1]}, "y_pred has a class"),
        ([0, 1], [0, np.nan], {}, "y_pred contains NaN"),
    ],
)
def test_bad_input_is_named(score, y, p, options, message):
    with pytest.raises(ValueError, match=message):
        score(y, p, **options)


@pytest.mark.parametrize("method", ["beta", "normal"])
def test_balanced_accuracy_agrees_with_scikit_learn(method):
    y, p = make(5)
    score, lower, upper = balanced_accuracy_interval(y, p, method=method)
    assert score == pytest.approx(balanced_accuracy_score(y, p))
    assert lower < score < upper
    adjusted = balanced_accuracy_interval(y, p, method=method, adjusted=True)
    assert adjusted[0] == pytest.approx(balanced_accuracy_score(y, p, adjusted=True))
    assert adjusted == pytest.approx([1.5 * v - 0.5 for v in (score, lower, upper)])


@pytest.mark.parametrize("counts", [[(3, 1), (8, 4)], [(900, 100), (2, 1), (0, 5)]])
def test_posterior_agrees_with_simulation(counts):
    y = np.concatenate([np.full(h + m, k) for k, (h, m) in enumerate(counts)])
    p = np.concatenate([[k] * h + [(k + 1) % 2] * m for k, (h, m) in enumerate(counts)])
    _, lower, upper = balanced_accuracy_interval(y, p, confidence=0.9)
    rng = np.random.default_rng(0)
    draws = np.mean([rng.beta(h + 1, m + 1, 400_000) for h, m in counts], axis=0)
    # The level of an estimated 5 % quantile has a standard error of .00034.
    assert np.mean(draws < lower) == pytest.approx(0.05, abs=0.0015)
    assert np.mean(draws > upper) == pytest.approx(0.05, abs=0.0015)


def test_many_classes_agree_with_the_exact_moments():
    y = np.repeat(np.arange(300), 50)
    p = np.where(np.tile(np.arange(50) < 40, 300), y, (y + 1) % 300)
    _, lower, upper = balanced_accuracy_interval(y, p)
    # The exact moments of Beta(41, 11) with Cornish and Fisher's term for skewness.
    mean, variance, skewness = stats.beta(41, 11).stats("mvs")
    z = stats.norm.ppf(0.025)
    quantile = z + (z**2 - 1) / 6 * skewness / np.sqrt(300)
    assert lower == pytest.approx(mean + quantile * np.sqrt(variance / 300), abs=2e-6)
    # The flat prior has pulled the whole posterior below the score, 0.8.
    assert upper == pytest.approx(0.8)


def test_single_class_is_the_beta_interval():
    with pytest.warns(SkoverfitWarning, match="no row of class 1"):
        found = balanced_accuracy_interval([0] * 10, [0] * 9 + [1])
    assert found[1:] == pytest.approx(stats.beta(10, 2).ppf([0.025, 0.975]))
    with (
        pytest.warns(SkoverfitWarning, match="no row of class 1"),
        pytest.raises(ValueError, match="two classes"),
    ):
        balanced_accuracy_interval([0, 0], [0, 1], adjusted=True)


def test_a_perfect_score_lies_in_its_interval():
    y = [0] * 20 + [1] * 3
    score, lower, upper = balanced_accuracy_interval(y, y)
    assert score == upper == 1.0
    assert lower < 0.9
    assert balanced_accuracy_interval(y, y, method="normal") == (1.0, 1.0, 1.0)


def test_beta_interval_covers():
    """About 95 % of the intervals hold the true mean recall, with few rows."""
    rng, recalls, sizes, n_runs = np.random.default_rng(0), (0.9, 0.7), (200, 12), 600
    y = np.repeat([0, 1], sizes)
    right = rng.uniform(size=(n_runs, y.size)) < np.repeat(recalls, sizes)
    covered = 0
    for row in right:
        _, lower, upper = balanced_accuracy_interval(y, np.where(row, y, 1 - y))
        covered += lower <= 0.8 <= upper
    # 4 standard errors of .95 in 600 runs are .036.
    assert covered / n_runs > 0.914
