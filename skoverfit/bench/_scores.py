# SPDX-License-Identifier: BSD-3-Clause
"""The scores of a fitted model on a fold: of classes, and of numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, recall_score

from skoverfit.metrics import multiclass_roc_auc

__all__ = [
    "NUMBER_EDGES",
    "RELIABILITY_EDGES",
    "score_classes",
    "score_numbers",
    "training_sample",
]

# Fine bins, even in log-odds so that rare classes are resolved; they add up over folds
# and the report merges them to bins of even mass.
RELIABILITY_EDGES = 1.0 / (1.0 + np.exp(-np.linspace(-7.0, 7.0, 57)))
# The same for predicted numbers, in standard deviations from the mean of the table.
NUMBER_EDGES = np.linspace(-4.0, 4.0, 65)
# The training score is taken on so many rows at most: enough for it, and k-NN would
# need the square of the rows for more.
_MAX_TRAIN_SCORED = 10_000
# Share of the rows at each end of the target that are its rare values.
_EXTREME = 1 / 20


def training_sample(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the training rows that are scored, the same for all cells of a fold."""
    if len(y) <= _MAX_TRAIN_SCORED:
        return X, y
    rows = np.linspace(0, len(y) - 1, _MAX_TRAIN_SCORED).astype(int)
    # Evenly over the rows in the order of y: every class, or part of the range, keeps
    # its share.
    chosen = np.sort(np.argsort(y, kind="stable")[rows])
    return X[chosen], y[chosen]


# Classes ---------------------------------------------------------------------------


def score_classes(
    model: Any,
    X_test: np.ndarray,
    y_test: np.ndarray,
    *,
    seen: tuple[np.ndarray, np.ndarray],
    counts: np.ndarray,
) -> dict[str, Any]:
    """Score probabilities and labels on test rows and on training rows.

    Parameters
    ----------
    model : classifier
        Fitted, with ``predict_proba``.
    X_test, y_test : ndarray
        Test rows and their codes.
    seen : tuple of ndarray
        Training rows and their codes.
    counts : ndarray of shape (n_classes,)
        Training rows of each class; what a dummy would go by.

    Returns
    -------
    dict
        ``test``, ``train`` and ``dummy`` scores, and ``reliability``.
    """
    n_train = int(counts.sum())
    proba = _probabilities(model, X_test, len(counts), n_train)
    X_seen, y_seen = seen
    train_proba = _probabilities(model, X_seen, len(counts), n_train)
    shares = np.tile(_shrunk(counts / n_train, n_train), (len(proba), 1))
    most = np.full(len(y_test), counts.argmax())
    return {
        "test": _class_scores(y_test, proba, model.predict(X_test)),
        "train": _class_scores(y_seen, train_proba, model.predict(X_seen)),
        "dummy": _class_scores(y_test, shares, most),
        "reliability": _reliability(y_test, proba),
    }


def _shrunk(proba: np.ndarray, n_train: int) -> np.ndarray:
    """Let no model be surer than its training rows allow: (n p + 1/2) / (n + K/2).

    A forest or k-NN says 0 where it saw nothing; unshrunk, one such row decides a
    log-loss by the floating-point precision.
    """
    return (n_train * proba + 0.5) / (n_train + proba.shape[-1] / 2)


def _probabilities(
    model: Any, X: np.ndarray, n_classes: int, n_train: int
) -> np.ndarray:
    proba = np.zeros((len(X), n_classes))
    given = np.asarray(model.predict_proba(X), dtype=float)
    if not np.isfinite(given).all():
        raise ValueError("predict_proba gave NaN or infinity")
    proba[:, model.classes_] = given  # a class without training rows keeps 0
    return _shrunk(proba, n_train)


