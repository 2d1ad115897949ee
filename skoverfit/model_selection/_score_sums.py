# SPDX-License-Identifier: BSD-3-Clause
"""Scores that follow from sums over rows or from ranks, for many weightings at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

__all__ = ["SumRule", "mean_of_known", "rank_rule", "sum_rule"]

Finish = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SumRule:
    """How a score follows from sums over rows.

    Parameters
    ----------
    rows : callable
        ``rows(y, predictions)``: what is summed, of shape (n_rows, n_sums).
    finish : callable
        Weighted sums of shape (..., n_sums) -> scores of shape (...).
    """

    rows: Callable[[np.ndarray, np.ndarray], np.ndarray]
    finish: Finish


def sum_rule(
    function: Any,
    options: Mapping[str, Any],
    classes: np.ndarray | None,
    *,
    from_labels: bool,
) -> SumRule | None:
    """Return how this function of scikit-learn follows from sums; None if unknown.

    Parameters
    ----------
    function : callable or None
        Of a scorer.
    options : mapping
        Its arguments.
    classes : ndarray of shape (n_classes,) or None
        The labels; None for a regressor.
    from_labels : bool
        Whether it gets predicted labels.

    Returns
    -------
    SumRule or None
        Higher is better.
    """
    if classes is None:
        return None if options else _REGRESSION.get(function)
    k = len(classes)
    if from_labels:
        finish = _confusion_score(function, options, classes)
        if finish is None:
            return None
        return SumRule(
            lambda y, given: np.eye(k * k)[y * k + given],
            lambda sums: finish(sums.reshape(*sums.shape[:-1], k, k)),
        )
    if function is log_loss and not options:
        return SumRule(_log_losses, _minus_mean)
    if function is brier_score_loss and k == 2 and not options:
        return SumRule(_brier_rows, _minus_mean)
    return None


def rank_rule(
    function: Any, options: Mapping[str, Any], classes: np.ndarray | None
) -> Finish | None:
    """Return the function of hits and misses in order of the score; None if unknown.

    Parameters
    ----------
    function : callable or None
        Of a scorer.
    options : mapping
        Its arguments.
    classes : ndarray of shape (n_classes,) or None
        The labels; None for a regressor.

    Returns
    -------
    callable or None
        Takes (2, n_draws, n_levels), the highest level first.
    """
    if classes is None or len(classes) != 2 or options:
        return None
    known: dict[Any, Finish] = {
        roc_auc_score: _auc,
        average_precision_score: _precision,
    }
    return known.get(function)


def mean_of_known(scores: np.ndarray) -> np.ndarray:
    """Average over folds or repeats that have a score; NaN where none has."""
    there = np.isfinite(scores)
    total = np.where(there, scores, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / there.sum(axis=1))


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)


def _with_ones(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, np.ones(len(values))])


def _minus_mean(sums: np.ndarray) -> np.ndarray:
    return -_divide(sums[..., 0], sums[..., 1])


def _log_losses(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    # As scikit-learn's log_loss: clipped by the precision, rows that sum to one.
    eps = np.finfo(proba.dtype).eps
    proba = np.clip(proba, eps, 1 - eps)
    proba = proba / proba.sum(axis=1, keepdims=True)
    return _with_ones(-np.log(proba[np.arange(len(y)), y]))


def _brier_rows(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    return _with_ones((y - proba[:, 1]) ** 2)


def _r2(sums: np.ndarray) -> np.ndarray:
    squared, own, square, n = np.moveaxis(sums, -1, 0)
    spread = square - _divide(own**2, n)
    spread = np.where(spread > 1e-12 * np.abs(square), spread, np.nan)
    return 1.0 - _divide(squared, spread)


_REGRESSION: dict[Any, SumRule] = {
    r2_score: SumRule(
        lambda y, given: np.column_stack([(y - given) ** 2, y, y**2, np.ones(len(y))]),
        _r2,
    ),
    mean_squared_error: SumRule(
        lambda y, given: _with_ones((y - given) ** 2), _minus_mean
    ),
    mean_absolute_error: SumRule(
        lambda y, given: _with_ones(np.abs(y - given)), _minus_mean
    ),
    root_mean_squared_error: SumRule(
        lambda y, given: _with_ones((y - given) ** 2),
        lambda sums: -np.sqrt(-_minus_mean(sums)),
    ),
}


def _confusion_score(
    function: Any, options: Mapping[str, Any], classes: np.ndarray
) -> Finish | None:
    """Return the score of confusion matrices (..., n_classes, n_classes)."""
    if function is accuracy_score and not options:
        return lambda m: _divide(np.trace(m, axis1=-2, axis2=-1), m.sum(axis=(-2, -1)))
    if function is balanced_accuracy_score and not options:

        def balanced(m: np.ndarray) -> np.ndarray:
            hits = np.diagonal(m, axis1=-2, axis2=-1)
            recall = _divide(hits, m.sum(axis=-1))
            # As scikit-learn: the mean over the classes that there are.
            there = np.isfinite(recall)
            return _divide(np.where(there, recall, 0).sum(axis=-1), there.sum(axis=-1))

        return balanced
    average = options.get("average", "binary")
    if function is f1_score and set(options) <= {"average", "pos_label"}:
        if average not in ("binary", "macro"):
            return None
        positive = np.flatnonzero(classes == options.get("pos_label", 1))
        if average == "binary" and (len(classes) != 2 or not len(positive)):
            return None

        def f1(m: np.ndarray) -> np.ndarray:
            hits = np.diagonal(m, axis1=-2, axis2=-1)
            total = m.sum(axis=-1) + m.sum(axis=-2)
            each = np.where(total > 0, _divide(2 * hits, total), 0.0)
            if average == "binary":
                return np.asarray(each[..., positive[0]])
            there = (total > 0).sum(axis=-1)  # as scikit-learn, of the labels met
            return _divide(each.sum(axis=-1), there)

        return f1
    return None


def _auc(ranked: np.ndarray) -> np.ndarray:
    """Mann-Whitney, ties count half; from hits and misses in order of the score."""
    hits, misses = ranked
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    won = (hits * (below + 0.5 * misses)).sum(axis=1)
    return _divide(won, hits.sum(axis=1) * misses.sum(axis=1))


def _precision(ranked: np.ndarray) -> np.ndarray:
    """Average precision from hits and misses in order of the score."""
    hits, misses = np.cumsum(ranked, axis=2)
    share = np.where(ranked[0] > 0, _divide(hits, hits + misses), 0.0)
    return _divide((ranked[0] * share).sum(axis=1), hits[:, -1])
