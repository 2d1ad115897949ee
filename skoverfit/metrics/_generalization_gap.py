# SPDX-License-Identifier: BSD-3-Clause
"""How much better a model scores on its training rows."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._statistics import corrected_mean_interval

__all__ = ["GeneralizationGap", "generalization_gap"]


@dataclass(frozen=True)
class GeneralizationGap:
    """Result of :func:`generalization_gap`; its attributes are described there."""

    gap: float
    lower: float
    upper: float
    train_score: float
    test_score: float
    relative_gap: float | None
    n_folds: int


@validate_params(
    {
        "train_scores": ["array-like"],
        "test_scores": ["array-like"],
        "n_train": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "n_test": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "dummy_score": [Real, None],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def generalization_gap(
    train_scores: ArrayLike,
    test_scores: ArrayLike,
    n_train: int | ArrayLike,
    n_test: int | ArrayLike,
    *,
    dummy_score: float | None = None,
    confidence: float = 0.95,
) -> GeneralizationGap:
    """Estimate the gap between training and test score over cross-validation folds.

    A gap alone is no harm: nearest neighbours and forests always show one. Read it
    beside what a simpler model reaches on the test rows.

    Parameters
    ----------
    train_scores : array-like of shape (n_folds,)
        Score of each fold's model on its own training rows; higher is better.
    test_scores : array-like of shape (n_folds,)
        Score of the same models on their test rows.
    n_train : int or array-like of shape (n_folds,)
        Rows trained on in a fold.
    n_test : int or array-like of shape (n_folds,)
        Rows tested in a fold.
    dummy_score : float, default=None
        Score of a model without features, for ``relative_gap``.
    confidence : float, default=0.95
        Level of the interval.

    Returns
    -------
    GeneralizationGap
        Frozen dataclass with the attributes

        - ``gap``: mean of training score minus test score;
        - ``lower``, ``upper``: its interval, corrected for the overlap of the
          training sets [1]_; infinite with one fold;
        - ``train_score``, ``test_score``: the means;
        - ``relative_gap``: gap / (training score - ``dummy_score``), the share of
          the apparent gain that is lost on new rows; None without ``dummy_score``,
          and where the training score does not exceed it, since then there is no
          gain to lose;
        - ``n_folds``.

    Raises
    ------
    ValueError
        If the score vectors differ in length, are empty or not finite.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). "Inference for the generalization error".
       Machine Learning 52, 239-281.

    Examples
    --------
    >>> from skoverfit.metrics import generalization_gap
    >>> result = generalization_gap([1.0, 1.0, 1.0], [0.8, 0.7, 0.9], 100, 50,
    ...                             dummy_score=0.5)
    >>> round(result.gap, 3), round(result.relative_gap, 3)
    (0.2, 0.4)
    >>> round(result.lower, 3), round(result.upper, 3)
    (-0.193, 0.593)
    """
    train = _score_vector(train_scores, "train_scores")
    test = _score_vector(test_scores, "test_scores")
    if train.size != test.size:
        raise ValueError(
            f"train_scores has {train.size} folds, but test_scores has {test.size}."
        )
    trained = _row_count(n_train, train.size, "n_train")
    tested = _row_count(n_test, train.size, "n_test")
    if dummy_score is not None and not np.isfinite(dummy_score):
        raise ValueError(f"dummy_score must be finite. Got {dummy_score!r}.")
    gap, lower, upper = corrected_mean_interval(
        train - test, test_train_ratio=tested / trained, confidence=confidence
    )
    relative = None
    if dummy_score is not None and train.mean() > dummy_score:
        relative = gap / (float(train.mean()) - float(dummy_score))
    return GeneralizationGap(
        gap=gap,
        lower=lower,
        upper=upper,
        train_score=float(train.mean()),
        test_score=float(test.mean()),
        relative_gap=relative,
        n_folds=train.size,
    )


def _score_vector(values: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (n_folds,). Got {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains NaN or infinity.")
    return array


def _row_count(values: int | ArrayLike, n_folds: int, name: str) -> float:
    """Mean number of rows of a fold."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (n_folds,)):
        raise ValueError(
            f"{name} must be a number or have shape ({n_folds},). Got {array.shape}."
        )
    if not np.all(np.isfinite(array)) or np.any(array <= 0):
        raise ValueError(f"{name} must be finite and positive.")
    return float(array.mean())
