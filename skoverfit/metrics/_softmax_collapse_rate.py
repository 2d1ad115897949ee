# SPDX-License-Identifier: BSD-3-Clause
"""Share of rows whose loss rounds to zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions, validate_params

from skoverfit.metrics._inputs import as_weights
from skoverfit.metrics._logit_inputs import cross_entropies, logit_inputs

__all__ = ["softmax_collapse_rate"]


@validate_params(
    {
        "y_true": ["array-like"],
        "logits": ["array-like"],
        "dtype": [StrOptions({"float16", "float32", "float64"}), None],
        "labels": ["array-like", None],
        "sample_weight": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def softmax_collapse_rate(
    y_true: ArrayLike,
    logits: ArrayLike,
    *,
    dtype: str | None = None,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the share of rows whose cross-entropy is exactly zero in a dtype.

    Once the right logit is far enough above the others (about 16.6 in float32, 7.6 in
    float16, 36.7 in float64), the softmax rounds to 0 and 1 and the row no longer has
    a gradient of its true class. A net that is stuck at perfect training accuracy with
    a rate near 1 can't learn on; StableMax, weight decay or a wider dtype can.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers or strings.
    logits : array-like of shape (n_samples, n_classes) or (n_samples,)
        What the net returns before the softmax; one column is the logit of the second
        of two classes.
    dtype : {"float16", "float32", "float64"}, default=None
        Arithmetic of the training; None: that of the logits.
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
        If the inputs don't fit together or contain NaN or infinity, also after the
        logits were rounded to ``dtype``.

    References
    ----------
    Prieto, Barsbey, Mediano & Birdal (2025), "Grokking at the Edge of Numerical
    Stability", ICLR, arXiv:2501.04697.

    Examples
    --------
    >>> from skoverfit.metrics import softmax_collapse_rate
    >>> logits = [[20.0, 0.0], [0.0, 1.0]]
    >>> softmax_collapse_rate([0, 1], logits, dtype="float32")
    0.5
    >>> softmax_collapse_rate([0, 1], logits, dtype="float64")
    0.0
    """
    codes, table = logit_inputs(y_true, logits, labels, "logits")
    if dtype is not None:
        with np.errstate(over="ignore"):
            table = table.astype(dtype)
        if np.isinf(table).any():
            raise ValueError(f"logits are too large for dtype={dtype!r}.")
    weights = as_weights(sample_weight, len(codes))
    return float(np.average(cross_entropies(codes, table) == 0, weights=weights))
