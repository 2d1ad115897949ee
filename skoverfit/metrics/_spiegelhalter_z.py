# SPDX-License-Identifier: BSD-3-Clause
"""Test of calibration without bins."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import validate_params

from skoverfit.metrics._inputs import binary_inputs

__all__ = ["spiegelhalter_z"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_prob": ["array-like"],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def spiegelhalter_z(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute Spiegelhalter's z-statistic of the calibration of two classes.

    If the probabilities are calibrated it is close to a standard normal variable: the
    two-sided p-value is ``2 * scipy.stats.norm.sf(abs(z))``. Positive values mean
    that the Brier score is worse than the forecasts themselves promise
    (over-confidence), negative ones that it is better.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes: numbers or strings.
    y_prob : array-like of shape (n_samples,) or (n_samples, 2)
        Probabilities; one-dimensional: of the second class.
    labels : array-like of shape (2,), default=None
        The two classes, in the order of the columns. None: the sorted values of
        ``y_true``.
    sample_weight : array-like of shape (n_samples,), default=None
        Numbers of repetitions: integer weights equal repeated rows, and doubling all
        of them raises z by sqrt(2).

    Returns
    -------
    float
        The sum of (y - p)(1 - 2 p) over sqrt(sum (1 - 2 p)^2 p (1 - p)). Where no
        forecast leaves room for chance (all are 0, 1/2 or 1) it is 0 if none of the
        certain ones is wrong, else infinite.

    Raises
    ------
    ValueError
        For other than two classes and for values that are no probabilities.

    Warns
    -----
    SkoverfitWarning
        If column numbers had to be assumed.

    References
    ----------
    D. J. Spiegelhalter (1986). "Probabilistic prediction in patient management and
    clinical trials". Statistics in Medicine 5, 421-433.

    Examples
    --------
    >>> from skoverfit.metrics import spiegelhalter_z
    >>> round(spiegelhalter_z([0, 1, 1, 0], [0.05, 0.9, 0.1, 0.8]), 3)
    2.339
    """
    y, p, w = binary_inputs(y_true, y_prob, labels, sample_weight, "spiegelhalter_z")
    lever = 1.0 - 2.0 * p
    excess = float(np.sum(w * (y - p) * lever))
    variance = float(np.sum(w * lever**2 * p * (1.0 - p)))
    if variance > 0.0:
        return excess / math.sqrt(variance)
    return 0.0 if excess == 0.0 else math.copysign(math.inf, excess)
