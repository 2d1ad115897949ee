# SPDX-License-Identifier: BSD-3-Clause
"""Scores by which remedies tune on inner folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_regressor

__all__ = ["inner_scoring", "negative_log_loss"]


def inner_scoring(estimator: BaseEstimator) -> str | Callable[..., float]:
    """Return the score by which settings of this estimator are chosen."""
    if is_regressor(estimator):
        return "neg_mean_squared_error"
    if not hasattr(estimator, "predict_proba"):
        return "balanced_accuracy"
    return negative_log_loss


def negative_log_loss(estimator: BaseEstimator, X: Any, y: np.ndarray) -> float:
    """Score probabilities, also where an inner fold lacks a class in training.

    They are clipped at 1e-4, so that one row which a small inner fold makes impossible
    does not choose a setting alone.
    """
    proba = estimator.predict_proba(X)
    column = np.searchsorted(estimator.classes_, y)
    column[column == len(estimator.classes_)] = 0
    known = estimator.classes_[column] == y
    given = np.where(known, proba[np.arange(len(y)), column], 0.0)
    return float(np.mean(np.log(np.clip(given, 1e-4, 1.0))))