def _class_scores(
    y: np.ndarray, proba: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    present = np.unique(y)
    if proba.shape[1] == 2:
        ranking = average_precision_score(y == 1, proba[:, 1])
    else:
        ranking = multiclass_roc_auc(
            y, proba, average="ovo_macro", labels=np.arange(proba.shape[1])
        )
    given = proba[np.arange(len(y)), y]
    one_hot = np.eye(proba.shape[1])[y]
    recall = recall_score(y, predicted, labels=present, average=None)
    return {
        "ranking": float(ranking),
        "log_loss": float(-np.mean(np.log(given))),
        "balanced_accuracy": float(recall.mean()),
        "accuracy": float(np.mean(predicted == y)),
        "brier": float(np.mean(((proba - one_hot) ** 2).sum(axis=1))),
    }


def _reliability(y: np.ndarray, proba: np.ndarray) -> list[list[float]]:
    """Return [bin, rows, sum of forecasts, hits] of the bins that have rows."""
    if proba.shape[1] == 2:
        forecast, hit = proba[:, 1], y == 1
    else:
        forecast, hit = proba.max(axis=1), proba.argmax(axis=1) == y
    index = np.searchsorted(RELIABILITY_EDGES, forecast, side="right")
    size = len(RELIABILITY_EDGES) + 1
    rows = np.bincount(index, minlength=size)
    total = np.bincount(index, weights=forecast, minlength=size)
    hits = np.bincount(index, weights=hit, minlength=size)
    return [
        [int(b), int(rows[b]), float(total[b]), float(hits[b])]
        for b in np.flatnonzero(rows)
    ]


# Numbers ---------------------------------------------------------------------------


def score_numbers(
    model: Any,
    X_test: np.ndarray,
    y_test: np.ndarray,
    *,
    seen: tuple[np.ndarray, np.ndarray],
    y_train: np.ndarray,
    center: float,
    scale: float,
) -> dict[str, Any]:
    """Score predicted numbers on test rows and on training rows.

    Parameters
    ----------
    model : regressor
        Fitted.
    X_test, y_test : ndarray
        Test rows and their numbers.
    seen : tuple of ndarray
        Training rows and their numbers.
    y_train : ndarray of shape (n_train,)
        All numbers of the training fold: the dummy predicts their mean or median.
    center, scale : float
        Mean and standard deviation of the table's target: the unit of the errors.

    Returns
    -------
    dict
        ``test``, ``train`` and ``dummy`` scores, and ``reliability``.
    """
    X_seen, y_seen = seen
    predicted = _numbers(model, X_test)
    test = _number_scores(y_test, predicted, scale)
    same = np.ones(len(y_test))
    dummy = _number_scores(y_test, same * np.mean(y_train), scale)
    # Each score meets the single number that is best for it.
    middle = _number_scores(y_test, same * np.median(y_train), scale)
    return {
        "test": test,
        "train": _number_scores(y_seen, _numbers(model, X_seen), scale),
        "dummy": {**dummy, "absolute": middle["absolute"]},
        "reliability": _observed(
            (y_test - center) / scale, (predicted - center) / scale
        ),
    }


def _observed(y: np.ndarray, predicted: np.ndarray) -> list[list[float]]:
    """Return [bin, rows, sums of predictions, of targets and of their squares]."""
    index = np.searchsorted(NUMBER_EDGES, predicted, side="right")
    size = len(NUMBER_EDGES) + 1
    rows = np.bincount(index, minlength=size)
    sums = [
        np.bincount(index, weights=values, minlength=size)
        for values in (predicted, y, y**2)
    ]
    return [
        [int(b), int(rows[b]), *(float(total[b]) for total in sums)]
        for b in np.flatnonzero(rows)
    ]


def _numbers(model: Any, X: np.ndarray) -> np.ndarray:
    predicted = np.asarray(model.predict(X), dtype=np.float64).reshape(len(X))
    if not np.isfinite(predicted).all():
        raise ValueError("predict gave NaN or infinity")
    return predicted


def _number_scores(
    y: np.ndarray, predicted: np.ndarray, scale: float
) -> dict[str, float]:
    missed = np.abs(predicted - y) / scale
    order = np.argsort(y, kind="stable")
    n_end = max(1, round(_EXTREME * len(y)))
    ends = np.concatenate([order[:n_end], order[-n_end:]])
    return {
        "rmse": float(np.sqrt(np.mean(missed**2))),
        "absolute": float(np.mean(missed)),
        "spearman": _rank_correlation(y, predicted),
        "extremes": float(np.mean(missed[ends])),
    }


def _rank_correlation(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return Spearman's correlation; who says the same of all rows has none."""
    if np.ptp(y) == 0 or np.ptp(predicted) == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(spearmanr(y, predicted).statistic)
    return found if np.isfinite(found) else 0.0
