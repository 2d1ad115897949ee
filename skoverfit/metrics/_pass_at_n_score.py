# SPDX-License-Identifier: BSD-3-Clause
"""Probability that one of N sampled answers is right."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit.metrics._inputs import probability_inputs

__all__ = ["pass_at_n_score"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_prob": ["array-like"],
        "n": [Interval(Integral, 1, None, closed="left")],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def pass_at_n_score(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    n: int = 1,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the mean probability that one of ``n`` sampled answers is right.

    ``mean(1 - (1 - p) ** n)``, where p is the probability of the true class. It asks
    for diversity: a model that is surely wrong never passes, however often it is
    asked.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    y_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; one column is that of the second of two classes.
    n : int, default=1
        Answers that are drawn, independently.
    labels : array-like of shape (n_classes,), default=None
        Class of each column. None: the sorted values of ``y_true``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If ``n`` is below 1 or the inputs don't fit together.

    References
    ----------
    Chen, Raventos, Cheng, Ganguli & Druckmann (2025), "Rethinking Fine-Tuning when
    Scaling Test-Time Compute: Limiting Confidence Improves Mathematical Reasoning",
    NeurIPS, arXiv:2502.07154.

    Examples
    --------
    >>> from skoverfit.metrics import pass_at_n_score
    >>> prob = [[0.5, 0.5], [1.0, 0.0]]
    >>> pass_at_n_score([0, 1], prob), pass_at_n_score([0, 1], prob, 2)
    (0.25, 0.375)
    """
    codes, prob, weights = probability_inputs(y_true, y_prob, labels, sample_weight)
    own = prob[np.arange(len(codes)), codes]
    with np.errstate(divide="ignore"):
        passed = -np.expm1(n * np.log1p(-own))
    return float(np.average(passed, weights=weights))
