# SPDX-License-Identifier: BSD-3-Clause
"""Where nets start: at the shares of the classes, or as a fitted linear model."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

__all__ = ["class_shares_start", "logistic_start", "ridge_start"]


def class_shares_start(
    target: np.ndarray, weight: np.ndarray | None, n_classes: int
) -> np.ndarray:
    """Return logits of shape (n_classes,) whose softmax are the shares of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.neural_network._linear_start import class_shares_start
    >>> logits = class_shares_start(np.array([0, 0, 0, 1]), None, 2)
    >>> bool(np.isclose(np.exp(logits[0] - logits[1]), 3))
    True
    """
    shares = np.bincount(target, weight, minlength=n_classes)
    # A class that has no row here starts far below the others.
    logs = np.log(np.maximum(shares / shares.sum(), 1e-4))
    return logs - logs.mean()


def logistic_start(
    dense: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    n_classes: int,
    penalty: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a logistic regression; return slopes ``(d, n_classes)`` and the bias.

    Parameters
    ----------
    dense : ndarray of shape (n, d)
        Encoded rows.
    target : ndarray of int of shape (n,)
        Class codes.
    weight : ndarray of shape (n,) or None
        Sample weights.
    n_classes : int
        All classes; some may have no row here.
    penalty : float
        Inverse strength of the L2 regularization.
    """
    slope = np.zeros((dense.shape[1], n_classes))
    present = np.unique(target)
    if len(present) < 2:
        return slope, class_shares_start(target, weight, n_classes)
    model = LogisticRegression(C=penalty, max_iter=200, tol=1e-3)
    model.fit(dense, target, sample_weight=weight)
    if len(present) == 2:
        coef = np.vstack([-model.coef_, model.coef_]) / 2
        start = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        coef = model.coef_
        start = model.intercept_ - model.intercept_.mean()
    slope[:, present] = coef.T
    # A class without a row here starts far below the others.
    bias = np.full(n_classes, start.min() - 3.0)
    bias[present] = start
    return slope, bias


def ridge_start(
    dense: np.ndarray, target: np.ndarray, weight: np.ndarray | None, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a ridge regression; return slopes ``(d, n_outputs)`` and the bias.

    Parameters
    ----------
    dense : ndarray of shape (n, d)
        Encoded rows.
    target : ndarray of shape (n, n_outputs)
        Standardized values.
    weight : ndarray of shape (n,) or None
        Sample weights.
    penalty : float
        Inverse strength of the L2 regularization.
    """
    model = Ridge(alpha=1 / penalty).fit(dense, target, sample_weight=weight)
    return np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
