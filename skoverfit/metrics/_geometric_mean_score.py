# SPDX-License-Identifier: BSD-3-Clause
"""Geometric mean of the recalls."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit.metrics._inputs import recall_counts

__all__ = ["geometric_mean_score"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
        "smoothing": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def geometric_mean_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    smoothing: float = 0.0,
) -> float:
    """Compute the geometric mean of the recalls of all classes.

    One class that is never found makes it 0, whatever the others do; so it is
    stricter than balanced accuracy, the arithmetic mean, and never above it (without
    ``smoothing``).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_classes,), default=None
        All classes. None: the values of ``y_true`` and ``y_pred``.
    sample_weight : array-like of shape (n_samples,), default=None
        Integer weights equal repeated rows.
    smoothing : float, default=0.0
        Rows s added to the hits and to the misses of each class: recall
        (hits + s) / (rows + 2 s). With s > 0 the score is never 0, which helps where
        a class has few rows.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the inputs don't fit together or a label is not in ``labels``.

    Warns
    -----
    SkoverfitWarning
        If a class has no row in ``y_true``; the mean is over the others.

    See Also
    --------
    imblearn.metrics.geometric_mean_score : The same at its ``correction=0``; its
        ``correction`` replaces recalls of 0 only.

    References
    ----------
    M. Kubat and S. Matwin (1997). "Addressing the curse of imbalanced training sets:
    one-sided selection". ICML, 179-186.

    Examples
    --------
    >>> from skoverfit.metrics import geometric_mean_score
    >>> geometric_mean_score(["a", "a", "a", "a", "b"], ["a", "a", "a", "b", "a"])
    0.0
    >>> round(geometric_mean_score([0, 0, 0, 0, 1], [0, 0, 0, 1, 1]), 4)
    0.866
    """
    hits, totals = recall_counts(y_true, y_pred, labels, sample_weight)
    recalls = (hits + smoothing) / (totals + 2.0 * smoothing)
    if np.any(recalls == 0.0):
        return 0.0
    # By logarithms: the product of a thousand recalls would underflow.
    return float(np.exp(np.mean(np.log(recalls))))
