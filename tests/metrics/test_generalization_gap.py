"""The gap between training and test scores."""

import numpy as np
import pytest
from scipy import stats

from skoverfit.metrics import generalization_gap


def test_by_formula():
    rng = np.random.default_rng(0)
    train, test = rng.uniform(0.9, 1, 10), rng.uniform(0.6, 0.8, 10)
    result = generalization_gap(train, test, 80, 20, dummy_score=0.5, confidence=0.9)
    d = train - test
    error = np.sqrt((1 / 10 + 20 / 80) * d.var(ddof=1))
    ends = stats.t(9, loc=d.mean(), scale=error).ppf([0.05, 0.95])
    assert result.gap == pytest.approx(d.mean())
    assert (result.lower, result.upper) == pytest.approx(tuple(ends))
    assert result.relative_gap == pytest.approx(d.mean() / (train.mean() - 0.5))
    assert (result.train_score, result.test_score) == (train.mean(), test.mean())
    assert result.n_folds == 10


def test_row_counts_may_differ_between_folds():
    scores = ([1.0, 0.9, 1.0], [0.7, 0.8, 0.9])
    assert generalization_gap(*scores, [66, 67, 67], [34, 33, 33]) == (
        generalization_gap(*scores, 200 / 3, 100 / 3)
    )


def test_relative_gap_needs_a_gain():
    assert generalization_gap([0.9], [0.8], 50, 50).relative_gap is None
    low = generalization_gap([0.4, 0.5], [0.4, 0.3], 50, 50, dummy_score=0.5)
    assert low.relative_gap is None
    assert low.gap == pytest.approx(0.1)


def test_one_fold_has_an_infinite_interval():
    result = generalization_gap([0.9], [0.8], 50, 50)
    assert (result.lower, result.upper) == (-np.inf, np.inf)
    assert result.gap == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("train", "test", "rows", "options", "message"),
    [
        ([1.0, 1.0], [1.0], (10, 5), {}, "2 folds, but test_scores has 1"),
        ([1.0, np.nan], [1.0, 1.0], (10, 5), {}, "train_scores contains NaN"),
        ([], [], (10, 5), {}, "train_scores must have shape"),
        ([1.0], [1.0], (0, 5), {}, "n_train"),
        ([1.0, 0.9], [1.0, 0.8], (10, [5, 0]), {}, "n_test must be finite"),
        ([1.0, 0.9], [1.0, 0.8], (10, [5]), {}, r"n_test must be a number or"),
        ([1.0], [1.0], (10, 5), {"dummy_score": np.nan}, "dummy_score"),
        ([1.0], [1.0], (10, 5), {"confidence": 95}, "confidence"),
    ],
)
def test_bad_input_is_named(train, test, rows, options, message):
    with pytest.raises(ValueError, match=message):
        generalization_gap(train, test, *rows, **options)
